"""The kernel in C gives Python's bits, refuses what Python refuses, and is what its sources say."""

import math
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.app import native
from serving.app.engines.frozen.ops import build as build_ops
from serving.app.engines.frozen.ops import count_bytes, join
from serving.app.engines.frozen.ops.inputs import SHARES
from serving.app.engines.frozen.ops.matrix import Matrix
from serving.app.pictures import levels, pens, pixels, reference, shadows
from serving.kernel import build
from serving.tests import drawings, kernels
from serving.tests.sample import fit, write_bundle

SECONDS = 300
REASON = "the kernel is not built: make kernel"
pytestmark = pytest.mark.skipif(not native.kernel, reason=REASON)


def run(*command, **changes):
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=SECONDS, **changes
    )


def test_kernel_here_is_compiled_from_the_sources_here():
    assert build.find_version() == native.kernel.SOURCE, "make kernel compiles it again"
    assert native.tell_kernel() == "native"


@settings(deadline=None, max_examples=200)
@given(seed=st.integers(min_value=0))
@pytest.mark.parametrize("damaged", [False, True])
@pytest.mark.parametrize("make", kernels.MAKERS, ids=lambda make: make.__name__[5:])
def test_any_op_answers_and_refuses_as_python_does(make, damaged, seed):
    rng = kernels.random.Random(seed)
    case = kernels.make_case(rng, make)
    if damaged:
        case = (*kernels.damage(rng, *case[:2]), *case[2:])
    assert kernels.ask(case, native.kernel) == kernels.ask(case, None)


FINITE = st.floats(allow_nan=False, allow_infinity=False)


def test_two_terms_share_the_end_of_one_entry_they_stay_two():
    entry = struct.pack("<I5sId", 5, b"\x01\0\0\0z", 0, 2.0)
    starts = [int.from_bytes(term, "little") % 3 for term in (entry[4:9], b"z")]
    assert starts == [0, 2]
    buckets = struct.pack("<4I", 0, len(entry), 4, len(entry))  # a forged one begins within it
    op = kernels.make_vectorize(kernels.random.Random(1))[1]
    op |= {"token_pattern": r"[^|]+", "preprocessor": None, "binary": False, "norm": None}
    op["sections"] = {"terms": [0, 21], "buckets": [24, 40]}
    case = (entry + bytes(3) + buckets, [op], "text", ["\x01\0\0\0z|z"])
    assert kernels.ask(case, native.kernel) == kernels.ask(case, None) == ["(([0], [2.0]), 2, 0)"]


@settings(deadline=None, max_examples=500)
@given(st.lists(st.tuples(FINITE, FINITE), max_size=40))
def test_any_sum_is_sumprods(pairs):
    weights = [struct.pack("<d", weight) for _, weight in pairs]
    found = native.kernel.Matrix(weights.__getitem__, len(pairs), [0.0]).score(
        [value for value, _ in pairs]
    )
    expected = math.sumprod(*zip(*pairs, strict=True)) if pairs else 0.0
    assert found is None or found == [expected]
    assert found or abs(expected) > 1e300 or math.isnan(expected)


@given(st.binary(max_size=99))
def test_any_picture_has_the_pixels_that_python_finds(picture):
    assert native.kernel.pick(SHARES, picture) == [byte / 255 for byte in picture]
    with pytest.raises(IndexError):
        native.kernel.pick(SHARES[:7], picture + b"\x07")


@settings(deadline=None, max_examples=200)
@given(seed=st.integers(min_value=0))
def test_model_sees_of_any_picture_what_it_sees_by_python(seed):
    case = drawings.make_case(seed)
    assert drawings.ask(case, native.kernel) == drawings.ask(case, None)


def test_numbers_of_pictures_are_those_of_python():
    sources = "".join(path.read_text() for path in build.HERE.glob("p*.[ch]"))
    found = {name: int(number) for name, number in re.findall(r"\b([A-Z_]+) = (\d+)\b", sources)}
    expected = {"SHARE": reference.INK_SHARE[0], "WHOLE": reference.INK_SHARE[1]}
    for module, names in {
        reference: ["SEARCHED", "LOOKED_AT", "MARGIN"],
        levels: ["FAINTEST"],
        pens: ["PIXEL", "THIN", "WANTED", "STRONG"],
        pixels: ["LARGEST"],
        shadows: ["PARTS", "TILES"],
    }.items():
        expected |= {name: getattr(module, name) for name in names}
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("prepare", ["ink", "resize"])
@pytest.mark.parametrize("seed", range(8))
def test_memory_is_short_it_is_said_and_nothing_is_kept(prepare, seed):
    memory = pytest.importorskip("_testcapi", reason="this Python has no _testcapi")
    picture = drawings.draw(kernels.random.Random(seed))
    make, sizes = getattr(native.kernel, prepare), (picture.width, picture.height, 28, 28)
    expected, made = make(picture.grey, *sizes), []
    for first in range(1, 60):
        memory.set_nomemory(first, first + 1)
        try:
            made.append(make(picture.grey, *sizes))
        except MemoryError:
            made.append(None)
        finally:
            memory.remove_mem_hooks()
    assert None in made
    assert {one for one in made if one is not None} <= {expected}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ink", (bytes(4), 2, 3, 28, 28)),
        ("ink", (bytes(4), -2, -2, 28, 28)),
        ("ink", (b"", 0, 9, 28, 28)),
        ("ink", (bytes(4), 2, 2, 0, 28)),
        ("resize", (bytes(4), 2, 2, 28, -1)),
        ("resize", (bytes(4), 2**62, 4, 28, 28)),
        ("resize", (bytes(4), 2, 2, 2**62, 4)),
        ("resize", ("a", 1, 1, 28, 28)),
        ("unfilter", (bytes(6), 3, 1)),
        ("unfilter", (bytes(6), 2, 3)),
        ("unfilter", (bytes(6), 2, 0)),
        ("unfilter", (bytes(6), 0, 1)),
        ("unfilter", (bytes(6), -2, 1)),
        ("unfilter", (bytes(6), 2**63 - 1, 1)),
        ("unfilter", (b"", 1, 1)),
        ("unfilter", (bytes([5, 0, 0]), 2, 1)),
        ("grey", (bytes(4), 1, b"")),
        ("grey", (bytes(5), 5, b"")),
        ("grey", (bytes(4), 3, b"")),
        ("grey", (bytes(6), 3, bytes(4))),
        ("grey", (bytes(4), "a", b"")),
    ],
)
def test_what_is_no_picture_of_its_size_is_refused(name, arguments):
    with pytest.raises((TypeError, ValueError)):
        getattr(native.kernel, name)(*arguments)


@pytest.mark.parametrize("found", [None, 7, "a", bytearray(8)])
def test_what_are_no_weights_bytes_is_refused(found):
    with pytest.raises(TypeError):
        native.kernel.Matrix(lambda _: found, 1, [0.0]).score([1.0])


def name_joined(case):
    """The classes of what an engine runs."""
    data, ops, takes, _ = case
    made, _ = build_ops(kernels.MemoryFile(data), ops, takes)
    return [type(one).__name__ for one in join(made, [op["type"] for op in ops])]


@pytest.mark.parametrize("seed", range(5))
def test_neighbours_are_joined_where_the_kernel_does_them_at_once(seed, monkeypatch):
    words, network, matrix = (
        kernels.make_case(kernels.random.Random(seed), make)
        for make in (kernels.make_words, kernels.make_network, kernels.make_matrix)
    )
    _, second, *rest = words[1]
    together = ["Words"] if second["threshold"] is None else ["Vectorize", "Linear"]
    assert name_joined(words) == [*together, *(["Classify"] if rest else [])]
    last = ["Activate"] if network[1][-1]["type"] == "activate" else []
    alone = len(network[1]) - len(last) == 1
    assert name_joined(network) == ["Matrix" if alone else "Layers", *last]
    if matrix[1][0]["intercept"]:  # else it is refused
        assert name_joined(matrix) == ["Matrix"]
    monkeypatch.setattr(Matrix, "_make_native", lambda *_: None)  # an old processor
    assert len(name_joined(network)) == len(network[1])
    monkeypatch.setattr(native, "kernel", None)
    assert name_joined(words)[:2] == ["Vectorize", "Linear"]


@pytest.mark.parametrize("seed", range(20))
def test_between_sections_of_trees_nothing_is_read(seed):
    class Counted(kernels.MemoryFile):
        count = 0

        def read(self, start, stop):
            self.count += stop - start
            return super().read(start, stop)

    data, ops, takes, rows = kernels.make_case(kernels.random.Random(seed), kernels.make_trees)
    file = Counted(data)
    with suppress(*kernels.REFUSED):  # some are no trees
        (trees,), _ = build_ops(file, ops, takes)
        for row in rows:
            trees(row)
    assert file.count <= count_bytes(ops[0])


@pytest.mark.parametrize("weights", [None, 7, [], object(), int])
def test_what_are_no_weights_is_refused(weights):
    terms = native.kernel.Terms(lambda _: bytes(4096), 1, 0, 64, 0, 64, {}, 0)
    for other in (weights, terms):
        with pytest.raises(TypeError):
            terms.score(b"boat", other)
    with pytest.raises(TypeError):
        terms.score("boat", native.kernel.Weights(lambda _: bytes(4096), 1, 0, 64, [0.0]))


@pytest.mark.parametrize("values", [0, 1, 3, 5, 6])
def test_weights_come_that_are_not_of_inputs_are_refused(values):
    asked = []

    def load(place):
        asked.append(place)
        return struct.pack(f"<{values}d", *range(values))

    matrix = native.kernel.Matrix(load, 2, [0.0, 0.5])
    with pytest.raises(ValueError, match="weights of another number"):
        matrix.score([1.0, 1.0])
    assert asked == [0]


def test_weights_of_more_inputs_come_they_are_asked_for_once():
    asked = []

    def load(place):
        asked.append(place)
        return struct.pack("<4d", 1.0, 2.0, 3.0, 4.0) if place < 2 else struct.pack("<2d", 5.0, 6.0)

    matrix = native.kernel.Matrix(load, 3, [0.0, 0.5])
    assert matrix.score([1.0, 1.0, 1.0]) == [9.0, 12.5]
    assert matrix.score([1.0, 1.0, 1.0]) == [9.0, 12.5]
    assert asked == [0, 2]


@pytest.mark.parametrize(
    "layers",
    [("relu",), ("relu", 1), (1, ...), ("tan", ...), (..., "relu"), ("relu", ..., ...)],
)
def test_what_are_no_layers_is_refused(layers):
    matrix = native.kernel.Matrix(lambda _: bytes(8), 1, [0.0])
    assert matrix.score([1.0], "relu", matrix, "tanh", matrix) == [0.0]
    with pytest.raises((TypeError, ValueError)):
        matrix.score([1.0], *(matrix if one is ... else one for one in layers))
    with pytest.raises(TypeError):
        matrix.score()


@given(st.binary(max_size=2000))
def test_bytes_are_added_up_as_python_does(data):
    assert native.kernel.add_up(data) == sum(data)
    with pytest.raises(TypeError):
        native.kernel.add_up(data.decode("latin-1"))


@pytest.mark.parametrize("arguments", [(), (SHARES,), (SHARES, 1), (SHARES, "a"), (1, b"a")])
def test_what_is_no_picture_is_refused(arguments):
    with pytest.raises(TypeError):
        native.kernel.pick(*arguments)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("softmax", (1,)),
        ("softmax", (["a"],)),
        ("softmax", ([],)),
        ("calibrate", ([], [], [])),
        ("calibrate", ([1.0], [1.0], [1.0, 2.0])),
        ("calibrate", ([1.0], 1.0, [1.0])),
        ("calibrate", ([1.0], [1.0])),
    ],
)
def test_what_are_no_scores_is_refused(name, arguments):
    with pytest.raises((TypeError, ValueError)):
        getattr(native.kernel, name)(*arguments)


def refuse(number):
    raise LookupError(number)


BYTES = memoryview(bytes(64))
GARBAGE = [
    ("Matrix", (refuse, -1, [0.0])),
    ("Matrix", (refuse, 2**62, [0.0])),
    ("Matrix", (refuse, 1, ["a"])),
    ("Matrix", (refuse, 1, (0.0,))),
    ("Matrix", (refuse, 1, [])),
    ("Terms", (refuse, 1, 8, 0, 0, 8, {}, 0)),
    ("Terms", (refuse, 1, 0, 8, 0, 4, {}, 0)),
    ("Terms", (refuse, 1, 0, 2**63, 0, 8, {}, 0)),
    ("Terms", (refuse, 1, 0, 8, 0, 2**50, {}, 0)),
    ("Weights", (refuse, 1, 0, 8, [])),
    ("Weights", (refuse, 1, 9, 8, [0.0])),
    ("Forest", ([], "HH", (BYTES,) * 7, [], 1.0, math.nan, False)),
    ("Forest", ([(-1, 1, 0)], "HH", (BYTES,) * 7, [0.0], 1.0, math.nan, False)),
    ("Forest", ([(0, 2**62, 2**62)], "HH", (BYTES,) * 7, [0.0], 1.0, math.nan, False)),
    ("Forest", ([(0, 1, 2**31)], "HH", (BYTES,) * 7, [0.0], 1.0, math.nan, False)),
    ("Forest", ([(0, 99, 0)], "HH", (BYTES,) * 7, [0.0], 1.0, math.nan, False)),
    ("Forest", ([3], "HH", (BYTES,) * 7, [0.0], 1.0, math.nan, False)),
    ("Forest", ([], "HQ", (BYTES,) * 7, [0.0], 1.0, math.nan, False)),
    ("Forest", ([], "HHH", (BYTES,) * 7, [0.0], 1.0, math.nan, False)),
    ("Forest", ([], "HH", (BYTES[:63],) * 7, [0.0], 1.0, math.nan, False)),
    ("Forest", ([], "HH", (BYTES,) * 6, [0.0], 1.0, math.nan, False)),
]


@pytest.mark.parametrize(("name", "arguments"), GARBAGE)
def test_what_cannot_be_is_refused_when_a_part_is_made(name, arguments):
    with pytest.raises((OverflowError, TypeError, ValueError)):
        getattr(native.kernel, name)(*arguments)


@pytest.mark.parametrize(
    "ask",
    [
        lambda kernel, load: kernel.Terms(load, 1, 0, 64, 0, 64, {}, 0).weigh(["a"]),
        lambda kernel, load: kernel.Terms(load, 1, 0, 64, 0, 64, {}, 0).weigh(b"boat"),
        lambda kernel, load: kernel.Terms(load, 1, 0, 64, 0, 64, {}, 0).score(
            ["a"], kernel.Weights(load, 1, 0, 64, [0.0])
        ),
        lambda kernel, load: kernel.Weights(load, 1, 0, 64, [0.0]).score([1], [1.0]),
        lambda kernel, load: kernel.Matrix(load, 1, [0.0]).score([1.0]),
    ],
)
@pytest.mark.parametrize(
    ("load", "error"),
    [(refuse, LookupError), (lambda _: b"short", ValueError), (lambda _: 7, TypeError)],
)
def test_what_gives_blocks_fails_the_error_comes_through(ask, load, error):
    with pytest.raises(error):
        ask(native.kernel, load)


def test_a_number_shortens_the_list_that_it_is_in_nothing_is_read_beyond():
    class Shortens:
        def __float__(self):
            values.clear()
            return 1.0

    values = [Shortens(), *[1.0] * 9]
    with pytest.raises(IndexError):
        native.kernel.Weights(lambda _: bytes(4096), 1, 0, 4096, [0.0]).score([0] * 10, values)


@pytest.mark.slow
@pytest.mark.parametrize("machine", build.TARGETS)
def test_products_are_fused_with_sums_in_the_matrix_alone(machine, tmp_path):
    headers = f"-isystem{sysconfig.get_path('include')}"
    zig = (sys.executable, "-m", "ziglang", "cc", "-target", build.TARGETS[machine])
    cache = dict.fromkeys(("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"), str(tmp_path))
    fused = {}
    for path in build.list_sources():
        if path.suffix == ".c":
            command = (*zig, *build.FLAGS, headers, '-DQUICKTHAW_SOURCE=""', "-S", str(path))
            assembly = tmp_path / f"{path.stem}.s"
            done = run(*command, "-o", str(assembly), env=os.environ | cache, cwd=tmp_path)
            assert done.returncode == 0, done.stderr
            found = re.findall(r"\tv?fn?m(?:add|sub|la|ls)", assembly.read_text())
            fused[path.name] = len(found)
    assert fused.pop("matrix.c") > 0
    assert set(fused.values()) == {0}


@pytest.mark.slow
@pytest.mark.parametrize("machine", build.TARGETS)
def test_same_sources_are_the_same_bytes_wherever_they_are_compiled(machine, tmp_path):
    build.compile_kernel(machine, tmp_path / "one.so")
    elsewhere = shutil.copytree(build.HERE, tmp_path / "else" / "where")
    build.compile_kernel(machine, tmp_path / "other.so", elsewhere)
    one, other = ((tmp_path / name).read_bytes() for name in ("one.so", "other.so"))
    assert one == other
    assert str(build.HERE).encode() not in one
    if machine == platform.machine():
        assert build.PLACE.read_bytes() == one


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("gcc"), reason="gcc has the sanitizers, and is not here")
def test_sanitizers_find_nothing_in_any_case(tmp_path):
    kernel = tmp_path / "_kernel.so"
    sources = [str(path) for path in build.list_sources() if path.suffix == ".c"]
    done = run(
        *("gcc", "-std=c11", "-O1", "-g", "-ffp-contract=off", "-fPIC", "-shared"),
        *("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
        *(f"-isystem{sysconfig.get_path('include')}", '-DQUICKTHAW_SOURCE=""'),
        *(*sources, "-lm", "-o", str(kernel)),
    )
    assert done.returncode == 0, done.stderr
    library = run("gcc", "-print-file-name=libasan.so").stdout.strip()
    done = run(
        *(sys.executable, "-m", "serving.tests.kernels", str(kernel), "7", "8000"),
        env=os.environ
        | {
            "LD_PRELOAD": library,
            # Python's own memory is left to the system's, which is watched; what Python leaves to
            # the end of its process is no leak of the kernel's.
            "PYTHONMALLOC": "malloc",
            "ASAN_OPTIONS": "detect_leaks=0",
            "PYTHONPATH": str(build.HERE.parents[1]),
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert "the kernel's are Python's" in done.stdout


def test_kernel_does_not_load_python_serves_the_same_and_the_metrics_say_so(
    tmp_path, start_service, monkeypatch
):
    write_bundle(tmp_path, fit(), "frozen")
    answers, said = [], []
    for kernel in (native.kernel, None):
        monkeypatch.setattr(native, "kernel", kernel)
        answer = start_service(tmp_path).request(body={"text": "the boat and the soup"})
        answers.append(answer.json)
        said += [one["kernel"] for one in answer.emf]
    assert answers[0] == answers[1]
    assert said == ["native", "python"]


def test_kernel_is_of_another_processor_it_is_as_if_it_were_missing(tmp_path):
    package = tmp_path / "serving/app"
    package.mkdir(parents=True)
    for module in ("__init__.py", "native.py"):
        shutil.copy(build.PLACE.with_name(module), package)
    (package / build.NAME).write_bytes(b"\x7fELF of another processor")
    command = "from serving.app import native; print(native.tell_kernel())"
    done = run(sys.executable, "-c", command, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)})
    assert (done.stdout, done.stderr) == ("python\n", "")


def test_parts_are_freed_with_what_they_refer_to():
    import gc
    import weakref

    class Load:
        def __call__(self, number):
            return bytes(4096)

    load = Load()
    load.cycle = [
        native.kernel.Terms(load, 1, 0, 64, 0, 64, {}, 0),
        native.kernel.Weights(load, 1, 0, 64, [0.0]),
        native.kernel.Matrix(load, 1, [0.0]),
    ]
    seen = weakref.ref(load)
    del load
    gc.collect()
    assert seen() is None

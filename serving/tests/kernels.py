"""Ops of random and damaged models, with the kernel and without: `python -m serving.tests.kernels`.

What both answer is the same to the last bit, and what one refuses the other refuses. The same of
pictures (drawings.py).
"""

import copy
import importlib.util
import itertools
import math
import random
import struct
import sys
from types import SimpleNamespace

from serving.app import native
from serving.app.engines.frozen.analysis import TOKEN_PATTERN
from serving.app.engines.frozen.file import BLOCK
from serving.app.engines.frozen.ops import build, join, run
from serving.app.engines.frozen.rows import Features
from serving.bundle.errors import BundleDamaged
from serving.tests import drawings

REFUSED = (BundleDamaged, IndexError, KeyError, OverflowError, TypeError, ValueError)
ODD = [0.0, -0.0, 1.0, -1.0, 1e-310, 5e-324, 1e16, -1e16, 1e308, -1e308, math.inf, math.nan, 3e38]
WORDS = ["boat", "the boat", "a", "", "soup", "é", "日本", "x" * 90, "\ud800", "\ud800boat", "fünf"]
WORDS += ["Boat", "SOUP", "\u212aIT", "\u0130s"]  # the last two are lowered to a-z, too


class MemoryFile:
    """A frozen file's data, in the memory: what it has of FrozenFile is what ops use."""

    def __init__(self, data, kept=3):
        self._data = data + bytes(-len(data) % BLOCK)
        self.size = len(self._data)
        self.blocks = self.size // BLOCK
        self.kept_blocks = kept

    def read(self, start, stop):
        if not 0 <= start <= stop <= self.size:
            raise BundleDamaged("out of the file")
        return self._data[start:stop]

    def read_whole(self, start, stop):
        return memoryview(self.read(start, stop))

    def load_block(self, number):
        return self.read(number * BLOCK, number * BLOCK + BLOCK)

    check_bounds = read


def make_number(rng):
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(ODD)
    return rng.gauss(0, 1) * (10.0 ** rng.randint(-200, 200) if kind == 1 else 1.0)


def make_half(rng):
    """A number whose sums are halfway between two doubles, or nearly so."""
    return rng.choice([-1.0, 1.0]) * 2.0 ** rng.choice([0, 0, 1, -1, -52, -53, -53, -54, -106])


def pack(rng, sections):
    """Sections one after the other, at any address: the data, and where each one is."""
    data, places = bytes(rng.randrange(40)), {}
    for name, section in sections.items():
        data += bytes(rng.choice([0, 0, 1, 8, BLOCK - 5]))
        places[name] = [len(data), len(data) + len(section)]
        data += section
    return data, places


def doubles(numbers):
    return struct.pack(f"<{len(numbers)}d", *numbers)


def make_matrix(rng):
    inputs, outputs = rng.choice([0, 1, 2, 17, 40]), rng.choice([0, 1, 2, 8, 9])
    draw = rng.choice([make_number, make_half])
    finite = [0.0, *(one for one in ODD if math.isfinite(one))]
    weights = [
        rng.choice(finite) if rng.random() < 0.2 else draw(rng) for _ in range(inputs * outputs)
    ]
    data, places = pack(rng, {"weights": doubles(weights)})
    op = {"type": "matrix", "intercept": [rng.gauss(0, 1) for _ in range(outputs)]}
    rows = [[0.0 if rng.random() < 0.6 else draw(rng) for _ in range(inputs)] for _ in range(3)]
    return data, op | {"inputs": inputs, "models": 1, "sections": places}, "values", rows


def make_network(rng):
    """Layers, which the kernel does at once: of a picture or not, and not all of one width."""
    widths = [rng.choice([1, 2, 17, 20]) for _ in range(rng.choice([2, 3, 4]))]
    sections, ops = {}, []
    for number, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        draw = make_number if rng.random() < 0.2 else lambda rng: rng.gauss(0, 1)
        sections[number] = doubles([draw(rng) for _ in range(inputs * outputs)])
        op = {"type": "matrix", "intercept": [rng.gauss(0, 1) for _ in range(outputs)]}
        inputs += rng.random() < 0.1  # noqa: PLW2901
        ops += [op | {"inputs": inputs, "models": 1}, {"type": "activate", "sections": {}}]
        ops[-1]["function"] = rng.choice(["relu", "tanh", "logistic"])
    data, places = pack(rng, sections)
    for number, place in places.items():
        ops[2 * number]["sections"] = {"weights": place}
    ops = ops if rng.random() < 0.2 else ops[:-1]
    width = widths[0] + (rng.random() < 0.1)
    if rng.random() < 0.5:
        rows = [SimpleNamespace(pixels=rng.randbytes(width)) for _ in range(3)]
        return data, [{"type": "pixels", "sections": {}}, *ops], "image", rows
    draw = make_number if rng.random() < 0.2 else lambda rng: rng.choice([0.0, rng.gauss(0, 1)])
    return data, ops, "values", [[draw(rng) for _ in range(width)] for _ in range(3)]


def make_linear(rng):
    width, columns = rng.choice([1, 2, 10, 11, 23]), rng.randint(1, 60)
    data, places = pack(
        rng, {"weights": doubles([make_number(rng) for _ in range(width * columns)])}
    )
    op = {"type": "linear", "intercept": [rng.gauss(0, 1) for _ in range(width)]}
    op |= {"threshold": rng.choice([None, None, 0.0]), "models": 1, "explain": None}
    rows = []
    for _ in range(3):
        chosen = sorted(rng.sample(range(columns + 2), rng.randint(0, min(columns, 20))))
        chosen = [column for column in chosen if column < columns or rng.random() < 0.1]
        rows.append(Features(chosen, [make_number(rng) for _ in chosen]))
    return data, op | {"sections": places}, "features", rows


def make_vectorize(rng):
    words = [*WORDS, *(f"w{rng.randrange(10**6)}" for _ in range(rng.choice([0, 5, 400])))]
    kept = rng.sample(words, rng.randint(0, len(words)))
    buckets = rng.choice([1, 2, 7, 101])
    filled = [b""] * buckets
    forged = rng.random() < 0.2  # of several words with one column
    for column, word in enumerate(kept):
        column = rng.randrange(3) if forged else column  # noqa: PLW2901
        key = word.encode(errors="surrogatepass")
        entry = struct.pack("<I", len(key)) + key + struct.pack("<Id", column, make_number(rng))
        filled[int.from_bytes(key, "little") % buckets] += entry
    starts = [sum(map(len, filled[:number])) for number in range(buckets + 1)]
    sections = {"terms": b"".join(filled), "buckets": struct.pack(f"<{buckets + 1}I", *starts)}
    if rng.random() < 0.5:
        sections["logs"] = doubles([math.log(count) for count in range(1, 4)])
    data, places = pack(rng, sections)
    op = {"type": "vectorize", "analyzer": "word", "preprocessor": None, "strip_accents": None}
    op |= {"lowercase": False, "token_pattern": r"[^|]+", "stop_words": None, "ngram_range": [1, 1]}
    op |= {"binary": rng.random() < 0.3, "norm": rng.choice([None, "l1", "l2"])}
    if rng.random() < 0.5:
        op |= {"preprocessor": "normalize", "token_pattern": TOKEN_PATTERN}
    rows = ["|".join(rng.choices(words, k=rng.choice([0, 1, 5, 200]))) for _ in range(3)]
    return data, op | {"sections": places}, "text", rows


def make_words(rng):
    """A vocabulary and weights, which the kernel does at once."""
    data, first, takes, rows = make_vectorize(rng)
    more, second, *_ = make_linear(rng)
    second["sections"]["weights"] = [len(data) + at for at in second["sections"]["weights"]]
    last = [] if rng.random() < 0.5 else [{"type": "classify", "link": None, "sections": {}}]
    return data + more, [first, second, *last], takes, rows


def make_trees(rng):
    columns, whole, outputs = rng.randint(1, 4), rng.random() < 0.5, rng.randint(1, 3)
    layout, thresholds, missing, tables = [], [], b"", b""
    for column in range(columns):
        count, codes = rng.randint(0, 5), rng.choice([0, 0, 3])
        layout.append([column, count, codes])
        missing += bytes(rng.choices([1, 2], k=count))
        for code in range(codes):
            seen = code and rng.random() < 0.8
            tables += bytes(rng.choices([1, 2], k=count) if seen else count)
        if not codes:
            thresholds += sorted(rng.gauss(0, 1) for _ in range(count))
    roots, questions, distances, leaves = [], [], [], 0
    asked = len(missing)
    for _ in range(rng.choice([0, 1, 7, 8, 9, 20])):
        roots.append(len(questions))
        waiting, nodes = 1, 0
        while waiting:
            nodes, waiting = nodes + 1, waiting - 1
            if asked and nodes < 12 and rng.random() < 0.6:
                questions.append(rng.randint(1, asked))
                distances.append(waiting)
                waiting += 2
            else:
                questions.append(0)
                distances.append(leaves)
                leaves += 1
    size = outputs if whole else 1
    types = {"questions": rng.choice("HI"), "distances": rng.choice("HI")}
    sections = {
        "thresholds": doubles(thresholds),
        "missing": missing,
        "tables": tables,
        "roots": struct.pack(f"<{len(roots)}I", *roots),
        "questions": struct.pack(f"<{len(questions)}{types['questions']}", *questions),
        "distances": struct.pack(f"<{len(distances)}{types['distances']}", *distances),
        "leaves": doubles([make_number(rng) for _ in range(leaves * size)]),
    }
    data, places = pack(rng, sections)
    op = {"type": "trees", "features": layout, "outputs": outputs, "whole": whole, "types": types}
    op |= {"init": [rng.gauss(0, 1) for _ in range(outputs)], "divisor": rng.choice([1.0, 3.0])}
    rows = [
        [rng.choice([math.nan, 0.0, 1.0, 2.0, 3.0, make_number(rng)]) for _ in range(columns)]
        for _ in range(5)
    ]
    return data, op | {"single": rng.random() < 0.5, "sections": places}, "values", rows


def make_pixels(rng):
    rows = [SimpleNamespace(pixels=rng.randbytes(rng.choice([0, 1, 64, 784]))) for _ in range(3)]
    return b"", {"type": "pixels", "sections": {}}, "image", rows


def make_softmax(rng):
    op = {"type": "classify", "link": "softmax", "sections": {}}
    return b"", op, "values", _make_scores(rng, rng.choice([0, 1, 2, 7, 8, 20, 129, 300]))


def make_calibrate(rng):
    classifiers, scores = rng.choice([0, 1, 1, 2, 5]), rng.choice([0, 1, 2, 7, 8, 20, 129])
    op = {"type": "calibrate", "sections": {}}
    for name in ("slopes", "intercepts"):
        op[name] = _make_scores(rng, scores, classifiers)
    if classifiers and rng.random() < 0.2:
        op["slopes"][-1].append(rng.choice([1, 2**2000, "a", None]))
    rows = _make_scores(rng, scores * classifiers + rng.choice([0, 0, 0, 1, -1]))
    return b"", op, "values", rows


def _make_scores(rng, count, rows=3):
    return [[make_number(rng) for _ in range(count)] for _ in range(rows)]


MAKERS = (
    make_matrix,
    make_network,
    make_linear,
    make_vectorize,
    make_words,
    make_trees,
    make_pixels,
    make_softmax,
    make_calibrate,
)


def make_case(rng, make):
    """Data, ops, what the first takes, and rows."""
    data, ops, takes, rows = make(rng)
    return data, ops if isinstance(ops, list) else [ops], takes, rows


def damage(rng, data, ops):
    """The same with something changed, as a forger can who writes the hashes, too."""
    data = bytearray(data)
    for _ in range(rng.randint(0, 3)):
        if data:
            data[rng.randrange(len(data))] = rng.choice([0, 1, 255, rng.randrange(256)])
    ops = copy.deepcopy(ops)
    op = rng.choice(ops)
    if op["sections"]:
        name, place = rng.choice(list(op["sections"])), rng.randrange(2)
        op["sections"][name][place] += rng.choice([0, -8, 8, -1, 1, 4, BLOCK, -BLOCK, 10**9, 2**40])
    return bytes(data), ops


def ask(case, kernel):
    """What ops answer to each row, as text; an error by whether it is one."""
    data, ops, takes, rows = case
    before, native.kernel = native.kernel, kernel
    try:
        made, _ = build(MemoryFile(data), ops, takes)
        joined = join(made, [op["type"] for op in ops])
    except REFUSED:
        return ["refused"] * len(rows)
    finally:
        native.kernel = before
    return [_tell(joined, row) for row in rows]


def _tell(joined, row):
    first, *rest = joined
    try:
        row, *counts = first.read(row) if hasattr(first, "read") else (first(row),)
        found = run(rest, row)
    except REFUSED:
        return "refused"
    if isinstance(found, Features):
        found = found.columns, found.values
    return repr((found, *counts))


def compare(kernel, seed, number):
    """What an op of a random or damaged model answers, with the kernel and without; how many."""
    rng = random.Random(f"{seed}.{number}")
    case = make_case(rng, rng.choice(MAKERS))
    if number % 2:
        case = (*damage(rng, *case[:2]), *case[2:])
    found, expected = ask(case, kernel), ask(case, None)
    if found != expected:
        kinds = ", ".join(op["type"] for op in case[1])
        sys.exit(f"case {seed}.{number}, {kinds}: {found} is not {expected}")
    return sum(one != "refused" for one in found)


def main(path, seed, count):
    """Compare random and damaged ops, and a tenth as many pictures, with the kernel of a file."""
    spec = importlib.util.spec_from_file_location("_kernel", path)
    kernel = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(kernel)
    answered = sum(compare(kernel, seed, number) for number in range(count))
    for number in range(count // 10):
        case = drawings.make_case(f"{seed}.{number}")
        if drawings.ask(case, kernel) != drawings.ask(case, None):
            sys.exit(f"picture {seed}.{number} is another with the kernel")
    print(f"{count} cases, {answered} answers: the kernel's are Python's")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))

"""The pages of the frozen file and of the manifest say what the code writes and reads."""

import hashlib
import inspect
import json
import re
import struct
from collections import Counter, defaultdict
from itertools import pairwise

import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from serving.app.engines.frozen import file, ngrams, patterns, rows, vocabulary
from serving.app.engines.frozen.ops import (
    OPS,
    classify,
    curves,
    matrix,
    numbers,
    trees,
    vectors,
)
from serving.bundle import inputs, manifest
from serving.bundle.errors import BundleDamaged
from serving.bundle.files import HASH
from serving.bundle.versions import PINNED_PACKAGES
from serving.tests.pages import PAGES, read_table, table
from serving.tests.sample import LABELS, TEXTS, change_manifest, fit, write_bundle
from serving.tests.tracked import ROOT
from training.freezing.compiler import compile_pipeline
from training.freezing.file import write
from training.inputs import QUANTILES, record
from training.tests.frozen import describe_records, read_records
from training.tests.models_by_op import make_model
from training.tests.zoo import make_table

FROZEN = PAGES["reference/frozen-file.md"]
MANIFEST = PAGES["reference/manifest.md"]
TYPES = ("text", "record", "image", "values", "features", "outcome")


# ---- The frozen file: tables against the code.


def find_class(op):
    module, name = OPS[op]
    package = "serving.app.engines.frozen.ops"
    return getattr(__import__(f"{package}.{module}", fromlist=[name]), name)


def list_names(cell):
    """What a cell of settings or sections names: the code before each part's colon."""
    return {
        name for part in cell.split("; ") for name in re.findall(r"`(\w+)`", part.split(":")[0])
    }


def read_ops():
    """Of each op what its row names: takes and gives, settings, sections."""
    terms = {row[0] for row in table(FROZEN.partition("### Terms")[2], "Setting")}
    part = FROZEN.partition("### Trees")[2]
    of_trees = [{row[0] for row in table(part, one)} for one in ("Setting", "Section")]
    vocabulary = {"terms", "buckets", "logs"}
    found = {}
    for op, types, settings, sections, _ in read_table(FROZEN, "Op"):
        named = list_names(settings), list_names(sections)
        if "(#terms)" in settings:
            named = named[0] | terms, named[1]
        if "(#the-vocabulary)" in sections:
            named = named[0], named[1] | vocabulary
        found[op.strip("`")] = (types, *(of_trees if "(#trees)" in settings else named))
    return found


@pytest.fixture(scope="module")
def written():
    """What the freezer writes of each op: its settings and the names of its sections."""
    settings, sections = defaultdict(set), defaultdict(set)

    def look(ops):
        for op in ops:
            settings[op.type] |= op.settings.keys()
            sections[op.type] |= op.sections.keys()
            for part in op.parts:
                look(part)

    for op in OPS:
        look(make_model(op).model.ops)
    return settings, sections


def test_table_of_ops_is_the_registry():
    assert [row[0] for row in table(FROZEN, "Op")] == list(OPS)


def test_table_of_ops_names_each_setting_and_section_that_is_written(written):
    settings, sections = written
    for op, (_, named_settings, named_sections) in read_ops().items():
        assert named_settings == settings[op], op
        perhaps = {"logs"} if op == "vectorize" else set()  # few models have these
        assert named_sections - perhaps == sections[op], op


def test_each_op_reads_no_setting_that_the_table_does_not_name():
    for op, (_, settings, sections) in read_ops().items():
        source = "".join(inspect.getsource(one) for one in find_class(op).__mro__[:-1])
        read = set(re.findall(r'op(?:\[|\.get\()"(\w+)"', source)) - {"sections", "parts"}
        assert read <= settings, op
        assert set(re.findall(r'sections(?:"\])?(?:\[|\.get\()"(\w+)"', source)) <= sections, op


def test_each_op_takes_and_gives_what_the_table_says():
    for op, (types, *_) in read_ops().items():
        kind, said = find_class(op), [one.partition(" → ")[::2] for one in types.split(", ")]
        for place, name in enumerate(("takes", "gives")):
            one = getattr(kind, name, None)
            if one is not None:  # others depend on the settings
                assert {end[place] for end in said} == {one}, op
    assert {row[0] for row in table(FROZEN.partition("## Ops")[2], "Type")} == set(TYPES)


def test_tables_of_names_are_those_of_the_code():
    found = {row[0].strip("`"): row[1] for row in read_table(FROZEN, "Setting")}
    names = {
        "classify.link": classify.LINKS,
        "function.name": numbers.FUNCTIONS,
        "activate.function": matrix.ACTIVATIONS,
        "kernels.kernel": vectors.KERNELS,
        "scale.steps": numbers.ARITHMETIC,
    }
    assert found.keys() == names.keys()
    for setting, cell in found.items():
        assert set(re.findall(r"`(\w+)`", cell)) == set(names[setting]), setting


def test_table_of_constants_is_that_of_the_code():
    assert dict(table(FROZEN, "Constant")) == {
        "Magic": file.MAGIC.decode(),
        "Format version": str(file.FORMAT),
        "Block": f"{file.BLOCK:,} bytes",
        "Hash": f"{HASH} bytes, BLAKE2b with a digest of that size, without a key",
        "Leaves in a block": str(file.LEAVES),
        "Prefix": f"{file.PREFIX} bytes",
    }


def test_table_of_bounds_is_that_of_the_code():
    assert dict(table(FROZEN, "Bound")) == {
        "Values of a dense row": f"{rows.MAX_WIDTH:,}",
        "All sections of all ops together": "The file's size",
        "A bucket of terms": f"{vocabulary.MAX_BUCKET:,} bytes",
        "Degree of splines": str(curves.MAX_DEGREE),
        "Labels of which each pair is compared": f"{vectors.MAX_LABELS:,}",
        "A token pattern": f"{patterns.MAX_LENGTH:,} characters; none that a text could make slow",
        "N-grams of more than so many lengths, of a long text": str(ngrams.FEW_LENGTHS),
    }


def test_numbers_that_single_precision_does_not_hold_are_those_of_the_page():
    assert trees.SINGLE_LIMIT == (2 - 2**-24) * 2.0**127
    assert "(2 − 2⁻²⁴)·2¹²⁷" in FROZEN


# ---- The frozen file, by a reader that knows the page alone.


class Reader:
    """A frozen file, read as docs/reference/frozen-file.md has it: nothing of serving is used."""

    def __init__(self, data, root):
        self.data = data
        leaf_blocks = -(-len(data) // (4096 * 128 + 4096 + 32))
        blocks, rest = divmod(len(data) - 32 * leaf_blocks, 4096)
        assert not rest
        self.blocks = blocks - leaf_blocks
        assert -(-self.blocks // 128) == leaf_blocks
        end = 4096 * blocks
        leaves, found = data[4096 * self.blocks : end], data[end:]
        assert hash_block(found).hex() == root
        assert b"".join(map(hash_block, cut(leaves, 4096))) == found
        hashes = b"".join(map(hash_block, cut(data[: 4096 * self.blocks], 4096)))
        assert hashes.ljust(len(leaves), b"\0") == leaves
        magic, version, length = struct.unpack_from("<8sII", data)
        assert (magic, version) == (b"QTFROZEN", 3)
        self.header = json.loads(data[16 : 16 + length].decode("ascii"))

    def numbers(self, op, section, kind="d"):
        start, stop = op["sections"][section]
        assert 0 <= start <= stop <= 4096 * self.blocks
        return [one for (one,) in struct.iter_unpack(f"<{kind}", self.data[start:stop])]

    def bytes(self, op, section):
        return self.data[slice(*op["sections"][section])]


def hash_block(block):
    return hashlib.blake2b(block, digest_size=32).digest()


def cut(data, size):
    return [data[start : start + size] for start in range(0, len(data), size)]


def find_term(reader, op, term):
    """Column and idf of a term, or None."""
    buckets, terms, key = (
        reader.numbers(op, "buckets", "I"),
        reader.bytes(op, "terms"),
        term.encode(),
    )
    bucket = int.from_bytes(key, "little") % (len(buckets) - 1)
    at = buckets[bucket]
    while at < buckets[bucket + 1]:
        (length,) = struct.unpack_from("<I", terms, at)
        column, idf = struct.unpack_from("<Id", terms, at + 4 + length)
        if terms[at + 4 : at + 4 + length] == key:
            return column, idf
        at += 4 + length + 12
    return None


def vectorize_text(reader, op, text):
    """Columns and values of a text, of words and pairs of words."""
    words = re.findall(r"\b\w\w+\b", text.lower())
    pairs = [" ".join(pair) for pair in pairwise(words)]
    row = {}
    for term, count in Counter(words + pairs).items():
        if known := find_term(reader, op, term):
            row[known[0]] = count * known[1]
    row = dict(sorted(row.items()))
    length = 0.0
    for value in row.values():
        length += value * value
    return {column: value / length**0.5 for column, value in row.items()}


def add_weights(reader, op, row):
    scores = [0.0] * len(op["intercept"])
    weights = reader.numbers(op, "weights")
    for column, value in row.items():
        for score in range(len(scores)):
            scores[score] += value * weights[column * len(scores) + score]
    return [score + bias for score, bias in zip(scores, op["intercept"], strict=True)]


@pytest.mark.parametrize("copies", [1, 60], ids=["small", "several blocks"])
def test_reader_of_the_page_alone_gets_a_text_models_scores_to_the_last_bit(tmp_path, copies):
    texts = [f"{text} number{number} of{number}" for text in TEXTS for number in range(copies)]
    labels = [label for label in LABELS for _ in range(copies)]
    pipeline = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression())
    pipeline.fit(texts, labels)
    path = tmp_path / "model.frozen"
    root = write(path, compile_pipeline(pipeline))
    reader = Reader(path.read_bytes(), root)
    first, second, last = reader.header["ops"]
    assert [first["type"], second["type"], last["type"]] == ["vectorize", "linear", "classify"]
    assert reader.header["classes"] == pipeline.classes_.tolist()
    for text in [*TEXTS, "nothing known here", "the sail, the Sail and the boat of number3"]:
        if row := vectorize_text(reader, first, text):
            scores = add_weights(reader, second, row)
        else:
            scores = second["intercept"]
        assert scores == pipeline.decision_function([text])[0].tolist()
        assert reader.header["classes"][scores.index(max(scores))] == pipeline.predict([text])[0]


def walk(reader, op, row):
    """What the trees of numbers say of a row."""
    answers, at = [0], 0
    thresholds = reader.numbers(op, "thresholds")
    missing = reader.bytes(op, "missing")
    for column, count, codes in op["features"]:
        assert not codes
        for question in range(at, at + count):
            value = row[column]
            right = 2 if value is not None and value > thresholds[question] else 1
            answers.append(missing[question] if value is None else right)
        at += count
    questions = reader.numbers(op, "questions", op["types"]["questions"])
    distances = reader.numbers(op, "distances", op["types"]["distances"])
    leaves, (total,) = reader.numbers(op, "leaves"), op["init"]
    for root in reader.numbers(op, "roots", "I"):
        node = root
        while question := questions[node]:
            node += distances[node] + answers[question]
        total += leaves[distances[node]]
    return total / op["divisor"]


def test_reader_of_the_page_alone_gets_a_forests_values_to_the_last_bit(tmp_path):
    frame, target = make_table()
    frame = frame[["a", "b", "c"]]
    forest = RandomForestRegressor(5, max_depth=6, random_state=0).fit(frame, target)
    described, values = describe_records("abc"), read_records(frame)
    path = tmp_path / "model.frozen"
    root = write(path, compile_pipeline(forest, described, values[:20]))
    reader = Reader(path.read_bytes(), root)
    assert reader.header["classes"] == []
    assert [op["type"] for op in reader.header["ops"]] == ["fields", "trees"]
    found = [walk(reader, reader.header["ops"][1], row) for row in values]
    assert found == forest.predict(frame).tolist()


# ---- The manifest.

SIMPLE = {"int": "integer", "str": "string"}


def test_table_of_members_is_the_manifests_in_its_order_and_with_its_types():
    found = {row[0]: row[1] for row in table(MANIFEST, "Member")}
    assert list(found) == [*manifest.Manifest.__annotations__, "checksum"]
    for name, kind in manifest.Manifest.__annotations__.items():
        said = "list of objects" if kind.startswith("tuple") else SIMPLE.get(kind, "object")
        assert found[name] == said + " or null" * kind.endswith("| None"), name


def test_members_are_read_where_the_table_says():
    for member, *_, readers in read_table(MANIFEST, "Member"):
        name = member.strip("`")
        for path in re.findall(r"`([^`]+)`", readers):
            source = (ROOT / path).read_text()
            assert re.search(rf'\.{name}\b|"{name}"|{name.upper()}', source), f"{name}: {path}"


def test_member_that_the_table_does_not_let_be_null_is_refused_as_null(tmp_path):
    frozen = write_bundle(tmp_path / "bundle", fit(), engine="frozen")
    for name, kind, *_ in table(MANIFEST, "Member")[:-1]:
        if name != "format":  # another one is another code's
            change_manifest(tmp_path / "bundle", **{name: None})
            if kind.endswith("or null"):
                manifest.read_manifest(tmp_path / "bundle")
            else:
                with pytest.raises(BundleDamaged):
                    manifest.read_manifest(tmp_path / "bundle")
            (tmp_path / "bundle/manifest.json").write_text(frozen.to_json())


def test_tables_of_members_parts_are_those_of_the_code():
    said = {row[0] for row in table(MANIFEST, "Field's member")}
    assert said == inputs._MEMBERS
    types = table(MANIFEST, "Field's member")[1][2]
    assert set(re.findall(r"\w+", types)) - {"or"} == set(inputs.TYPES)
    said = [row[0] for row in table(MANIFEST, "Interval's member")]
    assert said == list(inspect.signature(manifest._check_interval).parameters)
    kinds = [manifest.FilePin, manifest.Label]
    for kind, member in zip(kinds, ("files", "labels"), strict=True):
        words = next(row for row in read_table(MANIFEST, "Member") if row[0] == f"`{member}`")[2]
        assert all(f"`{name}`" in words for name in kind.__annotations__)


def test_table_of_how_freezing_went_names_all_that_manifests_have():
    said = {row[0] for row in table(MANIFEST, "Member of frozen")}
    source = (ROOT / "training/freezing/proof.py").read_text()
    told = source.partition("def tell(self")[2].partition("return found")[0]
    names = set(re.findall(r'"(\w+)"(?:\]|:)', told)) | {"root", "processor"}
    assert said == names
    for path in (ROOT / "serving/app/data").glob("*/manifest.json"):
        assert json.loads(path.read_text())["frozen"].keys() <= said


def test_pages_numbers_of_the_manifest_are_the_codes():
    assert f"format {manifest.FORMAT}, at most {manifest.MAX_MANIFEST_BYTES // 2:,} " in MANIFEST
    assert f"(readers take up to {manifest.MAX_MANIFEST_BYTES:,})" in MANIFEST
    assert f"The first {manifest.VERSION_DIGITS} hex digits" in MANIFEST
    assert f"{manifest.SHA256_DIGITS} hex digits" in MANIFEST
    assert f"1 to {inputs.MAX_FIELDS} fields" in MANIFEST
    assert f"1 to {inputs.MAX_NAME_CHARS} printable characters" in MANIFEST
    assert f"1 to {inputs.MAX_IMAGE_SIDE} pixels" in MANIFEST
    assert f"at most {record.MAX_CATEGORIES}" in MANIFEST
    assert all(f"`p{100 * one:g}`" in MANIFEST for one in QUANTILES)
    assert all(f"`{one}`" in MANIFEST for one in (*PINNED_PACKAGES, *inputs.PREPARATIONS))


def test_checksum_is_what_the_page_says(tmp_path):
    write_bundle(tmp_path, fit())
    data = (tmp_path / "manifest.json").read_bytes()
    found = json.loads(data)["checksum"]
    before = data[: data.index(found.encode())]
    assert before.endswith(b'"checksum": "')
    assert hash_block(before).hex() == found
    assert data[len(before) + len(found) :] == b'"\n}\n'

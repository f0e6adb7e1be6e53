"""The frozen engine answers as scikit-learn does, and never from a byte that was not written."""

import contextlib
import functools
import json
import os
import re
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

from serving.app.engines.frozen import engine as frozen
from serving.app.engines.frozen.analysis import TOKEN_PATTERN
from serving.app.engines.frozen.engine import FrozenEngine
from serving.app.engines.frozen.file import BLOCK, FrozenFile, count_blocks
from serving.app.engines.frozen.ops.calibrate import Calibrate
from serving.app.engines.frozen.ops.shares import add_up
from serving.app.engines.predictor import load_predictor
from serving.app.engines.sklearn import SklearnEngine
from serving.app.features import normalize, split_words
from serving.bundle.errors import BundleDamaged, BundleMissing, VersionMismatch
from serving.bundle.files import HASH, digest
from serving.bundle.manifest import read_manifest
from serving.tests.sample import (
    INPUT,
    LABELS,
    TEXTS,
    change_manifest,
    fit,
    proxy_event,
    write_bundle,
)
from training.freezing.compiler import compile_pipeline
from training.freezing.engines import open_engines
from training.freezing.file import write
from training.freezing.inputs.texts import generate_texts
from training.freezing.proof import PROBABILITY_TOLERANCE, prove
from training.freezing.registry import find_rule

# What scikit-learn says of some of these classifiers is not about freezing.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning:sklearn")

VECTORIZERS = {
    "count": CountVectorizer(),
    "count, binary, 2 and 3 words": CountVectorizer(binary=True, ngram_range=(2, 3)),
    "count, then tf-idf": (CountVectorizer(), TfidfTransformer(sublinear_tf=True)),
    "tf-idf": TfidfVectorizer(),
    "tf-idf, shared preprocessing": TfidfVectorizer(preprocessor=normalize, sublinear_tf=True),
    "tf-idf, 1 to 3 words": TfidfVectorizer(ngram_range=(1, 3), sublinear_tf=True, min_df=2),
    "tf-idf, l1": TfidfVectorizer(norm="l1", smooth_idf=False),
    "tf-idf, no norm": TfidfVectorizer(norm=None, max_df=0.5),
    "tf only": TfidfVectorizer(use_idf=False, binary=True, ngram_range=(1, 2)),
    "english stop words": TfidfVectorizer(stop_words="english", ngram_range=(1, 2)),
    "own stop words": CountVectorizer(stop_words=["the", "and", "émile"], max_features=20),
    "accents to ASCII": TfidfVectorizer(strip_accents="ascii"),
    "accents off": TfidfVectorizer(strip_accents="unicode", lowercase=False),
    "case matters": TfidfVectorizer(lowercase=False, token_pattern=r"(?u)\b\w+\b"),
    "letters": CountVectorizer(token_pattern="(?u)."),
    "a group": TfidfVectorizer(token_pattern=r"\b(\w)\w+\b"),
    "own vocabulary": CountVectorizer(vocabulary=["boat", "the boat", "soup"], ngram_range=(1, 2)),
}
CLASSIFIERS = {
    "logistic regression": LogisticRegression(C=10),
    "logistic regression, cv": LogisticRegressionCV(cv=2, Cs=3, use_legacy_attributes=False),
    "one vs rest": OneVsRestClassifier(LogisticRegression(C=10)),
    "one vs rest, svm": OneVsRestClassifier(LinearSVC()),
    "linear svm": LinearSVC(),
    "linear svm, no intercept": LinearSVC(fit_intercept=False),
    "sgd, hinge": SGDClassifier(random_state=1),
    "sgd, log loss": SGDClassifier(loss="log_loss", random_state=1),
    "sgd, modified huber": SGDClassifier(loss="modified_huber", random_state=1),
    "perceptron": Perceptron(random_state=1),
    "ridge": RidgeClassifier(),
    "ridge, cv": RidgeClassifierCV(),
    "calibrated svm": CalibratedClassifierCV(LinearSVC(), cv=2, ensemble=False),
    "calibrated svms": CalibratedClassifierCV(LinearSVC(), cv=2),
    "multinomial naive bayes": MultinomialNB(),
    "complement naive bayes": ComplementNB(),
    "bernoulli naive bayes": BernoulliNB(),
    "bernoulli naive bayes, threshold": BernoulliNB(binarize=0.3),
    "bernoulli naive bayes, threshold of 32 bits": BernoulliNB(binarize=np.float32(0.1)),
    "bernoulli naive bayes, as it is": BernoulliNB(binarize=None),
}
BINARY = ["sailing" if label == "sailing" else "other" for label in LABELS]
WORDS = st.lists(st.sampled_from([*" ".join(TEXTS).split(), "Thé", "BOAT", "xyzzy", "the, and"]))
TEXT = st.one_of(st.text(max_size=200), WORDS.map(" ".join))


@functools.cache
def freeze_to(folder, vectorizer, classifier, labels):
    """A fitted pipeline, and the engines that it was frozen to."""
    steps = VECTORIZERS[vectorizer]
    steps = list(steps) if isinstance(steps, tuple) else [steps]
    steps.append(CLASSIFIERS[classifier])
    pipeline = Pipeline([(type(one).__name__, one) for one in steps]).fit(TEXTS, labels)
    return pipeline, open_frozen(folder / "model.frozen", pipeline)


def open_frozen(path, pipeline):
    """Its engines: Python's, and the kernel's."""
    return open_engines(path, write(path, compile_pipeline(pipeline)), INPUT)


def hold(pipeline, engines, texts):
    """Prove them all."""
    return prove(pipeline, engines[0], texts, others=engines[1:])


@pytest.fixture(scope="module", autouse=True)
def small_batches_are_large():
    """Two texts are scored with the model kept whole, one is not: the proof holds both."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frozen, "LARGE_BATCH", 2)
        yield


COMBINATIONS = [(one, "logistic regression") for one in VECTORIZERS]
COMBINATIONS += [("tf-idf, 1 to 3 words", one) for one in CLASSIFIERS]
COMBINATIONS += [("count, binary, 2 and 3 words", one) for one in CLASSIFIERS]


@pytest.fixture(
    scope="module", params=[(*one, labels) for one in COMBINATIONS for labels in (LABELS, BINARY)],
    ids=lambda p: f"{p[0]}: {p[1]}, {len(set(p[2]))} labels",
)  # fmt: skip
def both(request, tmp_path_factory):
    """A pipeline and the engines that it was frozen to."""
    vectorizer, classifier, labels = request.param
    return freeze_to(tmp_path_factory.mktemp("frozen"), vectorizer, classifier, tuple(labels))


@settings(deadline=None, max_examples=15)
@given(texts=st.lists(TEXT, min_size=1, max_size=4))
def test_any_texts_get_scikit_learns_labels_scores_and_probabilities(both, texts):
    worst = hold(*both, texts)["worst_probability_difference"]
    assert (worst is not None) == hasattr(both[0], "predict_proba")
    assert (worst or 0) <= PROBABILITY_TOLERANCE


def test_odd_and_huge_texts_get_scikit_learns_answers(both):
    pipeline, engines = both
    hold(pipeline, engines, list(generate_texts(list(pipeline[0].vocabulary_), 40, seed=5)))


@settings(deadline=None, max_examples=10)
@given(text=TEXT)
def test_counts_and_explanations_are_those_of_the_sklearn_engine(both, text):
    pipeline, (engine, *_) = both
    other = SklearnEngine(pipeline, INPUT)
    (found,), (expected,) = engine.score([text]), other.score([text])
    assert (found.terms, found.unknown_terms) == (expected.terms, expected.unknown_terms)
    for label in range(len(engine.classes)):
        weighed, wanted = engine.explain(text, label), other.explain(text, label)
        if wanted is None:
            assert weighed is None
            continue
        np.testing.assert_allclose([w for _, w in weighed], [w for _, w in wanted], atol=1e-12)
        np.testing.assert_allclose(
            [dict(weighed)[term] for term, _ in wanted], [w for _, w in wanted], atol=1e-12
        )


@pytest.mark.parametrize("lengths", [(1, 10**9), (np.int64(8), np.int64(3_000))])
def test_n_grams_cost_what_the_text_has_whatever_their_bound(tmp_path, lengths):
    steps = [("words", CountVectorizer(ngram_range=lengths)), ("classify", MultinomialNB())]
    pipeline = Pipeline(steps).fit(TEXTS, LABELS)
    engines = open_frozen(tmp_path / "model.frozen", pipeline)
    hold(pipeline, engines, [*TEXTS, "", "boat", "the boat", " ".join(TEXTS[0].split()[:8])])
    tracemalloc.start()
    engines[0].first.analyze("the boat")
    assert tracemalloc.get_traced_memory()[1] < 10_000
    tracemalloc.stop()


@pytest.mark.parametrize("columns", [(np.int64(1), False), (0.0, 1.0), (True, np.uint8(0))])
@pytest.mark.parametrize("classifier", [BernoulliNB(), LogisticRegression()])
def test_columns_of_an_own_vocabulary_can_be_numbers_of_any_type(tmp_path, columns, classifier):
    vectorizer = TfidfVectorizer(vocabulary=dict(zip(("the", "soup"), columns, strict=True)))
    pipeline = Pipeline([("words", vectorizer), ("classify", classifier)]).fit(TEXTS, LABELS)
    hold(pipeline, open_frozen(tmp_path / "model.frozen", pipeline), TEXTS)


def test_lone_surrogates_are_terms_like_any_other(tmp_path):
    texts = ["a\ud800b boat", "soup"]
    steps = [("words", CountVectorizer(token_pattern=r"\S+")), ("classify", MultinomialNB())]
    pipeline = Pipeline(steps).fit(texts, ["x", "y"])
    hold(pipeline, open_frozen(tmp_path / "model.frozen", pipeline), [*texts, "a\ud801b"])


def test_scores_overflow_the_exponential_as_scikit_learn_does(tmp_path):
    texts = [f"{word} " * 2_000 for word in ("boat", "soup", "boat soup", "soil", "none")]
    for name, classifier in CLASSIFIERS.items():
        for labels in (LABELS, BINARY) if name != "bernoulli naive bayes, as it is" else ():
            steps = [("words", CountVectorizer()), ("classify", classifier)]
            pipeline = Pipeline(steps).fit(TEXTS, labels)
            hold(pipeline, open_frozen(tmp_path / "model.frozen", pipeline), texts)


def test_model_is_larger_than_a_block_of_leaves_is_read_right(tmp_path):
    texts = [" ".join(f"w{number}x{i}" for i in range(2_000)) for number in range(9)]
    pipeline = Pipeline([("words", CountVectorizer()), ("classify", LogisticRegression())])
    pipeline.fit(texts, list("aabbccdde"))
    path = tmp_path / "model.frozen"
    engines = open_frozen(path, pipeline)
    assert count_blocks(path.stat().st_size)[1] > 1
    hold(pipeline, engines, texts)


@given(TEXT)
@example("a\ud800boat \udfffx")
def test_words_are_those_of_the_shared_preprocessing(text):
    assert split_words(text) == re.findall(TOKEN_PATTERN, normalize(text))
    assert TfidfVectorizer().token_pattern == TOKEN_PATTERN


def test_more_terms_than_are_kept_change_nothing(tmp_path, monkeypatch):
    pipeline = fit()
    monkeypatch.setattr("serving.app.engines.frozen.vocabulary.CACHED_TERMS", 3)
    monkeypatch.setattr("serving.app.engines.frozen.ops.vectorize.CACHED_FREQUENCIES", 3)
    monkeypatch.setattr("serving.app.engines.frozen.weights.CACHED_WEIGHTS", 6)
    monkeypatch.setattr("serving.app.engines.frozen.file.KEPT_BLOCKS", 2)
    engines = open_frozen(tmp_path / "model.frozen", pipeline)
    monkeypatch.setattr(frozen, "LARGE_BATCH", len(TEXTS) + 1)
    hold(pipeline, engines, TEXTS)
    engine = engines[0]
    assert len(engine.first.vocabulary) <= 3
    assert len(engine._ops[1].weights._tens[0]) <= 3


def test_long_terms_are_not_kept(tmp_path):
    engine, *_ = open_frozen(tmp_path / "model.frozen", fit())
    engine.score(["x" * 100 + " " + "y" * 101])
    assert list(engine.first.vocabulary) == ["x" * 100]


def test_large_batch_keeps_the_model_whole_whatever_is_kept_else(tmp_path, monkeypatch):
    monkeypatch.setattr("serving.app.engines.frozen.file.KEPT_BLOCKS", 1)
    pipeline = fit()
    engines = open_frozen(tmp_path / "model.frozen", pipeline)
    hold(pipeline, engines, TEXTS)
    assert engines[0].first.vocabulary.complete
    assert len(engines[0]._ops[1].weights._whole) == len(pipeline[0].vocabulary_) * 3 * 8
    for engine in engines[1:]:
        # What is kept is read no more.
        monkeypatch.setattr(engine._file, "_pread", None)
        engine._file._checked.clear()
        engine.score(TEXTS)


def test_large_model_is_not_read_whole_for_a_large_batch(tmp_path, monkeypatch):
    pipeline = fit()
    engines = open_frozen(tmp_path / "model.frozen", pipeline)
    monkeypatch.setattr(frozen, "MAX_READ_WHOLE", 0)
    monkeypatch.setattr(frozen, "MAX_READ_FOR_CHARS", 0)
    hold(pipeline, engines, TEXTS)
    engine = engines[0]
    engine.score(["a" * frozen.LARGE_CHARS])
    assert not engine.first.vocabulary.complete


@pytest.mark.parametrize("characters", [frozen.LARGE_CHARS - 1, frozen.LARGE_CHARS])
def test_few_texts_of_many_characters_read_even_a_large_model_whole(
    tmp_path, monkeypatch, characters
):
    pipeline = fit()
    engine, *_ = open_frozen(tmp_path / "model.frozen", pipeline)
    monkeypatch.setattr(frozen, "MAX_READ_WHOLE", 0)
    texts = [TEXTS[0], ("the boat " * characters)[: characters - len(TEXTS[0])]]
    found = engine.score(texts)
    assert engine.first.vocabulary.complete == (characters == frozen.LARGE_CHARS)
    expected = pipeline.predict_proba(texts)
    assert [one.probabilities for one in found] == expected.tolist()


@settings(max_examples=300)
@given(
    width=st.sampled_from([2, 3, 7, 8, 9, 16, 25, 130, 300]),
    seed=st.integers(0, 10**9),
    ulps=st.integers(0, 3),
)
def test_scores_all_but_tie_gets_the_label_that_numpys_sums_give(width, seed, ulps):
    """What CalibratedClassifierCV does with the decision function of its classifier."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(1, width))
    first, second = rng.choice(width, 2, replace=False)
    scores[0, second] = scores[0, first] + ulps * np.spacing(scores[0, first])
    slopes, intercepts = np.full(width, -1.7), np.full(width, 0.3)
    expected = expit(-(slopes * scores + intercepts))
    expected /= np.sum(expected, axis=1)[:, np.newaxis]
    op = {"slopes": [slopes.tolist()], "intercepts": [intercepts.tolist()]}
    if width == 2:
        op = {"slopes": [slopes[:1].tolist()], "intercepts": [intercepts[:1].tolist()]}
        expected = expit(-(slopes[:1] * scores[:, :1] + intercepts[:1]))
        expected = np.hstack([1.0 - expected, expected])
    label, probabilities = Calibrate(None, op)(scores[0, : len(op["slopes"][0])].tolist())
    assert label == expected.argmax()
    np.testing.assert_allclose(probabilities, expected[0], rtol=4e-16)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=400))
def test_sums_are_numpys(values):
    assert add_up(values) == np.sum(np.array([values]), axis=1)[0]


@pytest.mark.parametrize(
    ("classifier", "change"),
    [
        (LinearSVC(), lambda ops: ops[::-1]),
        (LinearSVC(), lambda ops: ops[:2]),
        (LinearSVC(), lambda ops: [*ops, ops[-1]]),
        (LinearSVC(), lambda ops: [*ops[:2], ops[2]._replace(type="trees")]),
    ],
)
def test_list_of_stages_is_another_is_refused(tmp_path, classifier, change):
    model = compile_pipeline(fit(classifier))
    path = tmp_path / "model.frozen"
    root = write(path, model._replace(ops=change(model.ops)))
    with pytest.raises(
        BundleDamaged, match=r"not one that this code can serve .* 'make train MODEL="
    ):
        FrozenEngine(FrozenFile(str(path), path.stat().st_size, root), INPUT)


@pytest.mark.parametrize("classes", [["a"], ["a", "b"], ["a", "b", "c", "d"]])
def test_scores_are_not_one_a_label_is_refused(tmp_path, classes):
    path = tmp_path / "model.frozen"
    root = write(path, compile_pipeline(fit(LinearSVC()))._replace(classes=classes))
    with pytest.raises(BundleDamaged, match="ValueError"):
        FrozenEngine(FrozenFile(str(path), path.stat().st_size, root), INPUT)


# Integrity


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small frozen file: its bytes, its root's hash, and the answers of its model."""
    path = tmp_path_factory.mktemp("small") / "model.frozen"
    pipeline = fit(LinearSVC(), max_features=30)
    engine, *_ = open_frozen(path, pipeline)
    root = digest(path.read_bytes()[-HASH * count_blocks(path.stat().st_size)[1] :]).hex()
    return SimpleNamespace(data=path.read_bytes(), root=root, answers=answers(engine))


def answers(engine):
    return [
        (one.label, one.probabilities, one.terms, one.unknown_terms, engine.explain(text, 0))
        for text, one in zip(TEXTS, engine.score(TEXTS), strict=True)
    ]


def damage(path, small, data, size=None):
    """The answers from changed data; None if it is refused."""
    path.write_bytes(data)
    try:
        return answers(
            FrozenEngine(FrozenFile(str(path), size or len(small.data), small.root), INPUT)
        )
    except BundleDamaged:
        return None


def test_any_byte_is_changed_is_refused(small, tmp_path):
    for place in range(len(small.data)):
        data = bytearray(small.data)
        data[place] ^= 1 << place % 8
        assert damage(tmp_path / "model.frozen", small, data) is None, place


def test_file_is_cut_at_any_length_or_longer_is_refused(small, tmp_path):
    path = tmp_path / "model.frozen"
    path.write_bytes(small.data)
    for length in range(len(small.data) - 1, -1, -1):
        os.truncate(path, length)
        with pytest.raises(BundleDamaged, match=r"bytes, the manifest says .* 'make train MODEL="):
            FrozenFile(str(path), len(small.data), small.root)
    assert damage(path, small, small.data + b"\0") is None


def test_blocks_change_places_is_refused(small, tmp_path):
    data = small.data[BLOCK : 2 * BLOCK] + small.data[:BLOCK] + small.data[2 * BLOCK :]
    assert damage(tmp_path / "model.frozen", small, data) is None


def test_file_of_another_model_is_refused(small, tmp_path):
    path = tmp_path / "model.frozen"
    write(path, compile_pipeline(fit(LinearSVC(C=2), max_features=30)))
    data = path.read_bytes()
    assert len(data) == len(small.data)
    assert damage(path, small, data) is None


def test_file_is_cut_while_it_is_served_is_an_error_and_no_crash(tmp_path):
    path = tmp_path / "model.frozen"
    engine, *_ = open_frozen(path, fit())
    os.truncate(path, BLOCK)
    with pytest.raises(BundleDamaged, match="is not what was written"):
        engine.score(TEXTS)


@settings(deadline=None, max_examples=500)
@given(data=st.data())
def test_reader_meets_any_bytes_stays_within_the_file(tmp_path_factory, small, data):
    """Also where all hashes fit: what is no frozen model is an error, not a read elsewhere."""
    blocks, _ = count_blocks(len(small.data))
    content = bytearray(small.data[: blocks * BLOCK])
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, 2500) | st.integers(0, len(content) - 9))
        changed = data.draw(st.binary(min_size=1, max_size=8))
        content[place : place + len(changed)] = changed
    path = tmp_path_factory.getbasetemp() / "any.frozen"
    size, root = rehash(path, bytes(content))
    reads = []
    with pytest.MonkeyPatch.context() as patch:
        real = os.pread
        patch.setattr(os, "pread", lambda fd, n, at: reads.append((at, n)) or real(fd, n, at))
        try:
            engine = FrozenEngine(FrozenFile(str(path), size, root), INPUT)
        except BundleDamaged:
            pass
        else:
            with contextlib.suppress(Exception):
                engine.score(TEXTS)
    assert all(at >= 0 and at + length <= size for at, length in reads)


def rehash(path, content):
    """Write a file of this content whose hashes all fit."""
    from training.freezing.file import _fill, _hash_blocks

    leaves = _fill(_hash_blocks(content))
    root = _hash_blocks(leaves)
    path.write_bytes(content + leaves + root)
    return path.stat().st_size, digest(root).hex()


@pytest.mark.parametrize("size", [0, 1, HASH, BLOCK, BLOCK + HASH, 2 * BLOCK, 3 * BLOCK])
def test_no_frozen_file_has_this_size(size):
    with pytest.raises(ValueError, match="no frozen file"):
        count_blocks(size)


@given(st.integers(1, 100_000))
def test_number_of_blocks_follows_from_the_size(blocks):
    leaves = -(-blocks * HASH // BLOCK)
    assert count_blocks(blocks * BLOCK + leaves * (BLOCK + HASH)) == (blocks, leaves)


def test_named_pipe_in_the_files_place_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "model.frozen")
    with pytest.raises(BundleDamaged, match="has 0 bytes"):
        FrozenFile(str(tmp_path / "model.frozen"), BLOCK, "")


def test_calibrated_classifiers_tie_gets_scikit_learns_label(tmp_path):
    pairs = ["boat sail", "boat mast", "sail mast", "soup salt", "soup spoon", "salt spoon"]
    pairs += ["soil seed", "soil rose", "seed rose", "goal puck", "puck ice", "goal ice"]
    texts = pairs * 2
    classifier = CalibratedClassifierCV(LogisticRegression(C=100), cv=3)
    pipeline = Pipeline([("words", CountVectorizer()), ("classify", classifier)])
    pipeline.fit(texts, list("aaabbbcccddd") * 2)
    words = sorted(pipeline[0].vocabulary_)
    every_two = [f"{one} {two}" for one in words for two in words]
    hold(pipeline, open_frozen(tmp_path / "model.frozen", pipeline), every_two)


def test_file_is_missing_says_so(tmp_path):
    with pytest.raises(BundleMissing, match="make train"):
        FrozenFile(str(tmp_path / "model.frozen"), 1, "")


# In a bundle


@pytest.fixture
def folder(tmp_path):
    write_bundle(tmp_path, fit(), "frozen")
    return tmp_path


def test_frozen_bundle_needs_no_other_model_file(folder):
    (folder / "model.joblib").unlink()
    assert load_predictor(str(folder)).predict(["the boat"])[0].label.id == "sailing"


def test_other_python_froze_the_model_is_refused(folder):
    change_manifest(folder, versions={"python": "3.1"})
    with pytest.raises(VersionMismatch, match=r"Python 3\.1 \(here: 3\.13\)"):
        load_predictor(str(folder))


def test_other_byte_order_is_refused(folder, monkeypatch):
    monkeypatch.setattr(frozen.sys, "byteorder", "big")
    with pytest.raises(VersionMismatch, match="little-endian"):
        load_predictor(str(folder))


def test_labels_are_not_the_frozen_models_is_refused(folder):
    change_manifest(folder, labels=json.loads((folder / "manifest.json").read_text())["labels"][:2])
    with pytest.raises(BundleDamaged, match=r"labels of model\.frozen"):
        load_predictor(str(folder))


def test_frozen_file_is_not_pinned_is_refused(folder):
    pins = json.loads((folder / "manifest.json").read_text())["files"]
    change_manifest(folder, files={"model.joblib": pins["model.joblib"]})
    with pytest.raises(BundleDamaged, match="is not a manifest"):
        read_manifest(str(folder))


def test_damage_is_met_by_a_request_is_logged_and_answered_503(folder, start_service, capsys):
    path = folder / "model.frozen"
    data = bytearray(path.read_bytes())
    client = start_service(folder)
    for place in range(BLOCK, count_blocks(len(data))[0] * BLOCK):
        data[place] ^= 1
    path.write_bytes(data)
    event = {"httpMethod": "POST", "path": "/predict", "body": '{"text": "secret boat"}'}
    answer = client.handler.lambda_handler(event, SimpleNamespace(aws_request_id="r"))
    written = capsys.readouterr()
    assert answer["statusCode"] == 503
    assert "is not what was written" in written.err
    assert "secret" not in written.err + written.out
    assert client.request(method="GET", path="/health").status == 503


def spoil_blocks(path):
    """Change all of a frozen file but its header; returns what it was."""
    data = path.read_bytes()
    end = count_blocks(len(data))[0] * BLOCK
    path.write_bytes(data[:BLOCK] + bytes(one ^ 1 for one in data[BLOCK:end]) + data[end:])
    return data


def cut(path):
    data = path.read_bytes()
    os.truncate(path, BLOCK)
    return data


def spoil_leaves(path):
    """Change the hashes of the blocks, and no block."""
    data = path.read_bytes()
    end = count_blocks(len(data))[0] * BLOCK
    path.write_bytes(data[:end] + bytes(BLOCK) + data[end + BLOCK :])
    return data


def spoil_root(path):
    """Change the hash of the hashes, at the file's end."""
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    return data


def lengthen(path):
    data = path.read_bytes()
    path.write_bytes(data + b"0")
    return data


HEALTH = {
    "/health": proxy_event("GET", "/health"),
    "/health without a body": proxy_event("HEAD", "/health"),
    "warmup": {"warmup": True},
}


@pytest.mark.parametrize("spoil", [spoil_blocks, cut, spoil_leaves, spoil_root, lengthen])
@pytest.mark.parametrize("name", HEALTH)
def test_file_breaks_while_it_is_served_health_says_so_until_it_is_whole_again(
    folder, start_service, spoil, name
):
    client = start_service(folder)
    assert client.send(HEALTH[name]).status == 200
    whole = spoil(folder / "model.frozen")
    answer = client.send(HEALTH[name])
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "60"
    (record,) = answer.logged
    assert (record["error"], record["request_id"]) == ("BundleDamaged", "request-1")
    assert "'make serve MODEL=" in record["reason"]
    (document,) = answer.emf
    assert document["route"] == name.partition(" ")[0]
    assert (document["status"], document["error.count"]) == (503, 1)
    (folder / "model.frozen").write_bytes(whole)
    assert client.send(HEALTH[name]).status == 200
    assert client.request(body={"text": "the boat"}).status == 200


def test_one_block_breaks_health_says_so_before_a_request_needs_it(folder, start_service):
    client = start_service(folder)
    path = folder / "model.frozen"
    data = path.read_bytes()
    for block in range(count_blocks(len(data))[0]):
        place = block * BLOCK + 1
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert client.request("GET", "/health").status == 503


def test_model_is_in_memory_health_does_not_ask_for_its_file(tmp_path, start_service):
    write_bundle(tmp_path, fit())
    client = start_service(tmp_path)
    (tmp_path / "model.joblib").write_bytes(b"")
    assert client.request("GET", "/health").status == 200
    assert client.request(body={"text": "the boat"}).status == 200


def test_damage_is_met_by_an_explanation_is_logged(folder, start_service, monkeypatch):
    def fail(*_):
        raise BundleDamaged("block 7 is not what was written")

    client = start_service(folder)
    monkeypatch.setattr(FrozenEngine, "explain", fail)
    query = {"queryStringParameters": {"explain": "true"}}
    answer = client.request(body={"text": "the boat"}, **query)
    assert answer.status == 503
    (record,) = answer.logged
    assert (record["error"], record["request_id"]) == ("BundleDamaged", "request-1")


def test_scores_of_the_proof_are_the_classifiers_own():
    pipeline = fit(CLASSIFIERS["calibrated svms"])
    scores = find_rule(pipeline).scores(pipeline, TEXTS)
    assert scores.shape == (len(TEXTS), 6)

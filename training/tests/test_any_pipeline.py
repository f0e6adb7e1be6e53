"""What training says of a pipeline is read off it, and what it lacks is left out."""

import csv
import hashlib
import io
import json

import joblib
import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

from serving.app.engines.terms import Terms
from serving.app.features import normalize
from serving.tests.pipelines import PIPELINES
from serving.tests.sample import LABELS, TEXTS
from training.data.dataset import Example, write_examples
from training.definition import Definition
from training.evaluation.fitted import SHOWN_VALUES, describe, describe_steps
from training.settings.schema import Schema
from training.steps import bundle, train
from training.tasks.classification import (
    Classification,
    Scored,
    list_mistakes,
    score_probabilities,
    tell_probabilities,
)
from training.tests.sample import PATHS, take_columns, text_input

DOCUMENTS = [
    Example(row, label, text)
    for row, (label, text) in enumerate(zip(LABELS, TEXTS, strict=True), start=1)
]


SCHEMA = Schema(labels=[{"id": label, "title": label} for label in sorted({*LABELS})])
TASK = Classification(SCHEMA)
DEFINITION = Definition(SCHEMA, None, TASK, text_input())


@pytest.fixture(scope="module", params=PIPELINES)
def model(request):
    return train.fit(PIPELINES[request.param](), *take_columns(DOCUMENTS))


@pytest.mark.parametrize("name", PIPELINES)
def test_model_of_any_kind_is_fitted_twice_is_the_same_file(name):
    hashes = set()
    for _ in range(2):
        file = io.BytesIO()
        joblib.dump(train.fit(PIPELINES[name](), *take_columns(DOCUMENTS)), file)
        hashes.add(hashlib.sha256(file.getvalue()).hexdigest())
        assert b"_stop_words_id" not in file.getvalue()
    assert len(hashes) == 1


def test_model_of_any_kind_is_scored_by_what_it_offers(model, tmp_path):
    values, targets = take_columns(DOCUMENTS)
    scored = TASK.score(model, values, targets)
    metrics = TASK.summarize(scored, targets)
    TASK.write_plots(scored, tmp_path)
    has_probabilities = hasattr(model, "predict_proba")
    assert {"macro_f1", "accuracy", "baseline_accuracy"} < metrics.keys()
    assert ({"log_loss", "calibration_error"} <= metrics.keys()) == has_probabilities
    assert (score_probabilities(scored) == {}) == (not has_probabilities)
    assert ("offers no" in tell_probabilities(metrics)) == (not has_probabilities)
    rows = list(csv.reader((tmp_path / "reliability.csv").read_text().splitlines()))
    assert rows[0] == ["confidence", "accuracy", "count"]
    assert (len(rows) > 1) == has_probabilities
    described = TASK.describe(scored, [one.row for one in DOCUMENTS])
    json.dumps([metrics, described], allow_nan=False)


def test_mistakes_of_a_model_without_probabilities_are_the_first_ones():
    labels = np.array(list("aabb"))
    scored = Scored(np.array(["a", "b"]), labels, labels[::-1], None)
    found = list_mistakes(scored, [1, 2, 3, 4])
    assert [(one["row"], one["probability"]) for one in found] == [(n, None) for n in (1, 2, 3, 4)]


def test_profile_has_what_the_model_has(model):
    found = bundle.profile(model, DEFINITION, DOCUMENTS)
    assert ("unknown_terms" in found) == (Terms.find(model) is not None)
    assert ("confidence_histogram" in found) == hasattr(model, "predict_proba")
    assert sum(found["labels"].values()) == pytest.approx(1)


def test_golden_examples_have_the_probability_that_the_model_gives_if_any(
    model, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    PATHS.golden.parent.mkdir(parents=True)
    write_examples(PATHS.train, DOCUMENTS)
    label = str(model.predict(TEXTS[:1])[0])
    PATHS.golden.write_text(json.dumps([{"label": label, "input": {"text": TEXTS[0]}}]))
    (found,) = bundle.answer_golden(model, DEFINITION, PATHS)
    if hasattr(model, "predict_proba"):
        assert found["probability"] == model.predict_proba(TEXTS[:1]).max()
    else:
        assert found["probability"] is None


def test_parameters_are_those_of_the_fitted_steps():
    vectorizer = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 4), preprocessor=normalize, dtype=np.float32
    )
    classifier = CalibratedClassifierCV(LinearSVC(C=np.float64(0.5)), ensemble=False)
    model = Pipeline([("terms", vectorizer), ("svm", classifier)])
    estimator = {"class": "LinearSVC", "parameters": {"C": 0.5}}
    assert describe_steps(model) == {
        "terms": {
            "class": "TfidfVectorizer",
            "parameters": {
                "analyzer": "char_wb",
                "dtype": "float32",
                "ngram_range": [2, 4],
                "preprocessor": "normalize",
            },
        },
        "svm": {
            "class": "CalibratedClassifierCV",
            "parameters": {"ensemble": False, "estimator": estimator},
        },
    }


def test_parameters_of_any_kind_are_json_and_the_same_on_each_run(model):
    text = json.dumps(describe_steps(model), allow_nan=False)
    assert "0x" not in text
    assert "Pipeline" in json.dumps(describe_steps(make_pipeline(Pipeline([("a", LinearSVC())]))))


@pytest.mark.parametrize(
    ("value", "described"),
    [
        (np.int64(3), 3),
        (np.array([1.0, 2.0]), [1.0, 2.0]),
        (float("nan"), "nan"),
        (frozenset({"b", "a"}), ["a", "b"]),
        ({1: (2, None)}, {"1": [2, None]}),
        (range(3), "range"),
        (str.lower, "str.lower"),
        (list(range(SHOWN_VALUES + 1)), "21 values"),
        (dict.fromkeys(range(1000)), "1,000 values"),
    ],
)
def test_value_is_described_as_json(value, described):
    assert describe(value) == described

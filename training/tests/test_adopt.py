"""Models that were trained elsewhere: what is inferred of them, and what is refused."""

import hashlib
import io
import pickle
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
import yaml
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from serving.app.engines.predictor import load_predictor
from training.adopting.__main__ import confirm, main
from training.adopting.look import look
from training.console import StepError
from training.fitting.adopted import Adopted, adopt, unpickle
from training.paths import Paths
from training.tests.conftest import run

ROWS = 40


def make_table():
    rng = np.random.default_rng(0)
    table = {
        "age": rng.integers(18, 80, ROWS).tolist(),
        "plan": rng.choice(["basic", "pro"], ROWS).tolist(),
    }
    return table | {"left": [int(age > 50) for age in table["age"]]}


def fit_table(estimator=None):
    table = pd.DataFrame(make_table())
    encode = make_column_transformer((OneHotEncoder(), ["plan"]), remainder="passthrough")
    model = make_pipeline(encode, estimator or LogisticRegression())
    return model.fit(table[["age", "plan"]], table["left"])


def fit_texts():
    texts = [f"{words} w{number}" for number in range(20) for words in ("good fine", "bad poor")]
    labels = ["yes", "no"] * 20
    return make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, labels), texts, labels


def test_model_of_a_table_tells_its_fields_and_labels():
    found = look(fit_table(), make_table(), "left", "")
    assert [(one.name, one.type) for one in found.schema.fields] == [
        ("age", "integer"),
        ("plan", "category"),
    ]
    assert [one.id for one in found.schema.labels] == ["0", "1"]
    assert {one["label"] for one in found.golden} == {"0", "1"}
    assert found.golden[0]["input"].keys() == {"age", "plan"}


def test_model_of_texts_is_asked_with_the_column_beside_the_target():
    model, texts, labels = fit_texts()
    found = look(model, {"said": texts, "is": labels}, "is", "")
    assert found.schema.fields is None
    assert found.texts == ["said"]
    with pytest.raises(StepError, match="TEXT= one of"):
        look(model, {"said": texts, "more": texts, "is": labels}, "is", "")


def test_golden_examples_are_what_the_service_takes():
    model, texts, labels = fit_texts()
    texts = ["good " * 20_000, "bad", *texts[2:]]
    found = look(model, {"said": texts, "is": labels}, "is", "")
    assert max(len(one["input"]["text"]) for one in found.golden) < 1000


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"age": [[1]] * ROWS}, "example 1, column age: not"),
        ({"left": [0] * (ROWS - 3) + [1] * 3}, "fewer than 4 examples of 1"),
    ],
)
def test_examples_cannot_be_read_or_split_it_is_said(table, says):
    with pytest.raises(StepError, match=says):
        look(fit_table(), make_table() | table, "left", "")


@pytest.mark.parametrize("text", [None, ""])
def test_example_without_a_text_is_refused(text):
    model, texts, labels = fit_texts()
    with pytest.raises(StepError, match="examples without a text: 2"):
        look(model, {"said": [texts[0], text, *texts[2:]], "is": labels}, "is", "")


def test_examples_have_a_label_that_the_model_does_not_know_it_is_said():
    with pytest.raises(StepError, match="labels that the model does not know: maybe; it has 0, 1"):
        look(fit_table(), make_table() | {"left": ["maybe"] * ROWS}, "left", "")


def test_model_is_not_fitted_it_is_said():
    unfit = make_pipeline(TfidfVectorizer(), LogisticRegression())
    with pytest.raises(StepError, match="not fitted"):
        look(unfit, {"said": ["a"] * ROWS}, "", "")


@pytest.mark.parametrize("data", [b"", b"no pickle", pickle.dumps([1] * 100)[:50]])
def test_file_is_no_pickle_or_cut_off_it_is_said(data):
    with pytest.raises(StepError, match="no file of joblib's or pickle's, or is cut off"):
        unpickle(data, "model.joblib")


def test_regression_has_a_target_and_bounds_around_its_own_answers():
    found = look(fit_table(LinearRegression()), make_table(), "", "")
    assert found.schema.task == "regression"
    for one, answer in zip(found.golden, found.answers, strict=False):
        assert one["between"][0] <= answer <= one["between"][1]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"plan": None}, "lack columns that the model was fitted to: plan"),
        ({"age": ["old"] * ROWS}, "does not take these examples"),
        ({"age": [1], "plan": ["pro"], "left": [1]}, "at least 40"),
    ],
)
def test_examples_are_none_that_the_model_takes_it_is_said(change, says):
    table = {name: one for name, one in (make_table() | change).items() if one is not None}
    with pytest.raises(StepError, match=says):
        look(fit_table(), table, "left", "")


def test_adopted_model_is_never_fitted_again_and_answers_labels_as_texts(tmp_path):
    path, model = tmp_path / "m.joblib", fit_table()
    joblib.dump(model, path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    adopted = adopt(str(path), sha256)(0)
    table = pd.DataFrame(make_table())[["age", "plan"]]
    before = model.predict(table).astype(str).tolist()
    adopted.fit(table, ["0"] * ROWS)
    assert isinstance(adopted, Adopted)
    assert adopted.predict(table).tolist() == before
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(StepError, match="not unpickled"):
        adopt(str(path), sha256)(0)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"nothing", "no file of joblib"),
        (pickle.dumps({"a": 1}), "does not predict"),
    ],
)
def test_file_is_no_model_it_is_said(data, says):
    with pytest.raises(StepError, match=says):
        unpickle(data, "m.joblib")


def test_model_of_another_scikit_learn_is_refused_by_both_versions():
    data = pickle.dumps(fit_table(LinearRegression()))
    version = sklearn.__version__
    older = data.replace(version.encode(), b"0" + version[1:].encode())
    with warnings.catch_warnings(), pytest.raises(StepError, match=f"0{version[1:]}.*{version}"):
        unpickle(older, "m.joblib")


def test_nobody_is_asked_nothing_is_unpickled(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(StepError, match="YES=1"):
        confirm(tmp_path / "m.joblib", yes=False)
    confirm(tmp_path / "m.joblib", yes=True)


@pytest.mark.slow
def test_adopted_model_goes_through_all_steps_and_is_served_as_it_is(workspace, tmp_path):
    model, texts, labels = fit_texts()
    joblib.dump(model, tmp_path / "m.joblib")
    pd.DataFrame({"said": texts, "is": labels}).to_csv(tmp_path / "e.csv", index=False)
    files = ["--file", str(tmp_path / "m.joblib"), "--examples", str(tmp_path / "e.csv")]
    main(["--name", "mood", *files, "--target", "is", "--yes"])
    assert "mood" in yaml.safe_load(Path("models.yaml").read_text())["models"]
    run("training.run_dvc", "repro", "bundle@mood")
    predictor = load_predictor(Paths("mood").bundle)
    assert predictor.manifest.engine == "frozen"
    for text, row in zip(texts[:2], model.predict_proba(texts[:2]), strict=True):
        (found,) = predictor.predict([text])
        assert list(found.scores.probabilities) == pytest.approx(row.tolist(), abs=1e-12)

"""`make judge` on models that DVC really made: each situation that a pull request can be in."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
import yaml

from training.console import StepError
from training.data.dataset import read_examples
from training.definition import read_definition
from training.judging import __main__ as judge
from training.judging import committed
from training.judging.committed import NotComparable
from training.tests.blocks import read_charts
from training.tests.conftest import commit_all, run
from training.tests.sample import NAME, PATHS, VECTORIZER

PAGE = PATHS.reports / "judge.md"


def report(monkeypatch, *arguments):
    """The report, and the error that it ended in."""
    monkeypatch.setattr(sys, "argv", ["judge", NAME, *arguments])
    PAGE.unlink(missing_ok=True)
    failed = ""
    try:
        judge.main()
    except StepError as error:
        failed = str(error)
    page = PAGE.read_text() if PAGE.exists() else ""
    if page:
        assert len(read_charts(page)) == 2
    return page, failed


def edit_params(**sections):
    params = yaml.safe_load(PATHS.params.read_text())
    for section, changes in sections.items():
        params[section] |= changes
    PATHS.params.write_text(yaml.safe_dump(params, sort_keys=False))


@pytest.mark.slow
def test_model_is_changed_the_report_compares_it_with_the_commits(workspace, monkeypatch):
    page, failed = report(monkeypatch)
    assert (page, "'make train MODEL=sample'" in failed) == ("", True)
    run("dvc", "repro", "bundle")
    page, failed = report(monkeypatch, "--base", "HEAD", "--scores-only")
    assert "HEAD has no model yet" in page
    assert "**Passes** all 6 gates" in page
    assert "| Frozen or not | frozen |" in page
    assert "not measured: 'make bench COLD=1'" in page
    assert not failed
    commit_all("a model")
    assert "It is the model of `HEAD`" in report(monkeypatch, "--base", "HEAD")[0]
    first = json.loads((PATHS.bundle / "manifest.json").read_text())["version"]

    edit_params(
        train={"vectorizer": {**VECTORIZER, "max_features": 30}},
        judge={"max_drop": 0, "max_flips": 0},
        evaluate={"min_macro_f1": 0, "min_class_f1": 0, "min_gain_over_baseline": 0},
    )
    PATHS.golden.write_text(
        json.dumps(json.loads(PATHS.golden.read_text())[16:17])
    )  # a poor model's
    run("dvc", "repro", "bundle")
    page, failed = report(monkeypatch, "--base", "HEAD")
    assert "macro-F1 lost" in failed
    assert "labels that change" in failed
    assert f"`HEAD` ({first})" in page
    assert "### Labels that change: " in page
    assert "line: the one of `HEAD`" in page
    assert "of other examples" not in page
    _, failed = report(monkeypatch, "--base", "HEAD", "--allow-flips")
    assert "labels that change" not in failed

    check_revert(monkeypatch)
    check_recorded_scores_alone(monkeypatch, first)

    pinned = committed.read_manifest_of("HEAD", PATHS)
    pinned.files["model.joblib"] = committed.Pin(sha256="0" * 64, size=1)
    with pytest.raises(StepError, match="not unpickled"):
        committed.read_model_of("HEAD", pinned, PATHS)
    lock = Path("dvc.lock").read_text()
    Path("dvc.lock").unlink()
    assert "not the file that dvc.lock records" in report(monkeypatch, "--base", "HEAD")[1]
    Path("dvc.lock").write_text(lock)
    PATHS.test.unlink()
    assert "'make train MODEL=sample'" in report(monkeypatch, "--base", "HEAD")[1]


def check_revert(monkeypatch):
    """What was live before passes the gates that compare, so that it can come back."""
    commit_all("another model")
    subprocess.run(["git", "checkout", "-q", "HEAD^", "--", "."], check=True)
    run("dvc", "checkout", "--allow-missing")
    edit_params(judge={"max_drop": 0, "max_flips": 0})
    page, failed = report(monkeypatch, "--base", "HEAD")
    assert not failed
    assert "It was the model before that of `HEAD`" in page
    assert "(more is allowed here)" in page
    assert "macro-F1 lost" not in page
    subprocess.run(["git", "checkout", "-qf", "HEAD", "--", "."], check=True)
    run("dvc", "checkout", "--allow-missing")
    subprocess.run(["git", "reset", "-q", "--soft", "HEAD^"], check=True)


def check_recorded_scores_alone(monkeypatch, first):
    """Where the other model cannot be had, it is an error, but with the flag."""
    shutil.move(".dvc/cache", "cache")
    page, failed = report(monkeypatch, "--base", "HEAD")
    assert (page, "SCORES=1" in failed) == ("", True)
    page, failed = report(monkeypatch, "--base", "HEAD", "--scores-only")
    assert "macro-F1 lost" in failed
    assert "labels that change" not in failed
    assert "**not looked at**: SCORES=1" in page
    assert f"`HEAD` ({first}, recorded)" in page
    shutil.move("cache", ".dvc/cache")


@pytest.mark.slow
def test_model_is_below_the_pipelines_gate_the_report_is_written_all_the_same(
    workspace, monkeypatch
):
    run("dvc", "repro", "bundle")
    commit_all("a model")
    before = PATHS.model.read_bytes()
    edit_params(
        train={"vectorizer": {**VECTORIZER, "max_features": 30}},
        evaluate={"min_gain_over_baseline": 1.0},
    )
    with pytest.raises(AssertionError, match="below the gate"):
        run("dvc", "repro", "bundle")
    assert PATHS.model.read_bytes() != before
    page, failed = report(monkeypatch, "--base", "HEAD", "--allow-flips")
    for said in (page, failed):
        assert "accuracy over baseline" in said
        assert "no manifest of this model" in said
    assert "| Frozen or not | frozen | not frozen yet: the pipeline ended before that | |" in page
    assert "| MB of model.frozen | 0." in page
    assert "### Labels that change: " in page


@pytest.mark.slow
def test_other_model_has_other_classes_and_engine_the_recorded_scores_are_compared(
    workspace, monkeypatch
):
    run("dvc", "repro", "bundle")
    path = PATHS.bundle / "manifest.json"
    written = path.read_text()
    manifest = json.loads(written) | {"version": "f" * 12}
    for changes in (
        {"versions": manifest["versions"] | {"numpy": "0.1"}},
        {"versions": {}},
        {"engine": "sklearn", "frozen": {"refused": "a step"}, "dataset_sha256": "0" * 64},
        {"metrics": {"macro_f1": 0.1}},
    ):
        path.write_text(json.dumps(manifest | changes))
        commit_all("another")
        path.write_text(written)
        page, _ = report(monkeypatch, "--base", "HEAD")
        assert ("was made with another" in page) == ("versions" in changes)
        assert ("not frozen: a step" in page) == ("engine" in changes)
        assert ("of other examples" in page) == ("dataset_sha256" in changes)
    commit_all("ten")
    edit_params(
        prepare={"topics": "all"},
        evaluate={"min_macro_f1": 0, "min_class_f1": 0, "min_gain_over_baseline": 0},
    )
    run("dvc", "repro", "bundle")
    page, failed = report(monkeypatch, "--base", "HEAD")
    assert "has other classes: only one of the two has other-1" in page
    assert "of other examples" in page
    assert "macro-F1 lost" in page
    assert "Traceback" not in failed


@pytest.mark.slow
def test_shared_code_is_changed_the_other_model_predicts_with_its_own(workspace):
    run("dvc", "repro", "evaluate")
    commit_all("a model")
    data, definition = PATHS.model.read_bytes(), read_definition(PATHS)
    texts = [one.input for one in read_examples(PATHS.test)]
    features = Path("serving/app/features.py")
    features.write_text(features.read_text() + "\n\nnormalize = str.upper\n")
    features.with_name("left.py").write_text("")
    found = committed.predict_as("HEAD", data, definition.input, texts)
    model = joblib.load(PATHS.model)
    assert np.array_equal(found["classes"], model.classes_)
    assert np.array_equal(found["predicted"], model.predict(texts))
    assert np.array_equal(found["probabilities"], model.predict_proba(texts))
    commit_all("other code")
    other = committed.predict_as("HEAD", data, definition.input, texts)
    assert not np.array_equal(other["probabilities"], found["probabilities"])
    features.unlink()
    commit_all("no code")
    with pytest.raises(NotComparable, match="does not predict: ModuleNotFoundError"):
        committed.predict_as("HEAD", data, definition.input, texts)
    with pytest.raises(NotComparable, match="does not predict"):
        committed.predict_as("HEAD^", b"no model", definition.input, texts)

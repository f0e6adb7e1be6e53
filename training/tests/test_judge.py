"""The model report: gates, and what changes against another commit's model."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from serving.app.manifest import installed_versions
from training import committed, judge
from training.committed import NotComparable
from training.console import StageError
from training.dataset import Document
from training.evaluate import Scored
from training.judge import Side
from training.params import Judge
from training.tests.conftest import commit_all, run

CLASSES = np.array(["a", "b"])
PARAMS = SimpleNamespace(
    evaluate=SimpleNamespace(min_macro_f1=0.8, min_class_f1=0.7, min_gain_over_baseline=0.2),
    judge=Judge(max_drop=0.01, max_flips=0.1, max_model_mb=2),
)
OTHER = {"metrics": {"macro_f1": 0.9}}


def make_side(probabilities=(), *, macro_f1=0.9, accuracy=0.9, worst=0.85, size=1_000_000):
    sure = np.array(probabilities)
    predicted = np.where(sure >= 0.5, "a", "b")
    rows = np.column_stack([sure, 1 - sure]) if len(sure) else np.empty((0, 2))
    return Side(
        version="0" * 12,
        size=size,
        pipeline=None,
        scored=Scored(CLASSES, predicted, predicted, rows),
        metrics={"macro_f1": macro_f1, "accuracy": accuracy, "baseline_accuracy": 0.5},
        classes={"a": 1.0, "b": worst},
    )


@pytest.fixture
def manifest(tmp_path, monkeypatch):
    path = tmp_path / "manifest.json"
    monkeypatch.setattr(judge, "MANIFEST", path)

    def write(**changes):
        frozen = {"texts": 9, "worst_probability_difference": 0.0}
        written = {"version": "0" * 12, "engine": "frozen", "frozen": frozen} | changes
        path.write_text(json.dumps(written))

    write()
    return write


@pytest.mark.parametrize(
    ("changes", "failing"),
    [
        ({}, None),
        ({"macro_f1": 0.8901}, None),
        ({"macro_f1": 0.8899}, "macro-F1 lost"),
        ({"macro_f1": 0.79}, "macro-F1"),
        ({"worst": 0.69}, "F1 of the worst class, b"),
        ({"accuracy": 0.69}, "accuracy over the baseline's"),
        ({"size": 2_000_001}, "MB of model.joblib"),
    ],
)
def test_each_gate_is_passed_or_not(manifest, changes, failing):
    gates = judge.judge(PARAMS, make_side(**changes), OTHER)
    assert len(gates) == 6
    failed = {gate.rule for gate in gates if not gate.passed}
    assert failed == ({failing} if failing else set()) or failing in failed


@pytest.mark.parametrize(
    ("changes", "passed", "found"),
    [
        ({}, True, "frozen"),
        ({"engine": "sklearn"}, True, "scikit-learn serves"),
        ({"version": "1" * 12}, False, "'make train'"),
    ],
)
def test_bundle_has_to_be_of_this_model(manifest, changes, passed, found):
    manifest(**changes)
    gate = judge.judge_bundle(make_side())
    assert gate.passed is passed
    assert found in gate.found


def test_there_is_no_other_model_nothing_can_be_lost(manifest):
    assert len(judge.judge(PARAMS, make_side(macro_f1=0.81), None)) == 5


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20))
def test_flips_are_the_documents_whose_label_differs_the_surest_first(pairs):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judge, "leading_terms", lambda *_: ["term"])
        documents = [Document(row, "a", "text") for row in range(len(pairs))]
        before, after = (make_side(side) for side in zip(*pairs, strict=True))
        flips = judge.find_flips(before, after, documents)
    differing = {row for row, (one, two) in enumerate(pairs) if (one >= 0.5) != (two >= 0.5)}
    assert {one.row for one in flips} == differing
    sums = [one.was_sure + one.is_sure for one in flips]
    assert sums == sorted(sums, reverse=True)
    assert all(one.terms for one in flips[: judge.SHOWN_FLIPS])


@pytest.mark.parametrize(("count", "allowed", "passed"), [(1, 0, 1), (2, 0, 0), (2, 1, 1)])
def test_more_labels_change_than_may_unless_it_is_allowed(count, allowed, passed):
    gate = judge.judge_flips([None] * count, [None] * 10, PARAMS, allowed=bool(allowed))
    assert gate.passed == bool(passed)


def test_commit_is_not_there_it_is_said(workspace):
    with pytest.raises(StageError, match="BASE="):
        committed.read_manifest_of("nowhere")


def test_model_is_of_other_versions_it_is_not_unpickled():
    versions = installed_versions() | {"scikit-learn": "0.1"}
    with pytest.raises(NotComparable, match="scikit-learn"):
        committed.read_model_of("main", {"versions": versions})


@pytest.mark.slow
def test_model_is_changed_the_report_compares_it_with_the_commits(workspace, capfd, monkeypatch):
    def report(*arguments):
        monkeypatch.setattr(sys, "argv", ["judge", *arguments])
        judge.main()
        return Path("reports/judge.md").read_text()

    Path("serving/app/data/manifest.json").unlink(missing_ok=True)
    commit_all("no model")
    run("dvc", "repro", "bundle")
    said = report("--base", "HEAD")
    assert "HEAD has no model yet" in said
    assert "**Passes** all 5 gates" in said
    commit_all("a model")
    assert "It is the model of `HEAD`" in report("--base", "HEAD")
    first = json.loads(Path("serving/app/data/manifest.json").read_text())["version"]

    params = yaml.safe_load(Path("params.yaml").read_text())
    params["train"]["vectorizer"]["max_features"] = 30
    params["judge"] |= {"max_drop": 0, "max_flips": 0}
    params["evaluate"] |= {"min_macro_f1": 0, "min_class_f1": 0, "min_gain_over_baseline": 0}
    Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    golden = Path("training/models/topics/golden.json")
    golden.write_text(json.dumps(json.loads(golden.read_text())[:1]))  # so poor a model errs
    run("dvc", "repro", "bundle")
    with pytest.raises(StageError, match=r"(?s)macro-F1 lost.*labels that change"):
        report("--base", "HEAD")
    said = Path("reports/judge.md").read_text()
    assert f"`HEAD` ({first})" in said
    assert "### Labels that change: " in said
    assert "F1 of each class" in said
    with pytest.raises(StageError) as error:
        report("--base", "HEAD", "--allow-flips")
    assert "labels that change" not in str(error.value)

    pinned = committed.read_manifest_of("HEAD")
    pinned["files"]["model.joblib"]["sha256"] = "0" * 64
    with pytest.raises(StageError, match="not unpickled"):
        committed.read_model_of("HEAD", pinned)

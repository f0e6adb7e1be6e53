"""The model report: gates, and what changes against another commit's model."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.bundle.manifest import installed_versions
from serving.tests.sample import fit, write_bundle
from training.console import StepError
from training.data.dataset import Document
from training.judging import __main__ as judge
from training.judging import committed, sides
from training.judging.committed import NotComparable, Recorded
from training.judging.sides import SHOWN_FLIPS, Side, find_flips, look_at_base
from training.settings.params import Judge
from training.steps.evaluate import Scored
from training.tests.conftest import commit_all
from training.tests.sample import PATHS

CLASSES = np.array(["a", "b"])
PARAMS = SimpleNamespace(
    evaluate=SimpleNamespace(min_macro_f1=0.8, min_class_f1=0.7, min_gain_over_baseline=0.2),
    judge=Judge(max_drop=0.01, max_flips=0.1, max_model_mb=2),
)
OTHER = SimpleNamespace(metrics={"macro_f1": 0.9})
RECORDED = {
    "version": "1" * 12,
    "engine": "frozen",
    "files": {"model.joblib": {"sha256": "1" * 64, "size": 9}},
    "versions": installed_versions(),
    "dataset_sha256": "2" * 64,
    "metrics": {"macro_f1": 0.9},
}


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
def bundle(monkeypatch):
    """As if the bundle were of the model that is judged."""

    def put(**changes):
        frozen = {"texts": 9, "worst_probability_difference": 0.0}
        found = SimpleNamespace(**{"engine": "frozen", "frozen": frozen} | changes)
        monkeypatch.setattr(judge, "find_manifest", lambda *_: found)

    put()
    return put


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
def test_each_gate_is_passed_or_not(bundle, changes, failing):
    gates = judge.judge(PATHS, PARAMS, make_side(**changes), OTHER)
    assert len(gates) == 6
    failed = {gate.rule for gate in gates if not gate.passed}
    assert failed == ({failing} if failing else set()) or failing in failed


def test_bundle_is_not_frozen_the_gate_says_so(bundle):
    bundle(engine="sklearn")
    gate = judge.judge_bundle(PATHS, make_side())
    assert gate.passed
    assert "scikit-learn serves" in gate.found


def test_bundle_has_to_be_of_this_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):  # without a manifest, and with another model's
        gate = judge.judge_bundle(PATHS, make_side())
        assert not gate.passed
        assert "'make train" in gate.found
        write_bundle(PATHS.bundle, fit(), "frozen")


def test_there_is_no_other_model_nothing_can_be_lost(bundle):
    assert len(judge.judge(PATHS, PARAMS, make_side(macro_f1=0.81), None)) == 5


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20))
def test_flips_are_the_documents_whose_label_differs_the_surest_first(pairs):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sides, "leading_words", lambda *_: ["term"])
        documents = [Document(row, "a", "text") for row in range(len(pairs))]
        before, after = (make_side(side) for side in zip(*pairs, strict=True))
        flips = find_flips(before, after, documents)
    differing = {row for row, (one, two) in enumerate(pairs) if (one >= 0.5) != (two >= 0.5)}
    assert {one.row for one in flips} == differing
    sums = [one.was_sure + one.is_sure for one in flips]
    assert sums == sorted(sums, reverse=True)
    assert all(one.terms for one in flips[:SHOWN_FLIPS])


@pytest.mark.parametrize(("count", "allowed", "passed"), [(1, 0, 1), (2, 0, 0), (2, 1, 1)])
def test_more_labels_change_than_may_unless_it_is_allowed(count, allowed, passed):
    gate = judge.judge_flips([None] * count, [None] * 10, PARAMS, allowed=bool(allowed))
    assert gate.passed == bool(passed)


def test_commit_is_not_there_it_is_said(workspace):
    with pytest.raises(StepError, match="BASE="):
        committed.read_manifest_of("nowhere", PATHS)


def test_model_is_of_other_versions_it_is_not_unpickled():
    versions = installed_versions() | {"scikit-learn": "0.1"}
    recorded = Recorded.model_validate(RECORDED | {"versions": versions})
    with pytest.raises(NotComparable, match="scikit-learn"):
        committed.read_model_of("main", recorded, PATHS)


@pytest.mark.parametrize(
    ("classes", "raised"),
    [(["a", "b"], None), (["b"], "a"), (["a", "b", "c"], "c"), ([1, 2], "1, 2, a, b")],
)
def test_model_has_other_classes_it_is_not_compared(classes, raised, monkeypatch):
    scored = Scored(np.array(classes), np.array([]), np.array([]), np.empty((0, len(classes))))
    monkeypatch.setattr(sides, "read_model_of", lambda *_: b"")
    monkeypatch.setattr(sides, "predict_as", lambda *_: scored)
    monkeypatch.setattr(sides, "sum_up", lambda *_: "looked at")
    if raised is None:
        assert look_at_base(PATHS, "main", None, make_side(), []) == "looked at"
        return
    with pytest.raises(NotComparable, match=f"only one of the two has {raised}$"):
        look_at_base(PATHS, "main", None, make_side(), [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        json.dumps(RECORDED | {"metrics": {"accuracy": 1}}),
        json.dumps(RECORDED | {"files": {}}),
        json.dumps(RECORDED | {"engine": "other"}),
        *(json.dumps({one: RECORDED[one] for one in RECORDED if one != name}) for name in RECORDED),
    ],
)
def test_commit_has_a_damaged_manifest_it_is_said_and_nothing_raised_but_that(workspace, text):
    PATHS.bundle.mkdir(parents=True)
    (PATHS.bundle / "manifest.json").write_text(text)
    commit_all("damaged")
    with pytest.raises(StepError, match=r"of HEAD is not a manifest .*BASE="):
        committed.read_manifest_of("HEAD", PATHS)


def test_manifest_of_the_first_format_is_read(workspace):
    PATHS.bundle.mkdir(parents=True)
    (PATHS.bundle / "manifest.json").write_text(json.dumps(RECORDED | {"format": 1, "profile": {}}))
    commit_all("old")
    assert committed.read_manifest_of("HEAD", PATHS).frozen == {}
    (PATHS.bundle / "manifest.json").unlink()
    commit_all("none")
    assert committed.read_manifest_of("HEAD", PATHS) is None


def test_report_is_appended_to_the_jobs_summary(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    judge.publish(PATHS, "first\n")
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    judge.publish(PATHS, "page\n")
    assert summary.read_text() == "before\npage\n\n"
    assert (PATHS.reports / judge.PAGE).read_text() == "page\n"

"""The model report: gates, and what changes against another commit's model."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.bundle.versions import installed_versions
from serving.tests.sample import fit, write_bundle
from training.console import StepError
from training.data.dataset import Example
from training.judging import __main__ as judge
from training.judging import committed, labels, values
from training.judging.committed import NotComparable, Recorded
from training.judging.gates import at_most
from training.judging.sides import Side
from training.settings.params import Evaluate, Judge
from training.settings.schema import Label, Schema
from training.tasks import regression
from training.tasks.classification import Classification, Scored
from training.tests.conftest import commit_all
from training.tests.sample import PATHS

CLASSES = np.array(["a", "b"])
LIMITS = Judge(max_drop=0.01, max_flips=0.1, max_model_mb=2)
SCHEMA = Schema(labels=[Label(id=one, title=one) for one in "ab"])
DEFINITION = SimpleNamespace(
    schema=SCHEMA,
    task=Classification(SCHEMA),
    params=SimpleNamespace(
        evaluate=Evaluate(min_macro_f1=0.8, min_class_f1=0.7, min_gain_over_baseline=0.2),
        judge=LIMITS,
    ),
)
OTHER = {"macro_f1": 0.9}
RECORDED = {
    "version": "1" * 12,
    "engine": "frozen",
    "files": {"model.joblib": {"sha256": "1" * 64, "size": 9}},
    "versions": installed_versions(),
    "dataset_sha256": "2" * 64,
    "metrics": {"macro_f1": 0.9},
}


def make_side(probabilities=(0.9, 0.1), *, macro_f1=0.9, accuracy=0.9, size=1_000_000):
    sure = np.array(probabilities)
    predicted = np.where(sure >= 0.5, "a", "b")
    actual = np.array(["a", "b"]) if len(sure) == 2 else predicted
    rows = np.column_stack([sure, 1 - sure]) if len(sure) else np.empty((0, 2))
    return Side(
        version="0" * 12,
        size=size,
        model=None,
        scored=Scored(CLASSES, actual, predicted, rows),
        metrics={"macro_f1": macro_f1, "accuracy": accuracy, "baseline_accuracy": 0.5},
    )


def make_test(count):
    examples = [Example(row, "a", "text") for row in range(count)]
    return SimpleNamespace(definition=DEFINITION, examples=examples, targets=np.zeros(count))


@pytest.fixture
def bundle(monkeypatch):
    """As if the bundle were of the model that is judged."""

    def put(**changes):
        frozen = {"inputs": 9, "exact": True, "worst_probability_difference": 0.0}
        found = SimpleNamespace(**{"engine": "frozen", "frozen": frozen} | changes)
        monkeypatch.setattr(judge, "find_manifest", lambda *_: found)

    put()
    return put


# Where a score falls under its gate, it has also fallen by more than it may.
FAILING = {"macro-F1": {"macro-F1", "macro-F1 lost"}}


@pytest.mark.parametrize(
    ("changes", "failing"),
    [
        ({}, None),
        ({"macro_f1": 0.8901}, None),
        ({"macro_f1": 0.8899}, "macro-F1 lost"),
        ({"macro_f1": 0.79}, "macro-F1"),
        ({"probabilities": (0.9, 0.9)}, "F1 of b"),
        ({"accuracy": 0.69}, "accuracy over baseline"),
        ({"size": 2_000_001}, "MB of model.joblib"),
    ],
)
def test_each_gate_is_passed_or_not(bundle, changes, failing):
    side = make_side(**changes)
    gates = judge.judge(PATHS, DEFINITION, side)
    gates += labels.judge_drop(OTHER, side.metrics, LIMITS)
    assert len(gates) == 6
    failed = {gate.rule for gate in gates if not gate.passed}
    assert failed == FAILING.get(failing, {failing} if failing else set())


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


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20))
def test_flips_are_the_documents_whose_label_differs_the_surest_first(pairs):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(labels, "leading_words", lambda *_: ["term"])
        test = make_test(len(pairs))
        before, after = (make_side(side) for side in zip(*pairs, strict=True))
        flips = labels.find_changes(before, after, test, LIMITS)
    differing = {row for row, (one, two) in enumerate(pairs) if (one >= 0.5) != (two >= 0.5)}
    assert {one.row for one in flips} == differing
    sums = [one.was_sure + one.is_sure for one in flips]
    assert sums == sorted(sums, reverse=True)
    assert all(one.terms for one in flips[: labels.SHOWN_FLIPS])


@pytest.mark.parametrize(("count", "allowed", "passed"), [(1, 0, 1), (2, 0, 0), (2, 1, 1)])
def test_more_labels_change_than_may_unless_it_is_allowed(count, allowed, passed):
    (gate,) = labels.judge_changes([None] * count, 10, LIMITS, allowed=bool(allowed))
    assert gate.passed == bool(passed)
    unasked = LIMITS.model_copy(update={"max_flips": None})
    assert labels.judge_changes([None] * count, 10, unasked, allowed=False) == []


def make_values(predicted, actual=None):
    scored = regression.Scored(np.array(actual or predicted, float), np.array(predicted, float))
    return Side(version="0" * 12, size=1, model=None, scored=scored, metrics={"rmse": 1.0})


MOVES = Judge(max_drop=0.1, max_moves=0.4, move=0.1, max_model_mb=2)


def test_gate_of_large_values_is_read_without_exponents():
    gate = at_most("RMSE", 1_234_567.89, 1_300_000)
    assert (gate.found, gate.limit, gate.passed) == ("1,234,567.9", "≤ 1,300,000", True)


@given(
    st.lists(st.tuples(*[st.floats(-1e9, 1e9, allow_subnormal=False)] * 2), min_size=1, max_size=20)
)
def test_moves_are_the_values_that_change_by_more_than_the_share_the_farthest_first(pairs):
    before, after = (make_values(side) for side in zip(*pairs, strict=True))
    moves = values.find_changes(before, after, make_test(len(pairs)), MOVES)
    far = [one != two and (not one or abs(two - one) / abs(one) > 0.1) for one, two in pairs]
    assert {one.row for one in moves} == {row for row, is_far in enumerate(far) if is_far}
    shares = [one.share for one in moves]
    assert shares == sorted(shares, reverse=True)


def test_error_that_is_added_and_values_that_move_have_their_gates():
    (drop,) = values.judge_drop({"rmse": 10.0}, {"rmse": 11.5}, MOVES)
    assert (drop.rule, drop.found, drop.passed) == ("share of the RMSE added", "0.1500", False)
    assert values.judge_drop({"macro_f1": 1.0}, {"rmse": 11.5}, MOVES) == []
    gates = [values.judge_changes([None] * count, 10, MOVES, allowed=False) for count in (4, 5)]
    assert [gate.passed for (gate,) in gates] == [True, False]
    assert gates[0][0].rule == "values that move by more than 10%"


def test_values_differ_in_rounding_alone_is_told():
    base = make_values([1.0, 2.0])
    assert values.measure_rounding(base, make_values([1.0, 2.0 + 1e-12]), []) < 1e-9
    assert values.measure_rounding(base, make_values([1.0, 2.1]), []) is None


def test_model_of_another_task_is_not_compared():
    found = {"predicted": np.array([1.0])}
    with pytest.raises(NotComparable, match="predicts values"):
        labels.restore("main", found, np.array(["a"]))
    with pytest.raises(NotComparable, match="predicts labels"):
        values.restore("main", found | {"classes": np.array(["a"])}, np.array([1.0]))
    assert values.restore("main", found, np.array([1.0])).predicted.tolist() == [1.0]


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
def test_model_has_other_classes_it_is_not_compared(classes, raised):
    scored = Scored(np.array(classes), np.array([]), np.array([]), np.empty((0, len(classes))))
    if raised is None:
        assert labels.check("main", scored, make_side().scored) is None
        return
    with pytest.raises(NotComparable, match=f"only one of the two has {raised}$"):
        labels.check("main", scored, make_side().scored)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        json.dumps(RECORDED | {"metrics": {"accuracy": "x"}}),
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

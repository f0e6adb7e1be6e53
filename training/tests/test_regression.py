"""The task `regression`: scores, what the gates look at, golden examples."""

import csv
import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from training.console import StepError
from training.data.dataset import Example
from training.settings.params import Evaluate, Params, Validate
from training.settings.schema import Schema
from training.tasks import Gate, Measured, Mistaken, apply_gates, find_task
from training.tasks.classification import Classification
from training.tasks.regression import FEW, Regression, Scored
from training.tests.sample import PRICES_PARAMS, SCHEMA

TASK = Regression(Schema(target={"title": "Price", "unit": "EUR"}))
INTERVAL = {"kind": "difference", "low": -1.0, "high": 1.0, "coverage": 0.9}
SCORED = Scored(np.array([1.0, 2.0, 3.0, 6.0]), np.array([1.0, 2.5, 3.0, 4.0]))
TRAINED = np.array([2.0, 4.0])
NUMBERS = st.integers(-(10**8), 10**8).map(lambda cents: cents / 100)


def examples(*targets, start=5):
    return [Example(start + number, target, {}) for number, target in enumerate(targets)]


def test_schema_says_which_task_it_is():
    assert isinstance(find_task(Schema(target={"title": "Price"})), Regression)
    assert isinstance(find_task(SCHEMA), Classification)


def test_scores_are_those_of_the_definitions():
    metrics = TASK.summarize(SCORED, TRAINED, INTERVAL)
    assert metrics["rmse"] == pytest.approx(math.sqrt((0.25 + 4) / 4))
    assert metrics["mae"] == pytest.approx(2.5 / 4)
    assert metrics["r2"] == pytest.approx(1 - 4.25 / (4 + 1 + 0 + 9))
    assert metrics["interval_coverage"] == 0.75
    assert metrics["interval_width"] == 2
    assert metrics["baseline_rmse"] == pytest.approx(math.sqrt((4 + 1 + 0 + 9) / 4))
    assert metrics["baseline_mae"] == pytest.approx(6 / 4)
    assert [*metrics][:2] == ["rmse", "mae"]  # what `make models` shows


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=50))
def test_what_the_gates_look_at_are_the_scores(pairs):
    actual, predicted = np.array(pairs).T
    scored = Scored(actual, predicted)
    metrics = TASK.summarize(scored, actual + 1, INTERVAL)
    found = {one.setting: one.value for one in TASK.measure(scored, metrics)}
    assert found["max_rmse"] == metrics["rmse"] >= metrics["mae"] * (1 - 1e-9)
    assert found["max_mae"] == metrics["mae"]
    assert found["min_r2"] == metrics["r2"]
    assert found["min_coverage"] == metrics["interval_coverage"]
    assert found["min_gain_over_baseline"] <= 1


def test_every_gate_of_a_regression_is_measured_and_fails_by_itself():
    asked = {
        "max_rmse": 0.1,
        "max_mae": 0.1,
        "min_r2": 0.99,
        "min_gain_over_baseline": 0.9,
        "min_coverage": 0.9,
    }
    measured = TASK.measure(SCORED, TASK.summarize(SCORED, TRAINED, INTERVAL))
    gates = apply_gates(Evaluate(**asked), measured)
    assert {one.setting: one.bound for one in gates} == asked
    assert not any(one.passed for one in gates)
    assert gates[0].failure == "RMSE is 1.0308, above max_rmse (0.1)"
    assert gates[2].failure == "R² is 0.6964, below min_r2 (0.99)"
    assert gates[3].value == pytest.approx(1 - math.sqrt(4.25 / 14))


@given(NUMBERS, NUMBERS)
def test_bound_itself_passes_on_either_side(value, bound):
    assert Gate("min_x", "x", value, bound).passed == (value >= bound)
    assert Gate("max_x", "x", value, bound).passed == (value <= bound)


def test_gates_that_are_not_asked_for_are_left_out():
    measured = [Measured("max_rmse", "RMSE", 3.0), Measured("min_gain_over_baseline", "gain", 0.5)]
    (gate,) = apply_gates(Evaluate(min_gain_over_baseline=0.4), measured)
    assert gate == Gate("min_gain_over_baseline", "gain", 0.5, 0.4)


def test_bound_of_nought_is_asked_for():
    measured = [Measured("min_gain_over_baseline", "gain", -0.1)]
    (gate,) = apply_gates(Evaluate(min_gain_over_baseline=0), measured)
    assert gate.failure == "gain is -0.1000, below min_gain_over_baseline (0)"


def test_examples_are_described_the_largest_errors_first():
    found = TASK.describe(SCORED, [5, 6, 7, 8], INTERVAL)
    assert found["examples"][1] == {
        "row": 6,
        "actual": 2.0,
        "predicted": 2.5,
        "low": 1.5,
        "high": 3.5,
    }
    assert [one["row"] for one in found["largest_errors"]] == [8, 6, 5, 7]
    assert found["interval"] == INTERVAL


def test_plots_have_a_row_an_example(tmp_path):
    TASK.write_plots(SCORED, tmp_path)
    rows = list(csv.DictReader((tmp_path / "values.csv").read_text().splitlines()))
    assert [float(one["predicted"]) for one in rows] == SCORED.predicted.tolist()


@pytest.mark.parametrize(
    ("train", "test", "says"),
    [
        ([], [1.0], "there are no training examples"),
        ([1.0], [], "there are no test examples"),
        ([1.0, math.nan], [math.inf], "examples whose target is no finite number: rows 6, 5"),
        ([1.0, "2"], [1.0], "no finite number: rows 6"),
        ([1.0, None], [1.0], "no finite number: rows 6"),
        ([1.0, True], [1.0], "no finite number: rows 6"),
        ([1.0, False], [1.0], "no finite number: rows 6"),
        ([1.0, 10**400], [1.0], "no finite number: rows 6"),
        ([3, 3], [1.0], "all training examples have the target 3"),
        ([1, 2.5], [3, 3], "all test examples have the target 3"),
        ([1, 2.5], [1, 2], None),
    ],
)
def test_targets_are_not_fit_names_the_rows(train, test, says):
    found = TASK.find_problems(examples(*train), examples(*test), Validate())
    assert len(found) == (says is not None)
    assert says is None or says in found[0]


def test_targets_are_counted():
    assert TASK.count(examples(3.0, 1, 5.0)) == {"count": 3, "low": 1, "mean": 3, "high": 5}


def test_targets_that_are_no_numbers_are_left_to_validate_not_counted():
    assert TASK.count(examples("3", None, 5.0)) == {"count": 3, "low": 5, "mean": 5, "high": 5}
    assert TASK.count(examples()) == {"count": 0}


def test_few_examples_are_the_first_ones():
    many = examples(*range(2 * FEW))
    assert TASK.take_few(many) == many[:FEW]


def test_folds_are_the_same_each_time_and_not_more_than_examples():
    targets = np.arange(10.0)
    one, other = (
        [test.tolist() for _, test in TASK.make_folds(targets, 3, seed=1).split(targets)]
        for _ in range(2)
    )
    assert one == other
    assert sorted(row for fold in one for row in fold) == list(range(10))
    # Mixed by the seed, for a table may be sorted.
    assert one != [test.tolist() for _, test in TASK.make_folds(targets, 3, seed=2).split(targets)]
    with pytest.raises(
        StepError, match=r"11 folds are more than there are training examples \(10\)"
    ):
        TASK.make_folds(targets, 11, seed=1)


def test_baseline_is_right_nothing_can_be_saved():
    scored = Scored(np.array([2.0, 2.0]), np.array([1.0, 2.0]))
    metrics = TASK.summarize(scored, np.array([2.0]), INTERVAL)
    found = {one.setting: one.value for one in TASK.measure(scored, metrics)}
    assert found["min_gain_over_baseline"] == 0


@pytest.mark.parametrize(
    ("targets", "interval", "says"),
    [
        (range(19), {}, "at least 20 training examples, and there are 19"),
        (range(20), {}, None),
        (range(20), {"kind": "ratio"}, "say difference"),
        (range(1, 21), {"kind": "ratio"}, None),
    ],
)
def test_interval_cannot_be_made_it_is_said_before_anything_is_trained(targets, interval, says):
    params = SimpleNamespace(evaluate=Evaluate(interval=interval))
    if says is None:
        TASK.check_params(params, np.array(targets, dtype=float))
        return
    with pytest.raises(StepError, match=says):
        TASK.check_params(params, np.array(targets, dtype=float))


def test_no_error_at_all_no_interval_is_told():
    exact = INTERVAL | {"low": 0.0, "high": 0.0}
    assert TASK.describe_answers(None, {"interval": exact})["interval"] is None


def test_interval_is_of_held_out_predictions(monkeypatch):
    """A model that knows its training part by heart has errors all the same."""
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    rng = np.random.default_rng(0)
    values, targets = rng.normal(size=(60, 59)), rng.uniform(100, 200, 60)
    evaluate = PRICES_PARAMS["evaluate"] | {"interval": {"coverage": 0.9}}
    params = Params.model_validate(PRICES_PARAMS | {"evaluate": evaluate})
    fitted = LinearRegression().fit(values, targets)
    assert np.abs(fitted.predict(values) - targets).max() < 1e-6
    interval = TASK.calibrate(LinearRegression(), values, targets, params)
    assert interval["high"] - interval["low"] > 10
    assert interval["coverage"] == 0.9


def test_golden_example_is_answered_with_its_value_if_it_is_between():
    assert TASK.answer_golden({"between": [2, 2.5]}, SCORED, 1) == {"value": 2.5}
    with pytest.raises(Mistaken, match=r"2\.5 is not between 3 and 4"):
        TASK.answer_golden({"between": [3, 4]}, SCORED, 1)


def test_manifest_is_told_the_target_and_the_interval():
    found = TASK.describe_answers(None, {"interval": INTERVAL})
    assert found["target"] == {"title": "Price", "unit": "EUR", "description": None}
    assert (found["labels"], found["interval"]) == ((), INTERVAL)


def test_profile_has_the_quantiles_of_what_was_predicted():
    found = TASK.profile(Scored(np.zeros(101), np.arange(101.0)))["value"]
    assert found == {f"p{one}": float(one) for one in (1, 5, 25, 50, 75, 95, 99)}

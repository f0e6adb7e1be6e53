"""Intervals: they hold what they promise, and say so where they cannot."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.console import StepError
from training.settings.params import Interval
from training.tasks.conformal import apply_interval, make_interval

NOMINAL = st.floats(0.5, 0.95)
REPEATS = 300


def find_coverage(interval, actual, predicted):
    low, high = apply_interval(interval, predicted)
    return float(np.mean((low <= actual) & (actual <= high)))


@given(NOMINAL, st.integers(60, 200))
def test_ranks_are_those_of_which_a_further_error_is_within_as_often_as_asked(nominal, count):
    """Of errors of which no rank is likelier than another, the expected share is exact."""
    errors = np.arange(1.0, count + 1)
    interval = make_interval(errors, np.zeros(count), Interval(coverage=nominal))
    share = (interval["high"] - interval["low"]) / (count + 1)
    assert nominal - 1e-9 <= share <= nominal + 2 / (count + 1) + 1e-9


@pytest.mark.parametrize("kind", ["difference", "ratio"])
@pytest.mark.parametrize("spread", ["normal", "standard_cauchy", "exponential"])
@given(NOMINAL, st.integers(60, 200), st.integers(0, 2**32 - 1))
def test_fresh_examples_are_within_about_as_often_as_asked(kind, spread, nominal, count, seed):
    """Whatever the errors are like: skewed, without a mean, growing with the value."""
    rng = np.random.default_rng(seed)
    draw = getattr(rng, spread)
    shares = []
    for _ in range(REPEATS):
        predicted = rng.uniform(1, 1000, 2 * count)
        errors = draw(size=2 * count)
        actual = predicted + errors if kind == "difference" else predicted * (0.01 + abs(errors))
        asked = Interval(coverage=nominal, kind=kind)
        interval = make_interval(actual[:count], predicted[:count], asked)
        shares.append(find_coverage(interval, actual[count:], predicted[count:]))
    # Standard errors of the mean of these: below half a percent.
    assert nominal - 0.03 <= np.mean(shares) <= nominal + 2 / (count + 1) + 0.03


def test_difference_is_added_and_a_ratio_multiplies():
    predicted = np.array([10.0, 100.0])
    added = apply_interval({"kind": "difference", "low": -1.0, "high": 2.0}, predicted)
    assert [one.tolist() for one in added] == [[9, 99], [12, 102]]
    scaled = apply_interval({"kind": "ratio", "low": 0.5, "high": 2.0}, predicted)
    assert [one.tolist() for one in scaled] == [[5, 50], [20, 200]]


def test_ratio_of_a_value_below_zero_keeps_its_low_end_low():
    ends = apply_interval({"kind": "ratio", "low": 0.5, "high": 2.0}, np.array([-10.0]))
    assert [one.tolist() for one in ends] == [[-20], [-5]]


@pytest.mark.parametrize(
    ("coverage", "fewest"), [(0.5, 3), (0.8, 10), (0.9, 20), (0.95, 39), (0.99, 199)]
)
def test_too_few_examples_for_the_coverage_are_refused_with_their_number(coverage, fewest):
    asked, errors = Interval(coverage=coverage), np.arange(float(fewest))
    assert make_interval(errors, np.zeros(fewest), asked)["high"] == fewest - 1
    with pytest.raises(
        StepError,
        match=rf"coverage \({coverage}\) needs at least {fewest} .* there are {fewest - 1}$",
    ):
        make_interval(errors[1:], np.zeros(fewest - 1), asked)


@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_ratio_of_values_that_are_not_above_zero_is_refused(bad):
    good, asked = np.arange(1.0, 100), Interval(kind="ratio")
    for actual, predicted in ((np.append(good, bad), None), (None, np.append(good, bad))):
        fill = np.append(good, 1)
        with pytest.raises(StepError, match=r"interval\.kind: .* say difference"):
            make_interval(
                fill if actual is None else actual, fill if predicted is None else predicted, asked
            )

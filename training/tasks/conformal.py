"""Intervals for a regression by conformal prediction.

The errors of predictions of held-out examples, fold by fold, stand for the errors to come: an
interval reaches from their lower to their upper quantile, each for half of what may lie outside,
with the ranks of split conformal prediction for finite samples (Papadopoulos et al., 2002; Lei et
al., 2018). With folds in the place of one split it is cross-conformal (Vovk, 2015), whose coverage
is close to the nominal one but not guaranteed: the test part checks it.
"""

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from training.console import StepError
from training.settings.params import Interval


def make_interval(
    actual: NDArray[np.float64], predicted: NDArray[np.float64], asked: Interval
) -> dict[str, Any]:
    """The manifest's interval.

    Args:
        actual: The true values of held-out examples; shape (n_examples,).
        predicted: By models that were fitted on others; shape (n_examples,).
        asked: `difference` adds to a predicted value, `ratio` multiplies it.

    Raises:
        StepError: There are too few examples for the coverage, or a ratio of values below zero.
    """
    errors = np.sort(_compare(actual, predicted, asked.kind))
    outside = (1 - asked.coverage) / 2
    low = math.floor(outside * (len(errors) + 1))
    high = math.ceil((1 - outside) * (len(errors) + 1))
    if low < 1 or high > len(errors):
        raise StepError(
            f"params.yaml: evaluate.interval.coverage ({asked.coverage:g}) needs at least "
            f"{math.ceil(1 / outside) - 1} training examples, and there are {len(errors)}"
        )
    return {
        "kind": asked.kind,
        "low": float(errors[low - 1]),
        "high": float(errors[high - 1]),
        "coverage": asked.coverage,
    }


def _compare(
    actual: NDArray[np.float64],
    predicted: NDArray[np.float64],
    kind: Literal["difference", "ratio"],
) -> NDArray[np.float64]:
    if kind == "difference":
        return actual - predicted
    if min(actual.min(), predicted.min()) <= 0:
        raise StepError(
            "params.yaml: evaluate.interval.kind: a ratio needs true and predicted values above "
            "zero: say difference"
        )
    return actual / predicted


def apply_interval(
    interval: dict[str, Any], predicted: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The low and the high end for each predicted value, as the service computes them."""
    if interval["kind"] == "difference":
        return predicted + interval["low"], predicted + interval["high"]
    ends = predicted * interval["low"], predicted * interval["high"]
    return np.minimum(*ends), np.maximum(*ends)

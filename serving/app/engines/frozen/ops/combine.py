"""Models of models: what several say, as one answer."""

from __future__ import annotations

from bisect import bisect_right
from functools import reduce
from math import exp, log
from operator import add

from serving.app.engines.frozen.ops.shares import add_up, expit, share
from serving.app.engines.frozen.rows import check_width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile
    from serving.app.engines.frozen.ops.classify import Outcome

SMALLEST = 1e-12  # what keeps scikit-learn from the logarithm of zero


class Average:
    """The mean of what models say, who stand one after the other in a row.

    Settings: `weights`, a number a model; or null, and `count` of models; `total`, of the weights.
    """

    takes, gives = "values", "values"

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._count: int = op["count"]
        self._weights: list[float] | None = None
        self._total: float = op["total"]
        if op["weights"] is not None:
            self._weights = list(map(float, op["weights"]))
            if len(self._weights) != self._count:
                raise ValueError("weights of another number of models")

    def __call__(self, row: list[float]) -> list[float]:
        width = len(row) // self._count
        each = [row[start : start + width] for start in range(0, len(row), width)]
        if self._weights is not None:
            each = [
                [value * weight for value in one]
                for one, weight in zip(each, self._weights, strict=True)
            ]
        return [reduce(add, values) / self._total for values in zip(*each, strict=True)]


class LabelOf:
    """An outcome to its label's number."""

    takes, gives = "outcome", "values"

    def __init__(self, _: FrozenFile, __: dict[str, Any]) -> None:
        pass

    def __call__(self, outcome: Outcome) -> list[float]:
        return [float(outcome[0])]


class Count:
    """Labels to how many models say each. Settings: `labels`, how many; `weights` of the models."""

    takes, gives = "values", "values"

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._labels = check_width(op["labels"])
        self._weights: list[float] = op["weights"]

    def __call__(self, row: list[float]) -> list[float]:
        votes = [0.0] * self._labels
        for label, weight in zip(row, self._weights, strict=True):
            votes[int(label)] += weight
        return votes


class CalibrateEach:
    """What classifiers say to probabilities: CalibratedClassifierCV over any classifiers.

    The classifiers' scores stand one after the other, `width` each. Settings: `method`, "sigmoid",
    "isotonic" or "temperature"; `labels`, how many; `calibrators`, a list a classifier: slope and
    intercept of a sigmoid, two lists of thresholds and values, or a factor and whether the scores
    are probabilities.
    """

    takes, gives = "values", "outcome"

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._calibrators: list[list[Any]] = op["calibrators"]
        self._width: int = op["width"]
        self._labels: int = op["labels"]
        self._calibrate: Callable[[list[Any], list[float]], list[float]] = {
            "isotonic": self._interpolate,
            "sigmoid": self._bend,
            "temperature": self._heat,
        }[op["method"]]

    def __call__(self, scores: list[float]) -> Outcome:
        width = self._width
        each = [
            [
                1.0 if 1.0 < one <= 1.0 + 1e-5 else one
                for one in self._calibrate(
                    calibrators, scores[number * width : (number + 1) * width]
                )
            ]
            for number, calibrators in enumerate(self._calibrators)
        ]
        mean = [reduce(add, column, 0.0) / len(each) for column in zip(*each, strict=True)]
        return mean.index(max(mean)), mean

    def _bend(self, calibrators: list[Any], scores: list[float]) -> list[float]:
        pairs = zip(calibrators, scores, strict=True)
        return self._share([expit(-(slope * float(one) + shift)) for (slope, shift), one in pairs])

    def _interpolate(self, calibrators: list[Any], scores: list[float]) -> list[float]:
        pairs = zip(calibrators, scores, strict=True)
        return self._share([interpolate(one, *curve) for curve, one in pairs])

    def _heat(self, calibrators: list[Any], scores: list[float]) -> list[float]:
        factor, are_probabilities = calibrators[0]
        if are_probabilities:
            scores = [1 - scores[0], scores[0]] if len(scores) == 1 else scores
            scores = [log(one + SMALLEST) for one in scores]
        elif len(scores) == 1:
            scores = [-scores[0], scores[0]]
        heated = [factor * float(one) for one in scores]
        top = max(heated)
        powers = [exp(one - top) for one in heated]
        total = add_up(powers)
        return [one / total for one in powers]

    def _share(self, found: list[float]) -> list[float]:
        return share(found) if len(found) > 1 else [1.0 - found[0], found[0]]


def interpolate(x: float, places: list[float], values: list[float]) -> float:
    """A value on the line through points, as numpy.interp has it; beyond them that of the end."""
    x = min(max(x, places[0]), places[-1])
    place = bisect_right(places, x) - 1
    if place >= len(places) - 1:
        return values[-1]
    left, low = places[place], values[place]
    slope = (values[place + 1] - low) / (places[place + 1] - left)
    return slope * (x - left) + low

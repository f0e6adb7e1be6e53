"""Scores to label and probabilities, as a calibrated classifier of scikit-learn does it."""

from __future__ import annotations

from functools import reduce
from math import exp
from operator import add

from serving.app import native
from serving.app.engines.frozen.ops.shares import expit, share

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile
    from serving.app.engines.frozen.ops.classify import Outcome


class Calibrate:
    """Scores to a label and probabilities: CalibratedClassifierCV by sigmoids.

    Settings: `slopes` and `intercepts` of the sigmoids, a list a classifier, a number a score.
    """

    takes, gives = "values", "outcome"

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._sigmoids = [
            (list(map(float, slopes)), list(map(float, intercepts)))
            for slopes, intercepts in zip(op["slopes"], op["intercepts"], strict=True)
        ]
        if any(len(slopes) != len(intercepts) for slopes, intercepts in self._sigmoids):
            raise ValueError("as many slopes as intercepts")
        self._calibrate = native.kernel.calibrate if native.kernel else _calibrate

    def __call__(self, scores: list[float]) -> Outcome:
        if len(self._sigmoids) == 1:
            slopes, intercepts = self._sigmoids[0]
            mean: list[float] = self._calibrate(slopes, intercepts, scores)
        else:
            mean = self._average(scores)
        return mean.index(max(mean)), mean

    def _average(self, scores: list[float]) -> list[float]:
        """The mean of what the classifiers say."""
        width = len(self._sigmoids[0][0])
        each = [
            self._calibrate(*sigmoids, scores[number * width : (number + 1) * width])
            for number, sigmoids in enumerate(self._sigmoids)
        ]
        return [reduce(add, column) / len(each) for column in zip(*each, strict=True)]


def _calibrate(slopes: list[float], intercepts: list[float], scores: list[float]) -> list[float]:
    """The probabilities of one classifier."""
    triples = list(zip(slopes, intercepts, scores, strict=True))
    try:  # without a call each, in half the time
        found = [1.0 / (1.0 + exp(a * score + b)) for a, b, score in triples]
    except OverflowError:
        found = [expit(-(a * score + b)) for a, b, score in triples]
    return share(found) if len(found) > 1 else [1.0 - found[0], found[0]]

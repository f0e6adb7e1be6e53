"""Scores to label and probabilities, as a calibrated classifier of scikit-learn does it."""

from __future__ import annotations

from functools import reduce
from math import exp
from operator import add

from serving.app.engines.frozen.ops.shares import expit, share

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile
    from serving.app.engines.frozen.ops.classify import Outcome


class Calibrate:
    """Scores to a label and probabilities: CalibratedClassifierCV by sigmoids.

    Settings: `slopes` and `intercepts` of the sigmoids, a list a classifier, a number a score.

    Attributes:
        sigmoids: Slope and intercept of each score, a list a classifier.
    """

    takes, gives = "values", "outcome"

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self.sigmoids = [
            list(zip(map(float, slopes), intercepts, strict=True))
            for slopes, intercepts in zip(op["slopes"], op["intercepts"], strict=True)
        ]

    def __call__(self, scores: list[float]) -> Outcome:
        width = len(self.sigmoids[0])
        each = [
            self._calibrate(sigmoids, scores[number * width : (number + 1) * width])
            for number, sigmoids in enumerate(self.sigmoids)
        ]
        mean = each[0]
        if len(each) > 1:
            mean = [reduce(add, column) / len(each) for column in zip(*each, strict=True)]
        return mean.index(max(mean)), mean

    def _calibrate(self, sigmoids: list[tuple[float, float]], scores: list[float]) -> list[float]:
        pairs = list(zip(sigmoids, scores, strict=True))
        try:  # without a call each, in half the time
            found = [1.0 / (1.0 + exp(a * score + b)) for (a, b), score in pairs]
        except OverflowError:
            found = [expit(-(a * score + b)) for (a, b), score in pairs]
        return share(found) if len(found) > 1 else [1.0 - found[0], found[0]]

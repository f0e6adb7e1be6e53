"""The task `regression`: a value in a unit, with the interval that the manifest makes of it."""

from __future__ import annotations

import math
from operator import add, mul

from serving.app import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from serving.app.engines.base import Scores
    from serving.bundle.manifest import Label, Manifest

_WAYS = {"difference": add, "ratio": mul}


class Estimate:
    """The answer for one input.

    Attributes:
        value: The predicted value.
        unit: What it is counted in; None where that is not said.
        interval: `low`, `high` and `coverage`; None where nothing is known of the model's errors.
        scores: What the engine said.
    """

    __slots__ = ("interval", "scores", "unit", "value")

    def __init__(
        self, value: float, unit: str | None, interval: dict[str, float] | None, scores: Scores
    ) -> None:
        self.value = value
        self.unit = unit
        self.interval = interval
        self.scores = scores

    def answer(self) -> dict[str, Any]:
        """What is answered to a single input."""
        return {"value": self.value, "unit": self.unit, "interval": self.interval}

    def item(self) -> dict[str, Any]:
        """What is answered to an input of a batch."""
        return {"value": self.value, "interval": self.interval}

    def properties(self) -> dict[str, Any]:
        """What the EMF document says of it."""
        return {}


class Regression:
    """From scores to values."""

    def __init__(self, manifest: Manifest) -> None:
        self._unit = (manifest.target or {}).get("unit")
        self._interval = manifest.interval

    def decide(self, scores: Scores) -> Estimate:
        """The estimate.

        Raises:
            Invalid: The value, or an end of its interval, is not finite: the input is far
                outside of the training data's range.
        """
        interval = self._make_interval(scores.value)
        if not all(map(math.isfinite, (scores.value, *(interval or {}).values()))):
            raise errors.Invalid([("body", "The model has no finite value for what was sent")])
        return Estimate(scores.value, self._unit, interval, scores)

    def _make_interval(self, value: float) -> dict[str, float] | None:
        if self._interval is None:
            return None
        way = _WAYS[self._interval["kind"]]
        # A ratio turns them round where the value is below zero.
        low, high = sorted((way(value, self._interval["low"]), way(value, self._interval["high"])))
        return {"low": low, "high": high, "coverage": self._interval["coverage"]}

    def measure(self, predictions: Sequence[Estimate]) -> dict[str, float]:
        """The metrics of estimates."""
        total = sum(one.value for one in predictions)
        return {"prediction.value": total / len(predictions)} if math.isfinite(total) else {}

    def rank(self, _: Estimate, __: int) -> list[tuple[Label, float | None]] | None:
        """None: a value has no labels."""
        return None

"""Rows to rows of one length: Normalizer."""

from __future__ import annotations

from math import isfinite, sqrt

from serving.app.engines.frozen.rows import Features, normalize

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile

# What scikit-learn takes for zero, where rows are dense (_handle_zeros_in_scale).
SMALL = 10 * 2.220446049250313e-16


class Normalize:
    """A row by its length. Settings: `norm`, "l1", "l2" or "max"; `sparse`, whether the row is.

    Raises:
        ValueError: A sparse row has a number that is not finite.
    """

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._norm: str = op["norm"]
        self.takes = self.gives = "features" if op["sparse"] else "values"
        if self._norm not in ("l1", "l2", "max"):
            raise ValueError("another norm")

    def __call__(self, row: Any) -> Any:
        if self.takes == "values":
            length = self._measure(row)
            return row if length < SMALL else [value / length for value in row]
        if not all(map(isfinite, row.values)):
            raise ValueError("a number is not finite")
        values = row.values
        if self._norm != "max":
            values = normalize(values, self._norm)
        elif length := self._measure(values):
            values = [value / length for value in values]
        return Features(row.columns, values, row.terms, row.unknown_terms)

    def _measure(self, values: list[float]) -> float:
        if self._norm == "max":
            return max(map(abs, values), default=0.0)
        length = 0.0  # not sum(): it compensates
        if self._norm == "l1":
            for value in values:
                length += abs(value)
            return length
        for value in values:
            length += value * value
        return sqrt(length)

"""A vocabulary and the weights of its terms, joined: the kernel does both at once.

Between the ops a row is lists of columns and of values; here none are made.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from serving.app.engines.frozen.ops.linear import Linear
    from serving.app.engines.frozen.ops.vectorize import Vectorize


class Words:
    """A Vectorize and a Linear, joined: a text to its scores."""

    def __init__(self, first: Vectorize, second: Linear) -> None:
        self._prepare = first.prepare
        self._score = first.native.score
        self._weights = second.native
        self._check = second.check_finite

    def read(self, text: str) -> tuple[list[float], int, int]:
        """The scores, how many terms the text has, and how many of them are unknown."""
        found: tuple[list[float], int, int] = self._score(self._prepare(text), self._weights)
        self._check(found[0])
        return found

    def __call__(self, text: str) -> list[float]:
        return self.read(text)[0]


def join_words(ops: Sequence[Any]) -> list[Any]:
    """The ops, the first two joined if they can be."""
    first, second, *rest = ops
    return [*ops] if second.threshold is not None else [Words(first, second), *rest]

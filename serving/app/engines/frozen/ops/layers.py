"""Layers of a network, joined: the kernel does them at once.

Between two ops a row is a list of Python's numbers, each an object. Between joined ones it stays
C's numbers: from a picture's bytes, or a list, to what the last layer gives.
"""

from __future__ import annotations

from serving.app.engines.frozen.ops import run
from serving.app.engines.frozen.ops.inputs import Pixels
from serving.app.engines.frozen.ops.matrix import Activate, Matrix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


class Layers:
    """Joined ops: of a picture its pixels, a matrix, then functions and matrices in turn."""

    def __init__(self, ops: Sequence[Any]) -> None:
        self._ops = ops
        self._reads_picture = isinstance(ops[0], Pixels)
        first, *rest = ops[1:] if self._reads_picture else ops
        self._score = first.native.score
        self._rest = [one.native if isinstance(one, Matrix) else one.name for one in rest]

    def __call__(self, row: Any) -> Any:
        sums = self._score(row.pixels if self._reads_picture else row, *self._rest)
        # None: a sum on the way is not finite.
        return run(self._ops, row) if sums is None else sums


def join_layers(ops: Sequence[Any]) -> list[Any]:
    """The ops, those joined that can be."""
    joined: list[Any] = []
    start = 0
    while start < len(ops):
        stop = _find_end(ops, start)
        joined.append(Layers(ops[start:stop]) if stop > start + 1 else ops[start])
        start = stop
    return joined


def _find_end(ops: Sequence[Any], start: int) -> int:
    """Where the layers end that start there; where none do, after one op."""
    place = start + isinstance(ops[start], Pixels)
    if not _is_native(ops, place):
        return start + 1
    while _is_native(ops, place + 2) and isinstance(ops[place + 1], Activate):
        place += 2
    return place + 1


def _is_native(ops: Sequence[Any], place: int) -> bool:
    return place < len(ops) and isinstance(ops[place], Matrix) and ops[place].native is not None

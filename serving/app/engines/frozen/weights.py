"""The weights of a linear op, read by Python: without the kernel, and to explain an answer."""

from __future__ import annotations

from functools import partial

from serving.app.engines.frozen.memo import Memo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile

CACHED_WEIGHTS = 80_000  # about 3 MB; what falls out is read again from a block that is kept
F64 = 8
TEN = 10  # scores at a time: as many as `score` has sums


class Weights:
    """The weights of ops/linear.py, as the kernel has them.

    Args:
        file: Of the model.
        start: Where they begin.
        stop: Where they end.
        intercept: What the scores begin with.
    """

    def __init__(self, file: FrozenFile, start: int, stop: int, intercept: list[float]) -> None:
        self._file = file
        self._start, self._stop = start, stop
        self._intercept = intercept
        self._bytes = len(intercept) * F64
        self._whole: memoryview | None = None
        firsts = range(0, len(intercept), TEN)
        limit = CACHED_WEIGHTS // (TEN * len(firsts))
        self._tens = [Memo(partial(self._read_ten, first), limit) for first in firsts]

    def score(self, columns: list[int], values: list[float]) -> list[float]:
        """The scores of a sparse row."""
        scores: list[float] = []
        for weights in self._tens:
            # A loop over local variables takes a third of the time of one over lists.
            a = b = c = d = e = f = g = h = i = j = 0.0
            for column, value in zip(columns, values, strict=True):
                p, q, r, s, t, u, v, w, x, y = weights[column]
                a += value * p
                b += value * q
                c += value * r
                d += value * s
                e += value * t
                f += value * u
                g += value * v
                h += value * w
                i += value * x
                j += value * y
            scores += (a, b, c, d, e, f, g, h, i, j)
        return [score + bias for score, bias in zip(scores, self._intercept)]  # noqa: B905 - the fill

    def read_all(self) -> None:
        """Keep all of them."""
        if self._whole is None:
            self._whole = self._file.read_whole(self._start, self._stop)

    def read_row(self, column: int) -> list[float]:
        """The weights of a column, one a score."""
        start = column * self._bytes
        if start + self._bytes > self._stop - self._start:
            raise ValueError("a column out of its section")
        if self._whole is None:
            start += self._start
            row: Any = memoryview(self._file.read(start, start + self._bytes))
        else:
            row = self._whole[start : start + self._bytes]
        return row.cast("d").tolist()  # type: ignore[no-any-return]

    def _read_ten(self, first: int, column: int) -> tuple[float, ...]:
        """Ten weights of a column from the `first` on; zeros where it has no more."""
        row = self.read_row(column)
        return (*row[first : first + TEN], *(0.0,) * (first + TEN - len(row)))

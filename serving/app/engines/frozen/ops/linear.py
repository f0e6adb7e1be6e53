"""Sparse rows times weights, summed as scipy does it: scikit-learn's scores, to the last bit."""

from __future__ import annotations

from functools import partial
from itertools import compress

from serving.app import native
from serving.app.engines.frozen.memo import Memo
from serving.app.engines.frozen.rows import check_scores

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile
    from serving.app.engines.frozen.rows import Features

CACHED_WEIGHTS = 80_000  # about 3 MB; what falls out is read again from a block that is kept
F64 = 8
TEN = 10  # scores at a time: as many as __call__ has sums


class Linear:
    """Features to scores: the decision function, or naive Bayes' joint log-likelihood.

    Settings: `intercept`, a number a score; `threshold`, over which a value counts as 1 and else
    as 0 (BernoulliNB), or null; `models`, of how many classifiers the scores are, one after the
    other; `explain`, "weights", "centred" (on their mean over the labels), "value" (of a
    regression) or null. Section:

    - weights: f64 a score, column by column.

    Attributes:
        intercept, threshold, models: The settings.
        native: The kernel's weights; None without.
    """

    takes, gives = "features", "values"

    def __init__(self, file: FrozenFile, op: dict[str, Any]) -> None:
        self._file = file
        self._start, self._stop = op["sections"]["weights"]
        self.intercept: list[float] = op["intercept"]
        self.threshold: float | None = op["threshold"]
        self.models: int = op["models"]
        self._explain: str | None = op["explain"]
        self._bytes = len(self.intercept) * F64
        self._weights: memoryview | None = None
        firsts = range(0, len(self.intercept), TEN)
        limit = CACHED_WEIGHTS // (TEN * len(firsts))
        self._tens = [Memo(partial(self._read_ten, first), limit) for first in firsts]
        self.native: Any = None
        if native.kernel:
            places = (file.kept_blocks, self._start, self._stop)
            self.native = native.kernel.Weights(file.load_block, *places, self.intercept)

    def __call__(self, features: Features) -> list[float]:
        columns, values = features.columns, features.values
        if self.threshold is not None:
            over = [value > self.threshold for value in values]
            columns, values = list(compress(columns, over)), [1.0] * sum(over)
        score = self.native.score if self.native else self._add_up
        scores: list[float] = score(columns, values)
        self.check_finite(scores)
        return scores

    def check_finite(self, scores: list[float]) -> None:
        """Refuse scores of numbers that are not finite, as scikit-learn does.

        Raises:
            ValueError: They are such.
        """
        if scores[0] != scores[0]:  # NaN
            raise ValueError("a number is not finite")

    def _add_up(self, columns: list[int], values: list[float]) -> list[float]:
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
        return [score + bias for score, bias in zip(scores, self.intercept)]  # noqa: B905 - the fill

    def weigh(self, features: Features, label: int) -> list[tuple[int, float]] | None:
        """The columns that are not zero with their weights for a label; None if it has none."""
        if self._explain is None:
            return None
        return [
            (column, value * self._weigh(column, label))
            for column, value in zip(features.columns, features.values, strict=True)
        ]

    def _weigh(self, column: int, label: int) -> float:
        weights = self._read_row(column)
        scores = len(weights) // self.models
        if scores == 1:  # the second label's
            turned = not label and self._explain != "value"
            return float(-sum(weights) if turned else sum(weights)) / self.models
        weight: float = sum(weights[label::scores]) / self.models
        return weight - sum(weights) / len(weights) if self._explain == "centred" else weight

    def check(self, labels: int) -> None:
        """Refuse what would answer with labels that there are not.

        Raises:
            ValueError: The scores are not one a label, nor the one of two labels.
        """
        check_scores(len(self.intercept), self.models, labels)

    def read_all(self) -> None:
        """Keep all weights: for many rows that is quicker than to read some again and again."""
        if self.native:
            self.native.keep(self._file.blocks)
        elif self._weights is None:
            self._weights = self._file.read_whole(self._start, self._stop)

    def _read_row(self, column: int) -> list[float]:
        start = column * self._bytes
        if start + self._bytes > self._stop - self._start:
            raise ValueError("a column out of its section")
        if self._weights is None:
            start += self._start
            row: Any = memoryview(self._file.read(start, start + self._bytes))
        else:
            row = self._weights[start : start + self._bytes]
        return row.cast("d").tolist()  # type: ignore[no-any-return]

    def _read_ten(self, first: int, column: int) -> tuple[float, ...]:
        """Ten weights of a column from the `first` on; zeros where it has no more."""
        row = self._read_row(column)
        return (*row[first : first + TEN], *(0.0,) * (first + TEN - len(row)))

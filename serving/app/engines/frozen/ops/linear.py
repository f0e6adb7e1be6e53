"""Sparse rows times weights, summed as scipy does it: scikit-learn's scores, to the last bit."""

from __future__ import annotations

from functools import cached_property
from itertools import compress

from serving.app import native
from serving.app.engines.frozen.rows import check_scores

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile
    from serving.app.engines.frozen.rows import Features
    from serving.app.engines.frozen.weights import Weights


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
        self.native: Any = None
        if len(self.intercept) < 1:
            raise ValueError("no scores")
        if native.kernel:
            places = (file.kept_blocks, self._start, self._stop)
            self.native = native.kernel.Weights(file.load_block, *places, self.intercept)

    @cached_property
    def weights(self) -> Weights:
        """What Python reads, where the kernel does not do it."""
        from serving.app.engines.frozen.weights import Weights  # noqa: PLC0415 - see there

        return Weights(self._file, self._start, self._stop, self.intercept)

    def __call__(self, features: Features) -> list[float]:
        columns, values = features.columns, features.values
        if self.threshold is not None:
            over = [value > self.threshold for value in values]
            columns, values = list(compress(columns, over)), [1.0] * sum(over)
        scores: list[float] = (self.native or self.weights).score(columns, values)
        self.check_finite(scores)
        return scores

    def check_finite(self, scores: list[float]) -> None:
        """Refuse scores of numbers that are not finite, as scikit-learn does.

        Raises:
            ValueError: They are such.
        """
        if scores[0] != scores[0]:  # NaN
            raise ValueError("a number is not finite")

    def weigh(self, features: Features, label: int) -> list[tuple[int, float]] | None:
        """The columns that are not zero with their weights for a label; None if it has none."""
        if self._explain is None:
            return None
        return [
            (column, value * self._weigh(column, label))
            for column, value in zip(features.columns, features.values, strict=True)
        ]

    def _weigh(self, column: int, label: int) -> float:
        weights = self.weights.read_row(column)
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
        else:
            self.weights.read_all()

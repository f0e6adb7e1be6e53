"""Features to label and probabilities, as scikit-learn's classifiers do it.

Sums run in the order of scikit-learn's own source, so decision scores are its own to the last
bit, and labels with them; probabilities differ by what a rounding of exp() may.
"""

from __future__ import annotations

from functools import partial, reduce
from itertools import compress
from math import exp, log, log1p
from operator import add

from serving.app.engines.frozen.memo import Memo

Outcome = tuple[int, "list[float] | None"]  # a label's number, a probability a label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile
    from serving.app.engines.frozen.ops.vectorize import Features


CACHED_WEIGHTS = 80_000  # about 3 MB; what falls out is read again from a block that is kept
F64 = 8
TEN = 10  # scores at a time: as many as __call__ has sums


class Linear:
    """Features to scores: the decision function, or naive Bayes' joint log-likelihood.

    Settings: `intercept`, a number a score; `threshold`, over which a value counts as 1 and else
    as 0 (BernoulliNB), or null; `models`, of how many classifiers the scores are, one after the
    other; `explain`, "weights", "centred" (on their mean over the labels) or null. Section:

    - weights: f64 a score, column by column.

    Attributes:
        intercept, threshold, models: The settings.
    """

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

    def __call__(self, features: Features) -> list[float]:
        columns, values = features.columns, features.values
        if self.threshold is not None:
            over = [value > self.threshold for value in values]
            columns, values = list(compress(columns, over)), [1.0] * sum(over)
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

    def explain(
        self, features: Features, names: dict[int, str], label: int
    ) -> list[tuple[str, float]] | None:
        """The terms with their weights for a label, heaviest first; see `Engine.explain`."""
        if self._explain is None:
            return None
        weighed = [
            (names[column], value * self._weigh(column, label))
            for column, value in zip(features.columns, features.values, strict=True)
        ]
        return sorted(weighed, key=lambda pair: -pair[1])

    def _weigh(self, column: int, label: int) -> float:
        weights = self._read_row(column)
        scores = len(weights) // self.models
        if scores == 1:  # the second label's
            return float(sum(weights) if label else -sum(weights)) / self.models
        weight: float = sum(weights[label::scores]) / self.models
        return weight - sum(weights) / len(weights) if self._explain == "centred" else weight

    def check(self, labels: int) -> None:
        """Refuse what would answer with labels that there are not.

        Raises:
            ValueError: The scores are not one a label, nor the one of two labels.
        """
        scores, rest = divmod(len(self.intercept), self.models)
        if rest or (scores != labels and (scores, labels) != (1, 2)):
            raise ValueError(f"{scores} scores for {labels} labels")

    def read_all(self) -> memoryview:
        """Read the weights whole: for many texts that is quicker than column by column."""
        if self._weights is None:
            self._weights = self._file.read_whole(self._start, self._stop)
        return self._weights

    def _read_row(self, column: int) -> list[float]:
        start = column * self._bytes
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


class Classify:
    """Scores to a label and, where the classifier offers them, probabilities.

    Settings: `link`, a name of `LINKS`, or null.
    """

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._link = LINKS[op["link"]] if op["link"] else None

    def __call__(self, scores: list[float]) -> Outcome:
        label = int(scores[0] > 0) if len(scores) == 1 else scores.index(max(scores))
        return label, self._link(scores) if self._link else None


class Calibrate:
    """Scores to a label and probabilities: CalibratedClassifierCV by sigmoids.

    Settings: `slopes` and `intercepts` of the sigmoids, a list a classifier, a number a score.

    Attributes:
        sigmoids: Slope and intercept of each score, a list a classifier.
    """

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self.sigmoids = [
            list(zip(slopes, intercepts, strict=True))
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
        found = [expit(-(a * score + b)) for (a, b), score in zip(sigmoids, scores, strict=True)]
        return share(found) if len(found) > 1 else [1.0 - found[0], found[0]]


def expit(x: float) -> float:
    """The logistic function."""
    try:
        return 1.0 / (1.0 + exp(-x))
    except OverflowError:  # of exp, which in C is infinite
        return 0.0


def add_up(values: list[Any]) -> Any:
    """The sum in numpy's order, which decides between labels that all but tie.

    That is pairwise_sum in numpy's loops_utils.h.src. What is added can be arrays, too.
    """
    count = len(values)
    if count > 128:  # noqa: PLR2004
        half = count // 2 - count // 2 % 8
        return add_up(values[:half]) + add_up(values[half:])
    total, rest = 0.0, values
    if count >= 8:  # noqa: PLR2004
        sums = values[:8]
        for start in range(8, count - 7, 8):
            sums = [one + value for one, value in zip(sums, values[start:], strict=False)]
        a, b, c, d, e, f, g, h = sums
        total, rest = ((a + b) + (c + d)) + ((e + f) + (g + h)), values[count - count % 8 :]
    for value in rest:  # not sum(): it compensates
        total += value
    return total


def share(found: list[float]) -> list[float]:
    """Each number's share of their sum; the same for each where all are zero."""
    total = add_up(found)
    return [one / total for one in found] if total else [1 / len(found)] * len(found)


def _softmax(scores: list[float]) -> list[float]:
    top = max(scores)
    return share([exp(score - top) for score in scores])


def _logistic(scores: list[float]) -> list[float]:
    probability = expit(scores[0])
    return [1 - probability, probability]


def _one_vs_rest(scores: list[float]) -> list[float]:
    """LinearClassifierMixin's: uniform where all are zero."""
    return share(list(map(expit, scores)))


def _one_vs_rest_classifier(scores: list[float]) -> list[float]:
    """OneVsRestClassifier's: zeros where all are zero."""
    found = list(map(expit, scores))
    return share(found) if any(found) else found


def _modified_huber(scores: list[float]) -> list[float]:
    found = [(min(max(score, -1.0), 1.0) + 1.0) / 2.0 for score in scores]
    return share(found) if len(found) > 1 else [1 - found[0], found[0]]


def _bayes(scores: list[float]) -> list[float]:
    """Joint log-likelihoods to probabilities, by scikit-learn's own log-sum-exp."""
    top = max(scores)
    rest = sum(exp(score - top) for score in scores if score != top)
    ties = scores.count(top)
    total = log1p(rest / ties) + log(ties) + top
    return [exp(score - total) for score in scores]


LINKS = {
    "softmax": _softmax,
    "logistic": _logistic,
    "one_vs_rest": _one_vs_rest,
    "one_vs_rest_classifier": _one_vs_rest_classifier,
    "modified_huber": _modified_huber,
    "bayes": _bayes,
}

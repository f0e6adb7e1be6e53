"""Rows held against other rows: support vector machines, kernel ridges, maps by kernels."""

from __future__ import annotations

from functools import cached_property
from itertools import accumulate, pairwise
from math import cos, dist, exp, sumprod, tanh

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile
    from serving.app.engines.frozen.ops.classify import Outcome

F64 = 8
MAX_LABELS = 1000  # half a million pairs
MAX_ROUNDS = 100  # of libsvm's coupling, or one a label if those are more
MIN_PROBABILITY = 1e-7
NEAR = 0.005


class Kernels:
    """The kernel of a row and of each of many vectors.

    scikit-learn leaves these sums to BLAS. None of its orders is followed: dist() and sumprod()
    round about once, and are the quickest that Python has.

    Settings: `kernel`, a name of `KERNELS`; `gamma`, `coef0`, `degree`, of it; `inputs`, numbers a
    vector. Section vectors: f64, vector by vector.
    """

    takes, gives = "values", "values"

    def __init__(self, file: FrozenFile, op: dict[str, Any]) -> None:
        self._file = file
        self._function = KERNELS[op["kernel"]]
        self._inputs: int = op["inputs"]
        self._places: list[int] = op["sections"]["vectors"]
        self.gamma: float = op["gamma"]
        self.coef0: float = op["coef0"]
        self.degree: int = op["degree"]
        if self._inputs < 1 or (self._places[1] - self._places[0]) % (self._inputs * F64):
            raise ValueError("vectors of another shape")

    def __call__(self, row: list[float]) -> list[float]:
        if len(row) != self._inputs:
            raise ValueError("a row of another width")
        return self._function(self, tuple(row))

    @cached_property
    def vectors(self) -> list[tuple[float, ...]]:
        """As tuples, of which dist() makes nothing else first."""
        numbers: Any = self._file.read_whole(*self._places).cast("d")
        width = self._inputs
        return [tuple(numbers[at : at + width]) for at in range(0, len(numbers), width)]


def _rbf(op: Kernels, row: tuple[float, ...]) -> list[float]:
    slope = -op.gamma
    return [exp(slope * (far := dist(row, vector)) * far) for vector in op.vectors]


def _linear(op: Kernels, row: tuple[float, ...]) -> list[float]:
    return [sumprod(row, vector) for vector in op.vectors]


def _poly(op: Kernels, row: tuple[float, ...]) -> list[float]:
    gamma, coef0, degree = op.gamma, op.coef0, op.degree
    return [raise_to(gamma * sumprod(row, vector) + coef0, degree) for vector in op.vectors]


def _sigmoid(op: Kernels, row: tuple[float, ...]) -> list[float]:
    gamma, coef0 = op.gamma, op.coef0
    return [tanh(gamma * sumprod(row, vector) + coef0) for vector in op.vectors]


KERNELS: dict[str, Callable[[Kernels, tuple[float, ...]], list[float]]] = {
    "linear": _linear,
    "poly": _poly,
    "rbf": _rbf,
    "sigmoid": _sigmoid,
}


def raise_to(base: float, times: int) -> float:
    """A power as libsvm's powi() has it: infinite where Python's own would refuse."""
    power = 1.0
    while times > 0:
        if times % 2:
            power *= base
        base *= base
        times //= 2
    return power


class Pairs:
    """Kernels to the decisions between each two labels: svm_predict_values of libsvm.

    Settings: `counts`, of support vectors a label; `intercept`, a number a pair. Section
    coefficients: f64 a vector, for each label but one, as libsvm's sv_coef.
    """

    takes, gives = "values", "values"

    def __init__(self, file: FrozenFile, op: dict[str, Any]) -> None:
        self._file = file
        self._intercept: list[float] = op["intercept"]
        self._sections: list[int] = op["sections"]["coefficients"]
        counts: list[int] = op["counts"]
        self._total = sum(counts)
        labels = len(counts)
        start, stop = self._sections
        if stop - start != (labels - 1) * self._total * F64 or min(counts) < 0:
            raise ValueError("coefficients of another shape")
        if len(self._intercept) != labels * (labels - 1) // 2:
            raise ValueError(f"{len(self._intercept)} intercepts of {labels} labels")
        ends = list(accumulate(counts, initial=0))
        self._blocks = [slice(*places) for places in pairwise(ends)]

    def __call__(self, row: list[float]) -> list[float]:
        if len(row) != self._total:
            raise ValueError("a row of another width")
        blocks = [row[block] for block in self._blocks]
        return [
            sumprod(coefficients, blocks[one] + blocks[other]) + bias
            for (one, other, coefficients), bias in zip(self._pairs, self._intercept, strict=True)
        ]

    @cached_property
    def _pairs(self) -> list[tuple[int, int, list[float]]]:
        """Of each pair its labels, and the coefficients of the vectors of both."""
        numbers: Any = self._file.read_whole(*self._sections).cast("d")
        rows = [
            numbers[label * self._total : (label + 1) * self._total].tolist()
            for label in range(len(self._blocks) - 1)
        ]
        return [
            (one, other, rows[other - 1][self._blocks[one]] + rows[one][self._blocks[other]])
            for one, other in list_pairs(len(self._blocks))
        ]


def list_pairs(labels: int) -> list[tuple[int, int]]:
    """Each two labels, in libsvm's order.

    Raises:
        ValueError: There are too many labels.
    """
    if labels > MAX_LABELS:
        raise ValueError(f"pairs of {labels} labels")
    return [(one, other) for one in range(labels) for other in range(one + 1, labels)]


class Votes:
    """Decisions between each two labels to the label that wins most: the first, if two do.

    Settings: `labels`, how many; `slopes` and `intercepts`, of the sigmoid of each pair, or null.
    The one decision between two labels has scikit-learn's sign, which is not libsvm's.

    Attributes:
        labels: The setting.
    """

    takes, gives = "values", "outcome"

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self.labels: int = op["labels"]
        self._pairs = list_pairs(self.labels)
        self._sigmoids: list[tuple[float, float]] | None = None
        if self.labels < 2:  # noqa: PLR2004
            raise ValueError("fewer than two labels")
        if op["slopes"] is not None:
            self._sigmoids = list(zip(op["slopes"], op["intercepts"], strict=True))
            if len(self._sigmoids) != len(self._pairs):
                raise ValueError("sigmoids of other pairs")

    def __call__(self, scores: list[float]) -> Outcome:
        if self.labels == 2:  # noqa: PLR2004
            scores = [-score for score in scores]
        votes = [0] * self.labels
        for (one, other), score in zip(self._pairs, scores, strict=True):
            votes[one if score > 0 else other] += 1
        label = votes.index(max(votes))
        return label, self._couple(scores, self._sigmoids) if self._sigmoids else None

    def _couple(self, scores: list[float], sigmoids: list[tuple[float, float]]) -> list[float]:
        """Probabilities of all labels of those of pairs: svm_predict_probability."""
        beats = [[0.0] * self.labels for _ in range(self.labels)]
        for (one, other), score, (slope, bias) in zip(self._pairs, scores, sigmoids, strict=True):
            found = _sigmoid_predict(score * slope + bias)
            found = min(max(found, MIN_PROBABILITY), 1 - MIN_PROBABILITY)
            beats[one][other], beats[other][one] = found, 1 - found
        return couple(beats)


def _sigmoid_predict(power: float) -> float:
    if power >= 0:
        return exp(-power) / (1.0 + exp(-power))
    return 1.0 / (1 + exp(power))


def couple(beats: list[list[float]]) -> list[float]:
    """multiclass_probability of libsvm's svm.cpp, operation by operation.

    It ends when it is near enough, not when it is there, so that each round counts.

    Args:
        beats: How likely each label is, if it is that or another one.
    """
    labels = range(len(beats))
    # In the order of libsvm's sum: the labels before this one, then those after it.
    squares = [
        [
            -beats[other][one] * beats[one][other] if other != one else _add_squares(beats, one)
            for other in labels
        ]
        for one in labels
    ]
    found = [1.0 / len(beats)] * len(beats)
    for _ in range(max(MAX_ROUNDS, len(beats))):
        steps = [_add(map(float.__mul__, row, found)) for row in squares]
        total = _add(map(float.__mul__, found, steps))
        if max(abs(step - total) for step in steps) < NEAR / len(beats):
            break
        _go_round(squares, found, steps, total)
    return found


def _go_round(
    squares: list[list[float]], found: list[float], steps: list[float], total: float
) -> None:
    for one, row in enumerate(squares):
        move = (-steps[one] + total) / row[one]
        found[one] += move
        total = (total + move * (move * row[one] + 2 * steps[one])) / (1 + move) / (1 + move)
        for other, square in enumerate(row):
            steps[other] = (steps[other] + move * square) / (1 + move)
            found[other] /= 1 + move


def _add_squares(beats: list[list[float]], one: int) -> float:
    return _add(row[one] * row[one] for other, row in enumerate(beats) if other != one)


def _add(values: Any) -> float:
    """Their sum, one after the other; sum() would compensate."""
    total = 0.0
    for value in values:
        total += value
    return total


class Cosine:
    """The cosine of each value, times a factor: RBFSampler. Settings: `factor`."""

    takes, gives = "values", "values"

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._factor: float = op["factor"]

    def __call__(self, row: list[float]) -> list[float]:
        factor = self._factor
        return [cos(value) * factor for value in row]

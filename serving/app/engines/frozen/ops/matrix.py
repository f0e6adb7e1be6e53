"""Dense rows times a matrix: linear models, layers of networks, projections."""

from __future__ import annotations

from functools import cached_property
from math import exp, sumprod, tanh

from serving.app import native
from serving.app.engines.frozen.file import BLOCK
from serving.app.engines.frozen.memo import Memo
from serving.app.engines.frozen.rows import check_scores

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import ModuleType
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile

F64 = 8
# From so many zeros on, for each value that is none, it pays to leave them out.
SPARSE = 2
SMALL = 2**18  # bytes
FEW = 16  # values: leaving some out takes longer


class Matrix:
    """A row times a matrix, plus an intercept.

    scikit-learn leaves these sums to BLAS, whose order depends on the processor and on the number
    of rows; so none is followed here: math.sumprod nearly always rounds the exact sum once.

    Settings: `intercept`, a number a row of the matrix; `inputs`, numbers a row; `models`, of how
    many classifiers the scores are, one after the other. Sections:

    - weights: f64, column by column: of a row that is mostly zeros, as a picture's is, only the
      columns are read that it takes;
    - coefficients, of a linear model that is explained: of each label f64 a column.

    Attributes:
        native: The kernel's matrix; None without.
    """

    takes, gives = "values", "values"

    def __init__(self, file: FrozenFile, op: dict[str, Any]) -> None:
        self._file = file
        self._intercept: list[float] = op["intercept"]
        self._inputs: int = op["inputs"]
        self._models: int = op["models"]
        self._weights: list[int] = op["sections"]["weights"]
        self._coefficients = op["sections"].get("coefficients")
        self._columns = Memo(self._read_column, self._inputs)
        start, stop = self._weights
        if not self._intercept or stop - start != len(self._intercept) * self._inputs * F64:
            raise ValueError("weights of another shape")
        self.native = native.kernel and self._make_native(native.kernel)

    def __call__(self, row: list[float]) -> list[float]:
        if len(row) != self._inputs:
            raise ValueError("a row of another width")
        if self.native and (sums := self.native.score(row)) is not None:
            return sums  # type: ignore[no-any-return]
        rows: Iterable[Sequence[float]]
        if len(row) > FEW and row.count(0.0) * SPARSE > len(row):
            kept = [place for place, value in enumerate(row) if value]
            if not kept:
                return list(self._intercept)
            rows = zip(*map(self._columns.__getitem__, kept), strict=True)
            row = [row[place] for place in kept]
        else:
            rows = self._rows
        return [
            sumprod(row, weights) + bias
            for weights, bias in zip(rows, self._intercept, strict=True)
        ]

    def _make_native(self, kernel: ModuleType) -> Any:
        try:
            return kernel.Matrix(self._read_block, self._inputs, self._intercept)
        except NotImplementedError:  # the processor is too old for it
            return None

    def check(self, labels: int) -> None:
        """Refuse what would answer with labels that there are not.

        Raises:
            ValueError: The scores are not one a label, nor the one of two labels.
        """
        check_scores(len(self._intercept), self._models, labels)

    def weigh(self, row: list[float], label: int) -> list[tuple[int, float]] | None:
        """Each column with its weight for a label; None where it has none."""
        if self._coefficients is None:
            return None
        start = self._coefficients[0] + label * self._inputs * F64
        weights = memoryview(self._file.read(start, start + self._inputs * F64)).cast("d")
        return [
            (column, value * weight)
            for column, (value, weight) in enumerate(zip(row, weights, strict=True))
        ]

    @cached_property
    def _rows(self) -> list[list[float]]:
        start, stop = self._weights
        # What is read whole drops the blocks that another matrix reads column by column.
        few = stop - start <= SMALL
        read: Any = self._file.read if few else self._file.read_whole
        weights: Any = memoryview(read(start, stop)).cast("d")
        outputs = len(self._intercept)
        return [weights[output::outputs].tolist() for output in range(outputs)]

    def _read_block(self, place: int) -> bytes:
        """The weights of an input, and of those after it in the blocks that are read for it."""
        size = len(self._intercept) * F64
        start = self._weights[0] + place * size
        end = min(self._weights[1], -(-(start + size) // BLOCK) * BLOCK)
        return self._file.read(start, end - (end - start) % size)

    def _read_column(self, place: int) -> list[float]:
        size = len(self._intercept) * F64
        start = self._weights[0] + place * size
        weights: Any = memoryview(self._file.read(start, start + size)).cast("d")
        return weights.tolist()  # type: ignore[no-any-return]


class Activate:
    """A function of each value, between the layers of a network.

    Settings: `function`, "relu", "tanh" or "logistic".

    Attributes:
        name: The function's.
    """

    takes, gives = "values", "values"

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self.name: str = op["function"]
        self._function: Callable[[list[float]], list[float]] = ACTIVATIONS[self.name]

    def __call__(self, row: list[float]) -> list[float]:
        return self._function(row)


def _keep_positive(row: list[float]) -> list[float]:
    return [value if value > 0.0 else 0.0 for value in row]  # noqa: FURB136 - max() is slower


def _squash(row: list[float]) -> list[float]:
    # Either way round no exponential is too large.
    return [
        1.0 / (1.0 + exp(-value)) if value >= 0 else (power := exp(value)) / (1.0 + power)
        for value in row
    ]


def _bend(row: list[float]) -> list[float]:
    return list(map(tanh, row))


ACTIVATIONS = {
    "logistic": _squash,
    "relu": _keep_positive,
    "tanh": _bend,
}

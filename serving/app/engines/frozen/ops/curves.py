"""Columns bent by curves: QuantileTransformer, SplineTransformer."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from math import inf, isfinite
from operator import mul

from serving.app.engines.frozen.rows import check_width

try:  # the module statistics takes 8 ms to import, and has this from there
    from _statistics import _normal_dist_inv_cdf  # type: ignore[import-not-found]
except ImportError:  # pragma: no cover - of another Python than CPython
    from statistics import _normal_dist_inv_cdf  # type: ignore[attr-defined]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile

F64 = 8
NEAR = 1e-7  # scikit-learn's BOUNDS_THRESHOLD
MAX_DEGREE = 100  # of splines: what they take rises with its square
Curve = tuple[list[float], list[float]]  # places, ascending, and values


class Columns:
    """What reads f64 a column, of as many columns as there are."""

    takes, gives = "values", "values"

    def __init__(self, file: FrozenFile, op: dict[str, Any]) -> None:
        self._file = file
        self._inputs: int = op["inputs"]
        self._sections: dict[str, list[int]] = op["sections"]

    def _read(self, name: str) -> list[list[float]]:
        """A section's numbers, a list a column.

        Raises:
            ValueError: They are not as many for each.
        """
        numbers: Any = memoryview(self._file.read(*self._sections[name])).cast("d")
        width, rest = divmod(len(numbers), self._inputs)
        if rest:
            raise ValueError("a section of another shape")
        return [numbers[at * width : (at + 1) * width].tolist() for at in range(self._inputs)]

    def _check(self, row: list[float]) -> None:
        if len(row) != self._inputs:
            raise ValueError("a row of another width")


class Quantiles(Columns):
    """Which share of the training values is below each value: QuantileTransformer.

    Settings: `inputs`, how many columns; `normal`, lowest and highest value of a normal
    distribution, whose quantile the share is then made to, or null. Sections: quantiles, f64
    column by column, and references, f64 once: the shares that they are of.
    """

    def __init__(self, file: FrozenFile, op: dict[str, Any]) -> None:
        super().__init__(file, op)
        self._normal: list[float] | None = op["normal"]

    def __call__(self, row: list[float]) -> list[float]:
        self._check(row)
        found = list(map(self._place, row, self._curves))
        if self._normal is None:
            return found
        low, high = self._normal
        return [min(max(invert_normal(share), low), high) for share in found]

    @cached_property
    def _curves(self) -> list[tuple[Curve, Curve]]:
        """Of each column the curve, and the same from behind, which counts where values repeat."""
        shares: Any = memoryview(self._file.read(*self._sections["references"])).cast("d").tolist()
        back = [-share for share in reversed(shares)]
        found = []
        for places in self._read("quantiles"):
            if len(places) != len(shares) or not shares:
                raise ValueError("quantiles of another number")
            found.append(((places, shares), ([-one for one in reversed(places)], back)))
        return found

    def _place(self, value: float, curves: tuple[Curve, Curve]) -> float:
        """Operation by operation as _transform_col has it; NaN is NaN."""
        forth, back = curves
        low, high = forth[0][0], forth[0][-1]
        margin = 0.0 if self._normal is None else NEAR
        if value == low if self._normal is None else value - margin < low:
            return 0.0
        if value == high if self._normal is None else value + margin > high:
            return 1.0
        return 0.5 * (interpolate(value, *forth) - interpolate(-value, *back))


def interpolate(x: float, places: list[float], values: list[float]) -> float:
    """A value on the line through points, operation by operation as numpy.interp has it."""
    if x != x:  # noqa: PLR0124 - NaN
        return x
    place = bisect_right(places, x) - 1
    if place < 0:
        return values[0]
    if place >= len(places) - 1:
        return values[-1]
    left, low = places[place], values[place]
    if x == left:
        return low
    right, high = places[place + 1], values[place + 1]
    slope = (high - low) / (right - left)
    found = slope * (x - left) + low
    return found if found == found else slope * (x - right) + high  # noqa: PLR0124 - NaN


def invert_normal(share: float) -> float:
    """The normal distribution's quantile of a share; NaN is NaN.

    By M. J. Wichura's algorithm (AS 241, 1988), which the standard library has; scipy has Cephes'.
    Both are exact but for the last bits.
    """
    if 0.0 < share < 1.0:
        return _normal_dist_inv_cdf(share, 0.0, 1.0)  # type: ignore[no-any-return]
    return share if share != share else (-inf if share <= 0.0 else inf)  # noqa: PLR0124 - NaN


class Splines(Columns):
    """Each column to a basis of splines: SplineTransformer.

    Settings: `inputs`, how many columns; `degree`; `splines`, how many functions a column has;
    `kept`, how many of them are given; `beyond`, what is done outside of the knots: "error",
    "constant", "linear", "continue" or "periodic"; `missing`, whether NaN becomes zeros; `reach`,
    of each column how many functions are continued outside. Sections, f64 column by column:

    - knots, ascending;
    - ends: lowest and highest value that is within;
    - outside: values of all functions at both ends, and their slopes there.
    """

    def __init__(self, file: FrozenFile, op: dict[str, Any]) -> None:
        super().__init__(file, op)
        self._degree: int = op["degree"]
        self._splines: int = op["splines"]
        self._kept: int = op["kept"]
        self._beyond: str = op["beyond"]
        self._missing: bool = op["missing"]
        self._reach: list[int] = op["reach"]
        check_width(self._inputs * self._splines)
        if not (0 <= self._degree <= MAX_DEGREE and 0 <= self._kept <= self._splines):
            raise ValueError("splines of another shape")
        if self._beyond not in ("error", "constant", "linear", "continue", "periodic"):
            raise ValueError("values outside of the knots of another shape")

    def __call__(self, row: list[float]) -> list[float]:
        self._check(row)
        found: list[float] = []
        for column, value in enumerate(row):
            found += self._bend(column, value)[: self._kept]
        return found

    @cached_property
    def _knots(self) -> list[list[float]]:
        found = self._read("knots")
        if len(found[0]) < 2 * (self._degree + 1):
            raise ValueError("knots of another number")
        return found

    @cached_property
    def _ends(self) -> list[list[float]]:
        return self._read("ends")

    @cached_property
    def _outside(self) -> list[list[list[float]]]:
        count = self._splines
        return [
            [one[at : at + count] for at in range(0, 4 * count, count)]
            for one in self._read("outside")
        ]

    def _bend(self, column: int, value: float) -> list[float]:
        if value != value and self._missing:  # noqa: PLR0124 - NaN
            return [0.0] * self._splines
        low, high = self._ends[column]
        if self._beyond == "periodic":
            value = low + (value - low) % (high - low) if high > low else 0.0
        elif self._beyond != "continue" and not low <= value <= high:
            return self._continue(column, value, low, high)
        return self._evaluate(self._knots[column], value)

    def _continue(self, column: int, value: float, low: float, high: float) -> list[float]:
        """What is said of a value outside: what is at the end, or a line from there.

        Raises:
            ValueError: Nothing is.
        """
        if self._beyond == "error":
            raise ValueError("a value beyond the limits of the knots")
        below, above, falls, rises = self._outside[column]
        reach, found = self._reach[column], [0.0] * self._splines
        values, slopes, end = (below, falls, low) if value < low else (above, rises, high)
        first = 0 if value < low else self._splines - reach
        for place in range(first, first + reach):
            found[place] = values[place]
            if self._beyond == "linear":
                found[place] += (value - end) * slopes[place]
        return found

    def _evaluate(self, knots: list[float], x: float) -> list[float]:
        """All functions at a value, as scipy's BSpline has them of coefficients that are 1 or 0."""
        degree, count = self._degree, len(knots) - self._degree - 1
        interval = bisect_right(knots, x, degree + 1, count) - 1
        parts = _evaluate_basis(knots, x, degree, interval)
        found = [0.0] * self._splines
        first = interval - degree
        if not all(map(isfinite, parts)):  # what is not finite is, times 0, no number
            for place in range(self._splines):
                ones = [
                    float((first + number) % self._splines == place) for number in range(degree + 1)
                ]
                for product in map(mul, ones, parts):
                    found[place] += product
            return found
        for number, part in enumerate(parts):
            found[(first + number) % self._splines] += part
        return found


def _evaluate_basis(knots: list[float], x: float, degree: int, interval: int) -> list[float]:
    """The functions that are not zero in an interval, by de Boor's recursion, as scipy has it."""
    found = [1.0]
    for order in range(1, degree + 1):
        before, found = found, [0.0]
        for place in range(order):
            right = knots[interval + 1 + place]
            left = knots[interval + 1 + place - order]
            if right == left:
                found.append(0.0)
                continue
            share = before[place] / (right - left)
            found[-1] += share * (right - x)
            found.append(share * (x - left))
    return found

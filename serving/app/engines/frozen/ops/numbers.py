"""Numbers to numbers, as scikit-learn's preprocessing does it, operation by operation."""

from __future__ import annotations

import math
from bisect import bisect_right
from math import inf, nan
from operator import add, mul, sub, truediv

from serving.app.engines.frozen.ops.fill import Op
from serving.app.engines.frozen.rows import Features, read_doubles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile

EPSILON = 2.220446049250313e-16
TINY = 1e-19  # scipy.special.boxcox takes a smaller lambda for zero
ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "add": add,
    "divide": truediv,
    "multiply": mul,
    "subtract": sub,
}


class Scale(Op):
    """Each column added to, multiplied and so on: the scalers.

    Settings: `steps`, names of `ARITHMETIC` one after the other; `clip`, lowest and highest value,
    or null. Sections, by their numbers as names: f64 a column, of each step.
    """

    def __init__(self, file: FrozenFile, op: dict[str, Any]) -> None:
        self._steps = [
            (ARITHMETIC[name], read_doubles(file, op["sections"][str(number)]))
            for number, name in enumerate(op["steps"])
        ]
        self._clip: list[float] | None = op["clip"]

    def __call__(self, row: list[float]) -> list[float]:
        for operate, operands in self._steps:
            if len(row) != len(operands):
                raise ValueError("a row of another width")
            row = list(map(operate, row, operands))
        if self._clip is None:
            return row
        low, high = self._clip
        return [low if value < low else min(high, value) for value in row]


class Stretch:
    """As `Scale`, of a sparse row: each value multiplied. Section factors: f64 a column."""

    takes, gives = "features", "features"

    def __init__(self, file: FrozenFile, op: dict[str, Any]) -> None:
        self._factors = read_doubles(file, op["sections"]["factors"])

    def __call__(self, row: Features) -> Features:
        factors = self._factors
        values = [
            value * factors[column] for column, value in zip(row.columns, row.values, strict=True)
        ]
        return Features(row.columns, values, row.terms, row.unknown_terms)


class Power(Op):
    """Powers that make columns normal: PowerTransformer before it scales.

    Settings: `method`, "yeo-johnson" or "box-cox". Section lambdas: f64 a column.
    """

    def __init__(self, file: FrozenFile, op: dict[str, Any]) -> None:
        self._lambdas = read_doubles(file, op["sections"]["lambdas"])
        self._function = {"yeo-johnson": yeo_johnson, "box-cox": box_cox}[op["method"]]

    def __call__(self, row: list[float]) -> list[float]:
        return list(map(self._function, row, self._lambdas))


def yeo_johnson(x: float, power: float) -> float:
    """As scipy.stats.yeojohnson has it; NaN is NaN."""
    try:
        if x >= 0:
            if abs(power) < EPSILON:
                return math.log1p(x)
            return math.expm1(power * math.log1p(x)) / power
        if x < 0:
            if abs(power - 2) > EPSILON:
                return -math.expm1((2 - power) * math.log1p(-x)) / (2 - power)
            return -math.log1p(-x)
    except OverflowError:
        return inf if x >= 0 else -inf
    return x


def box_cox(x: float, power: float) -> float:
    """As scipy.special.boxcox has it; NaN is NaN.

    Raises:
        ValueError: The number is not positive.
    """
    if x != x:  # noqa: PLR0124 - NaN
        return x
    if x <= 0:
        raise ValueError("Box-Cox takes positive numbers alone")
    if abs(power) < TINY:
        return math.log(x)
    try:
        return math.expm1(power * math.log(x)) / power
    except OverflowError:
        return inf


class Bins:
    """In which bin each value is: KBinsDiscretizer.

    Settings: `edges`, of each column, without the outer ones; `encode`, "ordinal", "onehot" or
    "onehot-dense".
    """

    takes = "values"

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._edges: list[list[float]] = op["edges"]
        self._encode: str = op["encode"]
        self.gives = "features" if self._encode == "onehot" else "values"
        self._starts = [0]
        for edges in self._edges:
            self._starts.append(self._starts[-1] + len(edges) + 1)

    def __call__(self, row: list[float]) -> Any:
        bins = list(map(bisect_right, self._edges, row))
        if self._encode == "ordinal":
            return list(map(float, bins))
        places = list(map(add, self._starts, bins))
        if self._encode == "onehot":
            return Features(places, [1.0] * len(places))
        found = [0.0] * self._starts[-1]
        for place in places:
            found[place] = 1.0
        return found


class Products(Op):
    """Products of columns: PolynomialFeatures. Settings: `factors`, columns of each product."""

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._factors: list[list[int]] = op["factors"]

    def __call__(self, row: list[float]) -> list[float]:
        found = []
        for factors in self._factors:
            product = 1.0  # of whole numbers each product would have twice the digits
            for column in factors:
                product *= row[column]
            found.append(product)
        return found


class Choose(Op):
    """Some of the columns. Settings: `columns`."""

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._columns: list[int] = op["columns"]

    def __call__(self, row: list[Any]) -> list[Any]:
        return [row[column] for column in self._columns]


class ChooseSparse:
    """Some of the columns of a sparse row. Section columns: u32 each, in their order."""

    takes, gives = "features", "features"

    def __init__(self, file: FrozenFile, op: dict[str, Any]) -> None:
        columns = memoryview(file.read(*op["sections"]["columns"])).cast("I")
        self._places = {column: place for place, column in enumerate(columns)}

    def __call__(self, row: Features) -> Features:
        places = self._places
        pairs = [
            (places[column], value)
            for column, value in zip(row.columns, row.values, strict=True)
            if column in places
        ]
        columns, values = [place for place, _ in pairs], [value for _, value in pairs]
        return Features(columns, values, row.terms, row.unknown_terms)


class Binarize(Op):
    """1 over a threshold, and else 0. Settings: `threshold`."""

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._threshold: float = op["threshold"]

    def __call__(self, row: list[float]) -> list[float]:
        return [1.0 if value > self._threshold else 0.0 for value in row]


class Function(Op):
    """One of numpy's functions of each value. Settings: `name`, one of `FUNCTIONS`."""

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._function = FUNCTIONS[op["name"]]

    def __call__(self, row: Sequence[float]) -> list[float]:
        return list(map(self._function, row))


def follow_numpy(function: Callable[[float], float], pole: float = nan) -> Callable[[float], float]:
    """A function of the module math that gives infinity and NaN where numpy does.

    Args:
        function: Of a number.
        pole: Where it is minus infinity.
    """

    def follow(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return inf
        except ValueError:
            return -inf if x == pole else nan

    return follow


FUNCTIONS: dict[str, Callable[[float], float]] = {
    "absolute": abs,
    "exp": follow_numpy(math.exp),
    "expm1": follow_numpy(math.expm1),
    "log": follow_numpy(math.log, 0),
    "log10": follow_numpy(math.log10, 0),
    "log1p": follow_numpy(math.log1p, -1),
    "log2": follow_numpy(math.log2, 0),
    "sqrt": follow_numpy(math.sqrt),
    "square": lambda x: x * float(x),
}

"""Numbers that are missing or not finite: filled, or refused, as scikit-learn does it."""

from __future__ import annotations

from math import isfinite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile


class Op:
    """An op from values to values."""

    takes, gives = "values", "values"


class Finite(Op):
    """The row as it is, if scikit-learn takes it. Settings: `nan`, whether NaN is taken.

    Raises:
        ValueError: It has infinity, or NaN; see sklearn.utils.assert_all_finite.
    """

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._nan: bool = op["nan"]

    def __call__(self, row: list[float]) -> list[float]:
        if not isfinite(sum(row)):
            for value in row:
                if not isfinite(value) and not (self._nan and value != value):  # noqa: PLR0124
                    raise ValueError("a number is not finite")
        return row


class Impute(Op):
    """Missing values filled, and columns that say where they were: SimpleImputer.

    Settings: `keep`, the columns that are kept; `fill`, what each one's missing values become;
    `marks`, the columns of which a further one is 1 where the value was missing and else 0.
    """

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._kept = list(zip(op["keep"], op["fill"], strict=True))
        self._marks: list[int] = op["marks"]

    def __call__(self, row: list[Any]) -> list[Any]:
        # Only NaN is not itself.
        filled = [
            fill if (value := row[column]) is None or value != value else value  # noqa: PLR0124
            for column, fill in self._kept
        ]
        for column in self._marks:
            value = row[column]
            filled.append(1.0 if value is None or value != value else 0.0)  # noqa: PLR0124
        return filled

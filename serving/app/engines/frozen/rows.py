"""What ops hand on of one input.

Besides a text, and a plain list of values, that is a sparse row.
"""

from __future__ import annotations

from math import sqrt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile


# No row has more values, nor an op more of anything that a number in the header asks for: of a file
# that somebody forged it is the one bound.
MAX_WIDTH = 2**20


class Features:
    """A sparse row: its values that are not zero, in the order of their columns.

    Attributes:
        columns, values: Of each.
        terms: How many terms the text has, repeats included; of what is no text 0.
        unknown_terms: How many of them the vocabulary does not have.
    """

    __slots__ = ("columns", "terms", "unknown_terms", "values")

    def __init__(
        self,
        columns: list[int],
        values: list[float],
        terms: int = 0,
        unknown_terms: int = 0,
    ) -> None:
        self.columns = columns
        self.values = values
        self.terms = terms
        self.unknown_terms = unknown_terms


def spread(row: Features, width: int) -> list[float]:
    """The row with its zeros."""
    found = [0.0] * width
    for column, value in zip(row.columns, row.values, strict=True):
        found[column] = value
    return found


def gather(row: Sequence[float]) -> Features:
    """The row without its zeros; NaN is none."""
    columns = [column for column, value in enumerate(row) if value != 0]
    return Features(columns, [row[column] for column in columns])


def check_width(width: int) -> int:
    """The width of rows, or refuse it.

    Raises:
        ValueError: No row is so wide.
    """
    if not 0 <= width <= MAX_WIDTH:
        raise ValueError(f"a row of {width} values")
    return width


def check_scores(count: int, models: int, labels: int) -> None:
    """Refuse a number of scores that is neither one a label nor the one of two labels.

    Args:
        count: Of the scores of several models.
        models: How many.
        labels: How many.

    Raises:
        ValueError: It is refused.
    """
    scores, rest = divmod(count, models)
    if rest:
        raise ValueError(f"{count} scores of {models} classifiers")
    if scores != labels and (scores, labels) != (1, 2):
        raise ValueError(f"{scores} scores for {labels} labels")


def read_doubles(file: FrozenFile, places: list[int]) -> list[float]:
    """The numbers of a section: f64, little-endian."""
    numbers: Any = memoryview(file.read(*places)).cast("d")
    return numbers.tolist()  # type: ignore[no-any-return]


def normalize(values: list[float], norm: str | None) -> list[float]:
    """A sparse row's values by their length, summed as scikit-learn does it, one after the other.

    That is sklearn.utils.sparsefuncs_fast's inplace_csr_row_normalize_l1 and _l2.
    """
    length = 0.0  # not sum(): it compensates, and scikit-learn does not
    if norm == "l2":
        for value in values:
            length += value * value
        length = sqrt(length)
    elif norm == "l1":
        for value in values:
            length += abs(value)
    return [value / length for value in values] if length else values

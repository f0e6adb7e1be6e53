"""What ops hand on of one input.

Besides a text, and a plain list of values, that is a sparse row.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from serving.app.engines.frozen.file import FrozenFile


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


def check_scores(scores: int, labels: int) -> None:
    """Refuse a number of scores that is neither the labels' nor the one of two labels.

    Raises:
        ValueError: It is refused.
    """
    if scores != labels and (scores, labels) != (1, 2):
        raise ValueError(f"{scores} scores for {labels} labels")


def read_doubles(file: FrozenFile, places: list[int]) -> list[float]:
    """The numbers of a section: f64, little-endian."""
    return memoryview(file.read(*places)).cast("d").tolist()

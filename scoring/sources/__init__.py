"""Where rows come from: each source gives them raw, in order, from any place on.

A scorer takes them apart (rows.py), so that the one process that reads does as little as it can.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from scoring.plan import Form

CHUNK_BYTES = 4 * 1024 * 1024
CHUNK_ROWS = 1_000
CHUNK_PICTURES = 64  # some take a tenth of a second


class Place(NamedTuple):
    """Where a row starts.

    Attributes:
        position: In bytes, or in rows; see `Source.total`.
        number: What the row is called: of CSV and JSON lines the line, else the row; from 1.
    """

    position: int
    number: int


class Raw(NamedTuple):
    """A row as it was found.

    Attributes:
        number: Of its place.
        value: Its bytes, its values, or its path; None of one that is longer than is read.
        end: The place after it.
    """

    number: int
    value: Any
    end: Place


class Chunk(NamedTuple):
    """Rows that are scored together, each a number and a value, and the place after them."""

    rows: list[tuple[int, Any]]
    end: Place


class Source(Protocol):
    """What is scored.

    Attributes:
        form: What it is.
        names: Its columns.
        delimiter: Of CSV.
        kinds: Of each column its type in Parquet.
        total: How far its last place is.
        start: The place of the first row.
    """

    form: Form
    names: list[str]
    delimiter: str
    kinds: dict[str, str]
    total: int
    start: Place

    def read(self, place: Place) -> Iterator[Raw]:
        """The rows from a place on."""
        ...

    def hash(self) -> str:
        """What tells it from another."""
        ...


def cut(rows: Iterator[Raw], most: int) -> Iterator[Chunk]:
    """Chunks of at most `most` rows; how they are cut follows from where they start alone."""
    taken: list[tuple[int, Any]] = []
    size = 0
    for number, value, end in rows:
        taken.append((number, value))
        size += _weigh(value)
        if len(taken) == most or size >= CHUNK_BYTES:
            yield Chunk(taken, end)
            taken, size = [], 0
    if taken:
        yield Chunk(taken, end)


def _weigh(value: Any) -> int:
    if isinstance(value, tuple):
        return sum(len(one) for one in value if isinstance(one, str | bytes))
    return len(value or b"")

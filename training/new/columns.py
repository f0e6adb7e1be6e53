"""The kinds of a table's columns, inferred from their values."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean
from typing import Any

from serving.bundle.inputs import MAX_INTEGER, MAX_NUMBER
from training.data.convert import WHOLE, Unfit, convert

# What people write for null; each is one where the rest of a column are numbers, dates or truths.
SPELLINGS = frozenset(
    {"NA", "N/A", "n/a", "na", "NULL", "Null", "null", "None", "none", "NaN", "nan", "#N/A"}
) | {"?", "-"}
CODE = re.compile(r"0\d+")
DECIMAL_COMMA = re.compile(r"-?\d+(\.\d{3})*,\d+", re.ASCII)
DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T]\d{1,2}:\d{2}.*)?", re.ASCII)
TEXT_CHARS = 25  # on average; a category is shorter
SYLLABLES = "\u0e00"
TEXT_DISTINCT = 0.5  # share of a text's values that no other row has, or more
PAIRS = [{"true", "false"}, {"yes", "no"}, {"t", "f"}, {"y", "n"}]
# Types of columns that are no type of a field, and what a person can do about them.
UNFIT = {
    "local date": "dates that nobody reads for sure: write them as ISO 8601 has them, 2024-01-31",
    "comma": "numbers with a decimal comma: write them with a point",
    "nested": "lists or objects: write a column for each of their values",
    "huge": "numbers that float32 cannot hold: write them in another unit",
    "empty": "nulls alone",
}


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        type: A field's type, "date" (as ISO 8601 writes it), or one of UNFIT.
        values: As read, null as None.
    """

    name: str
    type: str
    values: list[Any]

    @property
    def present(self) -> list[Any]:
        return [one for one in self.values if one is not None]

    @property
    def missing(self) -> float:
        """The share of nulls."""
        return 1 - len(self.present) / len(self.values)

    @property
    def distinct(self) -> int:
        """How many values there are; of nested ones, none that count."""
        return 0 if self.type == "nested" else len(set(self.present))


def look_at(table: Mapping[str, Sequence[Any]], nulls: Collection[str]) -> Iterator[Column]:
    """The columns of a table, by name, with the types of their values."""
    for name, values in table.items():
        cleaned = [None if _is_null(one, nulls) else one for one in values]
        yield Column(name, guess_type([one for one in cleaned if one is not None]), cleaned)


def _is_null(value: Any, nulls: Collection[str]) -> bool:
    if isinstance(value, str):
        return value in nulls
    return value is None or value != value  # noqa: PLR0124 - NaN


def find_nulls(table: Mapping[str, Sequence[Any]]) -> tuple[str, ...]:
    """The texts that mean null: the empty one, and odd ones in columns of another type."""
    found = set()
    for values in table.values():
        texts = {one for one in values if isinstance(one, str)}
        odd = {one for one in texts if one and (one in SPELLINGS or not one.strip())}
        if odd:
            rest = [one for one in values if not _is_null(one, odd | {""})]
            if rest and guess_type(rest) not in ("text", "category", "nested"):
                found |= odd
    return ("", *sorted(found))


def guess_type(present: Sequence[Any]) -> str:
    """The type of values none of which is null."""
    if not present:
        return "empty"
    if any(isinstance(one, list | dict) for one in present):
        return "nested"
    values = list({(type(one), one): one for one in present}.values())
    for kind, fits in _TESTS.items():
        if fits(values):
            return kind
    return "text" if _is_text(present) else "category"


def _is_boolean(values: Sequence[Any]) -> bool:
    if all(isinstance(one, bool) for one in values):
        return True
    written = {one.strip().lower() if isinstance(one, str) else None for one in values}
    return written in PAIRS


def _is_code(values: Sequence[Any]) -> bool:
    """Digits that are no number: leading zeros, or more digits than JSON holds."""
    texts = [one for one in values if isinstance(one, str)]
    if any(CODE.fullmatch(one) for one in texts) and all(map(WHOLE.fullmatch, texts)):
        return True
    return _is_integer(values) and any(abs(int(one)) > MAX_INTEGER for one in values)


def _is_integer(values: Sequence[Any]) -> bool:
    """Whole numbers that are written as such: of a column with 5.0 the next value may be 5.5."""
    return all(
        type(one) is int or (isinstance(one, str) and WHOLE.fullmatch(one) is not None)
        for one in values
    )


def _is_huge(values: Sequence[Any]) -> bool:
    return _are(values, "number") and any(abs(float(one)) > MAX_NUMBER for one in values)


def _are(values: Sequence[Any], kind: str) -> bool:
    try:
        return all(convert(one, kind, ()) is not None for one in values)
    except Unfit:
        return False


def _match(values: Sequence[Any], pattern: re.Pattern[str]) -> bool:
    return all(isinstance(one, str) and pattern.fullmatch(one.strip()) for one in values)


def _is_iso(value: Any) -> bool:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def _is_text(present: Sequence[Any]) -> bool:
    if not all(isinstance(one, str) for one in present):
        return False
    long = fmean(map(_count_chars, present)) >= TEXT_CHARS
    return long and len(set(present)) >= TEXT_DISTINCT * len(present)


def _count_chars(text: str) -> int:
    """One that stands for a syllable or a word, as from Thai to Chinese, counts as three."""
    return len(text) + 2 * sum(one >= SYLLABLES for one in text)


# In this order: the first that fits is the type. What is left is a text or a category.
_TESTS: dict[str, Callable[[Sequence[Any]], bool]] = {
    "boolean": _is_boolean,
    "category": _is_code,
    "integer": _is_integer,
    "huge": _is_huge,
    "number": lambda values: _are(values, "number"),
    "comma": lambda values: _match(values, DECIMAL_COMMA),
    "date": lambda values: all(map(_is_iso, values)),
    "local date": lambda values: _match(values, DATE),
}

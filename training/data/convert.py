"""Values of tables as the fields' types have them; what does not fit is refused, not guessed."""

import math
import re
from collections.abc import Callable, Collection
from typing import Any

TRUE = frozenset({"true", "t", "yes", "y", "1"})
FALSE = frozenset({"false", "f", "no", "n", "0"})
# float() and int() read more: underscores, other digits than these, names of no number.
NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
WHOLE = re.compile(r"\s*[+-]?\d{1,300}\s*", re.ASCII)
SURROGATES = range(0xD800, 0xE000)


class Unfit(Exception):
    """A value is not of the type; the message says of which."""


def convert(value: Any, kind: str, nulls: Collection[str]) -> Any:
    """A value of a table as a value of a field.

    Args:
        value: A text, as CSV has it, or a value of JSON.
        kind: The field's type.
        nulls: Texts that stand for null.

    Raises:
        Unfit: It is not of that type.
    """
    if value is None or (isinstance(value, str) and value in nulls):
        return None
    if isinstance(value, float) and math.isnan(value):
        return None
    return CONVERTERS[kind](value)


def to_number(value: Any) -> float:
    """A finite number."""
    is_written = isinstance(value, str) and NUMBER.fullmatch(value) is not None
    if is_written or (isinstance(value, int | float) and not isinstance(value, bool)):
        try:
            found = float(value)
        except OverflowError:  # of an integer
            found = math.inf
        if math.isfinite(found):
            return found
    raise Unfit("a finite number")


def to_integer(value: Any) -> int:
    """A whole number; 5.0 is one, as in JSON."""
    if type(value) is int or (isinstance(value, str) and WHOLE.fullmatch(value)):
        return int(value)  # a double would have fewer digits
    try:
        found = to_number(value)
    except Unfit:
        found = math.nan
    if not found.is_integer():
        raise Unfit("a whole number")
    return int(found)


def to_boolean(value: Any) -> bool:
    """A truth value: true, yes, 1 or false, no, 0, in any case."""
    if isinstance(value, bool):
        return value
    written = str(value).strip().lower() if isinstance(value, str | int) else ""
    if written in TRUE or written in FALSE:
        return written in TRUE
    raise Unfit("true or false")


def to_text(value: Any) -> str:
    """A text as it is; a number or truth value of JSON as JSON writes it."""
    if isinstance(value, str):
        if any(map(SURROGATES.__contains__, map(ord, value))):  # JSON can escape half a character
            raise Unfit("a text in Unicode")
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    raise Unfit("a text")


CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "number": to_number,
    "integer": to_integer,
    "boolean": to_boolean,
    "text": to_text,
    "category": to_text,
}

"""JSON without what its standard leaves to the reader, bounded before it is read.

Refused are duplicate names, numbers out of range and lone surrogates (RFC 7493, "I-JSON"), and more
of anything than a request has: what a body is made of, its reader has to make.
"""

from __future__ import annotations

import json
import math
import re
from functools import cache

from serving.app import errors
from serving.app.encoder import make_encoder
from serving.app.limits import MAX_DEPTH, MAX_DIGITS
from serving.bundle.inputs import MAX_BATCH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from serving.app.limits import Bounds

# A string of JSON, up to the end of the text where it is not closed: from each quote on it is read
# once. Not compiled here, where each cold start would pay for it; `re` keeps what it compiled.
_STRING = r'"[^"\\]*+(?:\\.?+[^"\\]*+)*+"?+'

_SPACE = " \t\n\r"  # as JSON has it
_CONTAINERS = (dict, list)
_encode = make_encoder(",", ":", allow_nan=False)


def read_json(text: str, bounds: Bounds) -> Any:
    """Parse a body.

    Raises:
        TooLarge: It has more values than the bounds.
        Malformed: It is not strict JSON, or has more of something than a request has.
    """
    _check_count(text, bounds)
    try:
        found = _decode(text, bounds)
        # Escapes can spell a lone surrogate. One character is looked for in a tenth of the time.
        if "\\" in text and "\\u" in text:
            json.dumps(found, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise errors.Malformed(
            f"The body is not JSON: {error.msg.removesuffix(' at')}, "
            f"at line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise _too_deep() from None
    except UnicodeEncodeError:
        raise errors.Malformed("The body holds a lone surrogate, which is no character.") from None
    _check_depth(found, MAX_DEPTH)
    return found


def _decode(text: str, bounds: Bounds) -> Any:
    """As JSONDecoder.decode, which takes as long to look for space as to parse a small body."""
    start = len(text) - len(text.lstrip(_SPACE))
    found, end = _find_decoder(bounds.names).raw_decode(text, start)
    if rest := text[end:].lstrip(_SPACE):
        raise json.JSONDecodeError("Extra data", text, len(text) - len(rest))
    return found


def to_json(body: Any) -> str:
    """What goes out: JSON that every client and the Lambda runtime can read, ASCII without NaN.

    Raises:
        ValueError: There is NaN or an infinity in it.
    """
    return _encode(body)


@cache
def _find_decoder(names: int) -> json.JSONDecoder:
    """The decoder that takes so many names in an object: to make one takes as long as to use it."""
    return json.JSONDecoder(
        object_pairs_hook=lambda pairs: _unique_names(pairs, names),
        parse_constant=_refuse_constant,
        parse_float=_finite_float,
        parse_int=_short_int,
    )


def _check_count(text: str, bounds: Bounds) -> None:
    """Refuse a body with more values than any request has, before they are created.

    Made of a body of empty lists, they would take a third of a second. Each value but the first
    comes after a comma or a bracket.
    """
    limit = bounds.values
    if not _may_have(text, limit):
        return
    marks = end = 0
    for number, string in enumerate(re.finditer(_STRING, text, re.DOTALL)):
        marks += _count_marks(text, end, string.start())
        end = string.end()
        # Strings with nothing between them are no JSON, but would all be looked at here.
        if marks >= limit or number > 2 * limit:
            raise _too_many(bounds)
    if marks + _count_marks(text, end, len(text)) >= limit:
        raise _too_many(bounds)


def _may_have(text: str, limit: int) -> bool:
    """Whether a body may have so many marks, of which none are missed: most have a bracket at their
    start, and no other.
    """
    if len(text) < limit:
        return False
    marks = text.count(",") + 1
    for bracket in "[{":
        if text.find(bracket, 1) > 0:
            marks += text.count(bracket)
    return marks >= limit


def _count_marks(text: str, start: int, stop: int) -> int:
    return sum(text.count(mark, start, stop) for mark in ",[{")


def _check_depth(value: Any, room: int) -> None:
    if isinstance(value, _CONTAINERS):
        if not room:
            raise _too_deep()
        for inner in value.values() if isinstance(value, dict) else value:
            if isinstance(inner, _CONTAINERS):  # of a batch few are: without a call each
                _check_depth(inner, room - 1)


def _too_deep() -> errors.Malformed:
    return errors.Malformed(f"The body is nested more than {MAX_DEPTH} deep.")


def _too_many(bounds: Bounds) -> errors.TooLarge:
    return errors.TooLarge(
        f"The body has more than {bounds.values:,} values; "
        f"a batch may have {MAX_BATCH:,} {bounds.inputs}."
    )


def _unique_names(pairs: list[tuple[str, Any]], limit: int) -> dict[str, Any]:
    if len(pairs) > limit:
        raise errors.Malformed(f"The body has an object of more than {limit} names.")
    found = dict(pairs)
    if len(found) != len(pairs):
        raise errors.Malformed("The body has a name twice in one object.")
    return found


def _refuse_constant(_: str) -> NoReturn:
    raise errors.Malformed("The body holds NaN or Infinity, which are not JSON.")


def _finite_float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise errors.Malformed("The body holds a number that is out of range.")
    return value


def _short_int(digits: str) -> int:
    if len(digits.removeprefix("-")) > MAX_DIGITS:
        raise errors.Malformed(f"The body holds a number of more than {MAX_DIGITS} digits.")
    return int(digits)

"""Token patterns of one's own: of those, the ones that no text makes slow.

A regular expression is tried again at each place where it could have split a text otherwise. Where
two of its repeats take the same characters, with nothing between them that parts them, the ways to
split grow with each character, and a short text keeps it busy for ever. Such a pattern is refused.

A way through a pattern is a list of pieces: a character that is taken once, one that is repeated,
and after a repeated group (whose pieces stand there twice) the characters of it.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from itertools import combinations
from re import _compiler, _parser  # type: ignore[attr-defined]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Piece = tuple[str, Any]

ONE, REPEAT, GROUP = "one", "repeat", "group"
HIGH = "\U00020000"  # from here on there is nothing that there is not before
MAX_LENGTH = 1000  # of a pattern
MAX_WAYS = 1000  # through it: of alternatives, and of what may be left out
MAX_REPEATS = 10  # in a way
CHARACTERS = {_parser.ANY, _parser.IN, _parser.LITERAL, _parser.NOT_LITERAL}
LOOKS = {_parser.ASSERT, _parser.ASSERT_NOT}
REPEATS = {_parser.MAX_REPEAT, _parser.MIN_REPEAT}


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """A token pattern, compiled.

    Raises:
        ValueError: A text could make it slow, or it has what is not known here.
        re.error: It is none.
    """
    if len(pattern) > MAX_LENGTH:
        raise ValueError("too long a pattern")
    parsed = _parser.parse(pattern)
    state = _parser.State()  # without groups
    state.flags = parsed.state.flags
    finders: dict[str, re.Pattern[str]] = {}

    @cache
    def list_characters() -> str:
        return "".join(map(chr, range(_count_characters(pattern))))

    @cache
    def overlap(one: str, other: str) -> bool:
        return bool(finders[one].search("".join(finders[other].findall(list_characters()))))

    for way in _list_ways(parsed):
        for kind, item in way:
            if kind != GROUP and str(item) not in finders:
                finders[str(item)] = _compiler.compile(_parser.SubPattern(state, [item]))
        _check_repeats(way, overlap)
        _check_group(way, overlap)
    return re.compile(pattern)


def _count_characters(pattern: str) -> int:
    """From `HIGH` on there is nothing that a pattern tells from all before, unless it names it."""
    names_high = "\\U" in pattern or "\\N" in pattern or max(pattern, default="") >= HIGH
    return sys.maxunicode + 1 if names_high else ord(HIGH)


def _check_repeats(way: list[Piece], overlap: Callable[[str, str], bool]) -> None:
    """Refuse a way in which two repeats are not parted.

    Raises:
        ValueError: There are two, or too many to look at.
    """
    repeats = [place for place, (kind, _) in enumerate(way) if kind == REPEAT]
    if len(repeats) > MAX_REPEATS:
        raise ValueError("too many repeats")
    for first, last in combinations(repeats, 2):
        between = [str(item) for kind, item in way[first + 1 : last] if kind == ONE]
        if all(overlap(str(way[first][1]), item) for item in (*between, str(way[last][1]))):
            raise ValueError("a text can be split by it in too many ways")


def _check_group(way: list[Piece], overlap: Callable[[str, str], bool]) -> None:
    """Refuse a way with a repeated group, unless it has a character that no repeat takes.

    Raises:
        ValueError: It has none, or there is another group.
    """
    groups = [item for kind, item in way if kind == GROUP]
    repeats = {str(item) for kind, item in way if kind == REPEAT}
    if len(groups) > 1:
        raise ValueError("too many repeated groups")
    for ones in groups:
        if all(any(overlap(str(one), item) for item in repeats) for one in ones):
            raise ValueError("a text can be split by its group in too many ways")


def _list_ways(parsed: Any) -> list[list[Piece]]:
    """All ways through a part of a pattern."""
    ways: list[list[Piece]] = [[]]
    for kind, argument in parsed:
        if kind is _parser.AT:
            continue
        further = _list_further(kind, argument)
        ways = [way + more for way in ways for more in further]
        if len(ways) > MAX_WAYS:
            raise ValueError("too many ways through it")
    return ways


def _list_further(kind: Any, argument: Any) -> list[list[Piece]]:
    if kind in CHARACTERS:
        return [[(ONE, (kind, argument))]]
    if kind in REPEATS:
        return _list_repeats(*argument)
    if kind is _parser.SUBPATTERN and not (argument[1] or argument[2]):
        return _list_ways(argument[3])
    if kind is _parser.BRANCH:
        return [way for branch in argument[1] for way in _list_ways(branch)]
    if kind in LOOKS:
        ahead, ways = argument[0] > 0, _list_ways(argument[1])
        # What is behind has one length; what must not be there parts nothing.
        return [
            [piece for piece in way if ahead and (kind is _parser.ASSERT or piece[0] != ONE)]
            for way in ways
        ]
    raise ValueError(f"{kind} is not known here")


def _list_repeats(least: int, most: int, inner: Any) -> list[list[Piece]]:
    ways = _list_ways(inner)
    if len(inner) == 1 and inner[0][0] in CHARACTERS:
        item = ways[0][0][1]
        return [[(ONE, item)] * (least > 0) + [(REPEAT, item)] * (most > least)]
    if most > 1:  # twice is as good as often
        ones = [item for kind, item in ways[0] if kind == ONE]
        if len(ways) > 1 or not ones:
            raise ValueError("a repeat of several ways, or of nothing")
        ways = [ways[0] * 2 + [(GROUP, ones)] * (most > least)]
    return ways if least else [[], *ways]

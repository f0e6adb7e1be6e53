"""The columns of JSON lines: a later row may have a name that no earlier one has."""

import json
from typing import Any

from scoring.sources.lines import Lines
from serving.bundle.inputs import MAX_INTEGER
from training.console import StepError

MAX_COLUMNS = 10_000


def find_columns(lines: Lines) -> dict[str, str]:
    """The names of JSON lines in the order in which they appear, each with its type in Parquet.

    A line that is no object has none here; a scorer will say so.

    Raises:
        StepError: There are more names than any table has.
    """
    found: dict[str, set[str]] = {}
    for _, value, _ in lines.read(lines.start):
        for name, one in _parse(value or b"").items():
            if is_shown(name):
                found.setdefault(name, set()).add(_find_kind(one))
        if len(found) > MAX_COLUMNS:
            raise StepError(f"the rows have more than {MAX_COLUMNS:,} different names together")
    return {name: _join_kinds(kinds - {""}) for name, kinds in found.items()}


def is_shown(name: str) -> bool:
    """Whether a name can be a column's."""
    return bool(name.strip()) and name.isprintable()


def _parse(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _find_kind(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return "BIGINT" if abs(value) <= MAX_INTEGER else "VARCHAR"
    return {bool: "BOOLEAN", float: "DOUBLE"}.get(type(value), "VARCHAR")


def _join_kinds(kinds: set[str]) -> str:
    if kinds == {"BIGINT", "DOUBLE"}:
        return "DOUBLE"
    return kinds.pop() if len(kinds) == 1 else "VARCHAR"

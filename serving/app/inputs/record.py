"""The input kind `record`: named fields, `{"LotArea": 9627, …}`, and lists of them.

A record that was read is a tuple of its values, in the manifest's order: numbers as doubles,
integers, truth values and texts as they are, None for null. Nothing is guessed, and nothing put
right: a number is no string, a truth value no number.
"""

from __future__ import annotations

from functools import partial

from serving.app import errors as problems
from serving.app.inputs import (
    MISSING,
    check_names,
    check_object,
    raise_any,
    read_batch,
    read_list,
)
from serving.app.limits import Bounds
from serving.bundle.inputs import MAX_INTEGER, MAX_NUMBER, MAX_TEXT_CHARS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from serving.app.inputs import Errors

    Record = tuple[Any, ...]


class RecordInput:
    """Reads records of the fields that the manifest describes; methods as of `inputs.Input`."""

    def __init__(self, fields: list[dict[str, Any]]) -> None:
        self.bounds = Bounds("records", f'{{"{fields[0]["name"]}": …}}', len(fields))
        self._fields = fields
        self._names = frozenset(field["name"] for field in fields)
        self._read_one = partial(read_record, fields=fields, names=self._names)

    def read(self, body: Any) -> Record:
        check_object(body)
        errors: Errors = []
        record = self._read_one(body, "body", errors)
        raise_any(errors)
        return record

    def read_batch(self, body: Any) -> list[Record]:
        if isinstance(body, dict):
            return read_batch(body, "records", self._read_one)
        if not isinstance(body, list):
            raise problems.Malformed("The body must be a JSON object, or a list of records.")
        errors: Errors = []
        records = read_list(body, "body", errors, self._read_one)
        raise_any(errors)
        return records

    def measure(self, values: Sequence[Record]) -> dict[str, float]:
        columns = list(zip(self._fields, zip(*values, strict=True), strict=True))
        missing = (value is None for _, column in columns for value in column)
        shares = {
            "input.missing": missing,
            "input.unknown_categories": _compare(columns, "values", _is_unknown),
            "input.out_of_range": _compare(columns, "range", _is_outside),
        }
        found = {name: _share(list(each)) for name, each in shares.items()}
        counted = {name: share for name, share in found.items() if share is not None}
        return {"input.num_records": len(values), **counted}

    def show_weights(self, weighed: list[tuple[str, float]]) -> list[dict[str, Any]]:
        """Every field. With the answer before any field is looked at, they add up to the answer."""
        return [{"field": name, "weight": weight} for name, weight in weighed]


def read_record(
    value: Any, place: str, errors: Errors, *, fields: list[dict[str, Any]], names: frozenset[str]
) -> Record:
    """The values of a record in the fields' order; what is wrong is noted."""
    if not isinstance(value, dict):
        errors.append((place, "Input should be a valid object"))
        return ()
    values: list[Any] = []
    for field in fields:
        name = field["name"]
        if name not in value:
            errors.append((f"{place}.{name}", MISSING))
            continue
        found = value[name]
        if found is None and field["nullable"]:
            values.append(None)
            continue
        try:
            values.append(_READERS[field["type"]](found))
        except _Broken as broken:
            errors.append((f"{place}.{name}", str(broken)))
    check_names(value, names, place, errors)
    return tuple(values)


class _Broken(Exception):
    """A value breaks a rule, which is the message."""


def _read_number(value: Any) -> float:
    if type(value) not in (int, float):
        raise _Broken("Input should be a valid number")
    if not -MAX_NUMBER <= value <= MAX_NUMBER:
        raise _Broken("Input should be a number that float32 can hold")
    return float(value)


def _read_integer(value: Any) -> int:
    # JSON has one kind of number: 5.0 is an integer (JSON Schema, 2020-12, 6.1.1).
    if type(value) is not int and not (type(value) is float and value.is_integer()):
        raise _Broken("Input should be a valid integer")
    if not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise _Broken("Input should be an integer of at most 53 bits")
    return int(value)


def _read_boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise _Broken("Input should be a valid boolean")
    return value


def _read_string(value: Any) -> str:
    if type(value) is not str:
        raise _Broken("Input should be a valid string")
    if len(value) > MAX_TEXT_CHARS:
        raise _Broken(f"String should have at most {MAX_TEXT_CHARS} characters")
    return value


_READERS: dict[str, Callable[[Any], Any]] = {
    "number": _read_number,
    "integer": _read_integer,
    "boolean": _read_boolean,
    "text": _read_string,
    "category": _read_string,
}


def _compare(
    columns: list[tuple[dict[str, Any], Record]], member: str, differs: Callable[[Any, Any], bool]
) -> Iterator[bool]:
    """Whether each value that is there differs from what was seen of its field in training."""
    for field, column in columns:
        if (seen := field.get(member)) is not None:
            seen = frozenset(seen) if member == "values" else seen
            yield from (differs(value, seen) for value in column if value is not None)


def _is_unknown(value: Any, seen: frozenset[Any]) -> bool:
    return value not in seen


def _is_outside(value: float, seen: list[float]) -> bool:
    return not seen[0] <= value <= seen[1]


def _share(found: list[bool]) -> float | None:
    """The share of those that are true; None of nothing."""
    return sum(found) / len(found) if found else None

"""Parses a raw row: its columns, and the body that a client of the API would send for it.

CSV has texts alone, which are read as training reads them (training/data/convert.py); what is no
number stays a text, and is refused by the API's own reader. JSON lines and Parquet have values,
which go to that reader as they are.
"""

import csv
import math
import sys
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from scoring.plan import Plan
from scoring.sources.columns import MAX_COLUMNS, is_shown
from scoring.sources.lines import MAX_ROW_BYTES
from serving.app.errors import Malformed
from serving.app.inputs import check_object
from serving.app.limits import Bounds
from serving.app.request.strict_json import read_json
from serving.bundle.files import open_file
from serving.bundle.inputs import MAX_PICTURE_BYTES
from training.data.convert import Unfit, convert

type Columns = dict[str, Any]
TEXTS = ("text", "category")


class RowError(Exception):
    """A row is none; the message says why, without anything of the row."""


def make_splitter(plan: Plan) -> Callable[[Any], Columns]:
    """The parser from a raw row to its columns.

    What it makes of one that is none raises RowError, or the API's own errors.
    """
    csv.field_size_limit(sys.maxsize)
    bounds = Bounds("rows", "{…}", MAX_COLUMNS)
    ways: dict[str, Callable[[Any], Columns]] = {
        "csv": partial(_split_csv, plan.names, plan.delimiter),
        "jsonl": partial(_split_json, bounds),
        "parquet": lambda values: dict(zip(plan.names, map(_simplify, values), strict=True)),
        "folder": lambda path: {"image": path},
    }
    return ways[plan.form]


def _decode(data: bytes | None) -> str:
    if data is None:
        raise RowError(f"A row must have at most {MAX_ROW_BYTES:,} bytes.")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Malformed("The body is not UTF-8.") from None


def _split_csv(names: tuple[str, ...], delimiter: str, data: bytes | None) -> Columns:
    text = _decode(data)
    try:
        # An empty value is null, and a quoted one is the empty text.
        (values,) = csv.reader([text], delimiter=delimiter, strict=True, quoting=csv.QUOTE_NOTNULL)
    except csv.Error as error:
        rule, _, _ = str(error).partition(" - ")  # after it comes advice to programmers
        raise RowError(f"The row is no CSV: {rule}.") from None
    if len(values) != len(names):
        raise RowError(f"The row has {len(values)} values, and there are {len(names)} columns.")
    return dict(zip(names, values, strict=True))


def _split_json(bounds: Bounds, data: bytes | None) -> Columns:
    found = read_json(_decode(data).strip("\r\n"), bounds)
    check_object(found)
    if not all(map(is_shown, found)):
        raise RowError("The row has a name that cannot be shown.")
    columns: Columns = found
    return columns


def _simplify(value: Any) -> Any:
    """A value of Parquet as JSON has it: null for NaN, a date as ISO 8601 writes it."""
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, datetime | date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def make_body_maker(plan: Plan, described: dict[str, Any]) -> Callable[[Columns], Any]:
    """The function from columns to a body.

    Args:
        plan: Of the run.
        described: The manifest's description of the input.
    """
    if described["kind"] == "text":
        return partial(_take_text, plan.column, plan.form == "csv")
    if described["kind"] == "image":
        return partial(_take_picture, plan.column, plan.home)
    names = [field["name"] for field in described["fields"]]
    if plan.form != "csv":
        return partial(_take_fields, names)
    readers = [
        (field["name"], _make_reader(field, frozenset(plan.nulls))) for field in described["fields"]
    ]
    return lambda columns: {name: read(columns[name]) for name, read in readers}


def _take_fields(names: list[str], columns: Columns) -> dict[str, Any]:
    return {name: columns[name] for name in names if name in columns}


def _make_reader(field: dict[str, Any], nulls: frozenset[str]) -> Callable[[str | None], Any]:
    kind = field["type"]
    if kind in TEXTS:
        # Where a text cannot be null, the quoted empty one is itself.
        spelled = nulls | {""} if field["nullable"] else nulls
        return lambda text: None if text in spelled else text
    return partial(_read_written, kind, nulls | {""})


def _read_written(kind: str, nulls: frozenset[str], text: str | None) -> Any:
    try:
        return convert(text, kind, nulls)
    except Unfit:
        return text


def _take_text(column: str, written: bool, columns: Columns) -> dict[str, Any]:  # noqa: FBT001
    if column not in columns:
        return {}
    text = columns[column]
    return {"text": "" if text is None and written else text}


def _take_picture(column: str, home: str, columns: Columns) -> Any:
    """The picture's bytes, or a body of base64, which has no dot: what has one is a path."""
    if column not in columns:
        return {}
    value = columns[column]
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str) or "." not in value or value[:5].lower() == "data:":
        return {"image": value}
    if not home:
        raise RowError("A picture by its path cannot be read here: send base64, or bytes.")
    try:
        with open(Path(home, value), "rb", opener=open_file) as file:
            return file.read(MAX_PICTURE_BYTES + 1) or b""
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it has no such name"
        raise RowError(f"The picture cannot be read: {why}.") from None

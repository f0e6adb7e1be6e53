"""Rows as they are written: CSV, or JSON lines."""

import csv
import io
import json
import math
from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from scoring.plan import Plan

type Row = dict[str, Any]


def make_writer(plan: Plan, added: Sequence[str]) -> Callable[[Sequence[Row]], bytes]:
    """Writes rows as bytes.

    Args:
        plan: Of the run.
        added: The names of the columns that are added to a row.
    """
    names = list_written(plan.kept, added)
    if plan.written == "jsonl":
        return partial(_write_json, names)
    # Of CSV there are texts, which need no look.
    return partial(_write_csv, names, plan.mark, plain=plan.form == "csv")


def list_written(kept: Sequence[str], added: Sequence[str]) -> list[str]:
    """The columns, in order: where the row was, what it had, and what is said of it."""
    return [added[0], *kept, *added[1:]]


def write_header(plan: Plan, added: Sequence[str]) -> bytes:
    """What stands before the first row."""
    names = list_written(plan.kept, added)
    return b"" if plan.written == "jsonl" else _write_csv(names, plan.mark, [{n: n for n in names}])


def _write_csv(
    names: Sequence[str], mark: str, rows: Sequence[Row], *, plain: bool = True
) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=mark, lineterminator="\n")
    values = (map(row.get, names) for row in rows)
    writer.writerows(values if plain else (map(_to_text, one) for one in values))
    return text.getvalue().encode()


def _write_json(names: Sequence[str], rows: Sequence[Row]) -> bytes:
    lines = [
        json.dumps(
            {name: _to_json(row[name]) for name in names if name in row},
            separators=(",", ":"),
            allow_nan=False,
        )
        for row in rows
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _to_text(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    plain = _to_json(value)
    if isinstance(plain, bool | list | dict):
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
    return plain


def _to_json(value: Any) -> Any:
    """A value of Parquet that JSON does not have as a text; those of JSON as they are."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, dict):
        return {str(name): _to_json(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(one) for one in value]
    return str(value)

"""Tables: CSV, JSON lines and Parquet, read strictly and named by line where they are wrong.

What is read of CSV are texts, of the other formats values; `convert.py` makes both the fields'.
"""

import csv
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, NamedTuple

from training.console import StepError

Format = Literal["csv", "jsonl", "parquet"]
FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".json": "jsonl",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
DELIMITERS = ",;\t|"
INDEX = "index"  # what the first column is called that has no name, as pandas writes its index
QUOTED = re.compile('"[^"]*"')


class Row(NamedTuple):
    """A row of a table.

    Attributes:
        number: Of CSV and JSON lines the line that it starts on, of Parquet the row; from 1.
        values: By the names of the columns.
    """

    number: int
    values: dict[str, Any]


class Table(NamedTuple):
    """A table whose header was read."""

    names: list[str]
    rows: Iterator[Row]


def find_format(name: str) -> Format:
    """The format of a file, by its name.

    Raises:
        StepError: It is none that is read here.
    """
    found = FORMATS.get(Path(name).suffix.lower())
    if found is None:
        raise StepError(f"{name} is no table that is read here: use {', '.join(FORMATS)}")
    return found


def read_table(path: Path, form: Format, delimiter: str | None = None) -> Table:
    """Read a table, rows when they are asked for.

    Args:
        path: The file.
        form: Its format.
        delimiter: Of CSV; None: the one of comma, semicolon, tab and bar that the header has most.

    Raises:
        StepError: It has no form of a table; also while rows are read.
    """
    readers: dict[str, Callable[[], Table]] = {
        "csv": lambda: _read_csv(path, delimiter),
        "jsonl": lambda: _read_json_lines(path),
        "parquet": lambda: _read_parquet(path),
    }
    return readers[form]()


def _read_csv(path: Path, delimiter: str | None) -> Table:
    csv.field_size_limit(sys.maxsize)
    lines = _read_lines(path)
    first = next(lines, "")
    if not first.strip():
        raise StepError(f"{path}: the first line has no names of columns")
    delimiter = delimiter or max(DELIMITERS, key=QUOTED.sub("", first).count)
    reader = csv.reader(_put_back(first, lines), delimiter=delimiter, strict=True)
    try:
        names = next(reader)
    except csv.Error as error:
        raise StepError(f"{path}, line 1: it is no CSV ({error})") from None
    if not names[0]:
        names[0] = INDEX
    _check_names(path, names)
    return Table(names, _iterate_csv(path, names, reader))


def _put_back(first: str, lines: Iterator[str]) -> Iterator[str]:
    yield first
    yield from lines


def _iterate_csv(path: Path, names: Sequence[str], reader: Any) -> Iterator[Row]:
    start = reader.line_num + 1
    try:
        for values in reader:
            if values:  # not an empty line
                if len(values) != len(names):
                    why = "is a text with the delimiter in it not quoted?"
                    if len(values) < len(names):
                        why = "write nothing between two delimiters where a value is missing"
                    raise StepError(
                        f"{path}, line {start}: it has {len(values)} values, and there are "
                        f"{len(names)} columns: {why}"
                    )
                yield Row(start, dict(zip(names, values, strict=True)))
            start = reader.line_num + 1
    except csv.Error as error:
        raise StepError(f"{path}, line {start}: it is no CSV ({error})") from None


def _read_lines(path: Path) -> Iterator[str]:
    """The lines of a text in UTF-8, their ends included, without a byte order mark."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError:
                raise StepError(
                    f"{path}, line {number}: it is not UTF-8: write it again in that encoding"
                ) from None
            yield text.removeprefix("\ufeff") if number == 1 else text


def _check_names(path: Path, names: Sequence[str]) -> None:
    for place, name in enumerate(names, start=1):
        if not name.strip() or not name.isprintable():
            raise StepError(f"{path}: column {place} has no name that can be shown")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise StepError(f"{path}: these columns appear more than once: {', '.join(twice)}")


def _read_json_lines(path: Path) -> Table:
    rows = list(_iterate_json_lines(path))  # a later row may have a name that no earlier one has
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    _check_names(path, names)
    if not names:
        raise StepError(f"{path} has no rows")
    return Table(names, (Row(number, {n: one.get(n) for n in names}) for number, one in rows))


def _iterate_json_lines(path: Path) -> Iterator[Row]:
    for number, line in enumerate(_read_lines(path), start=1):
        if line.strip():
            try:
                found = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise StepError(f"{path}, line {number}: it is not JSON ({error})") from None
            if not isinstance(found, dict):
                raise StepError(f"{path}, line {number}: it is no JSON object")
            yield Row(number, found)


def _read_parquet(path: Path) -> Table:
    import duckdb  # noqa: PLC0415 - the other formats do without

    try:
        found = duckdb.connect().execute("SELECT * FROM read_parquet(?)", [str(path)])
        names = [name for name, *_ in found.description or ()]
        rows = found.fetchall()
    except duckdb.Error as error:
        first, *_ = str(error).splitlines()
        raise StepError(f"{path} is no Parquet file ({first})") from None
    _check_names(path, names)
    return Table(names, _iterate_parquet(names, rows))


def _iterate_parquet(names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> Iterator[Row]:
    for number, values in enumerate(rows, start=1):
        yield Row(number, dict(zip(names, map(_simplify, values), strict=True)))


def _simplify(value: Any) -> Any:
    """A value as JSON has it: a date as ISO 8601 writes it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value

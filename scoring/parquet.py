"""Parquet, made at the end of the rows that were written as JSON lines."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from scoring.sources.parquet import connect
from training.console import StepError

MAX_LINE_BYTES = 256 * 1024 * 1024


def make_parquet(
    lines: Path, kinds: dict[str, str], source: Path | None, kept: Sequence[str]
) -> Path:
    """A Parquet file of JSON lines, beside these: the same lines are the same bytes.

    Args:
        lines: The file of JSON lines.
        kinds: The columns in them, each with its type.
        source: A Parquet file with a row each, whose columns `kept` come after the first.
        kept: Columns of that.

    Raises:
        StepError: It cannot be made.
    """
    made = Path(f"{lines}.parquet")
    first, *rest = (f"part.{_quote(name)}" for name in kinds)
    columns = ", ".join([first, *(f"source.{_quote(name)}" for name in kept), *rest])
    shape = ", ".join(f"{_text(name)}: {_text(kind)}" for name, kind in kinds.items())
    found = (
        f"read_json({_text(str(lines))}, format = 'newline_delimited', "
        f"columns = {{{shape}}}, maximum_object_size = {MAX_LINE_BYTES}) AS part"
    )
    if source:
        found += f" POSITIONAL JOIN read_parquet({_text(str(source))}) AS source"
    query = f"SELECT {columns} FROM {found}"  # noqa: S608 - names and texts are quoted
    try:
        with connect() as database:
            database.execute(f"COPY ({query}) TO {_text(str(made))} (FORMAT parquet)")
    except duckdb.Error as error:
        first, *_ = str(error).splitlines()
        raise StepError(f"no Parquet file could be made of {lines} ({first})") from None
    return made


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"

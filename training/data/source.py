"""The source of a model whose data is a table: its file, columns and split are settings."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from training.console import StepError
from training.contract import Source, SourceSettings
from training.data.convert import Unfit, convert, to_text
from training.data.dataset import Example
from training.data.origin import Origin, fetch_file
from training.data.splits import Split, choose_test
from training.data.table import Format, Row, find_format, read_table
from training.settings.schema import Schema

Names = Annotated[list[str], Field(min_length=1)]
SHOWN_CHARS = 40


class TableSettings(SourceSettings):
    """A model's section `prepare`, where its data is a table.

    Attributes:
        data: The table.
        test: A table of its own for the test part; without it `split` says what is tested.
        format: csv, jsonl or parquet; without it the file's name tells.
        delimiter: Of CSV; without it the header tells.
        nulls: What stands for null, besides JSON's.
        target: The column of what is to be answered.
        skip: Its values whose rows are left out: labels that are none to learn, or an empty one.
        text: The columns that are the text, where the input is one; several are joined by lines.
        split: How the test part is chosen.
    """

    data: Origin
    test: Origin | None = None
    format: Format | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    nulls: tuple[str, ...] = ("",)
    target: str
    skip: tuple[str, ...] = ()
    text: Names | None = None
    split: Split = Split()


def table_source(description: str) -> Source:
    """The source of a table; `description` is what a reader of the report is told of it."""
    return Source(description, _fetch, _split, TableSettings)


def _fetch(folder: Path, settings: TableSettings) -> None:
    for part, origin in _list_origins(settings):
        fetch_file(origin, folder / part)


def _list_origins(settings: TableSettings) -> Iterable[tuple[str, Origin]]:
    yield "data", settings.data
    if settings.test is not None:
        yield "test", settings.test


def _split(
    folder: Path, settings: TableSettings, schema: Schema
) -> tuple[list[Example], list[Example]]:
    parts = [
        _read(folder / part, origin, settings, schema) for part, origin in _list_origins(settings)
    ]
    if len(parts) == 2:  # noqa: PLR2004
        return parts[0][0], parts[1][0]
    ((examples, column),) = parts
    test = set(choose_test(settings.split, [one.target for one in examples], column))
    return (
        [one for place, one in enumerate(examples) if place not in test],
        [examples[place] for place in sorted(test)],
    )


def _read(
    path: Path, origin: Origin, settings: TableSettings, schema: Schema
) -> tuple[list[Example], list[Any]]:
    """The examples of a table, and of each the value of the split's column."""
    if (schema.kind == "text") != (settings.text is not None):
        mend = "write" if settings.text is None else "take out"
        raise StepError(
            f"params.yaml: {mend} prepare.text, the columns of a text: schema.json makes the input "
            f"a {schema.kind}"
        )
    table = read_table(path, settings.format or find_format(str(origin)), settings.delimiter)
    inputs = settings.text or [field.name for field in schema.fields or ()]
    by = settings.split.column
    check_columns(str(origin), table.names, [settings.target, *inputs, *([by] if by else [])])
    examples, column = [], []
    for row in table.rows:
        if _is_skipped(row.values[settings.target], settings.skip):
            continue
        examples.append(make_example(row, settings, schema, str(origin)))
        column.append(row.values.get(by) if by else None)
    return examples, column


def _is_skipped(target: Any, skip: Sequence[str]) -> bool:
    return ("" if target is None else to_text(target)) in skip


def check_columns(where: str, found: Sequence[str], needed: Sequence[str]) -> None:
    """Hold a table's columns against what is needed of it.

    Raises:
        StepError: One is missing.
    """
    if missing := [name for name in dict.fromkeys(needed) if name not in found]:
        raise StepError(f"{where} has no column {', '.join(missing)}: it has {', '.join(found)}")


def make_example(row: Row, settings: TableSettings, schema: Schema, where: str) -> Example:
    """A row as an example.

    Raises:
        StepError: A value is not of its field's type, or there is no target.
    """

    def take(name: str, kind: str) -> Any:
        value = row.values[name]
        try:
            return convert(value, kind, settings.nulls)
        except Unfit as error:
            shown = repr(value)[:SHOWN_CHARS]
            raise StepError(
                f"{where}, line {row.number}, column {name}: {shown} is not {error}: mend it, or "
                f"write another type for {name} in schema.json, or 'nulls' in params.yaml"
            ) from None

    target = take(settings.target, "number" if schema.task == "regression" else "category")
    if target is None:
        raise StepError(
            f"{where}, line {row.number}: there is no {settings.target}, which is the target: "
            "mend it, or leave such rows out with 'skip' in params.yaml"
        )
    if settings.text is not None:
        texts = [take(name, "text") for name in settings.text]
        return Example(row.number, target, "\n".join(to_text(one) for one in texts if one))
    record = {field.name: take(field.name, field.type) for field in schema.fields or ()}
    return Example(row.number, target, record)

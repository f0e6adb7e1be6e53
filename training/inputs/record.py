"""The input kind `record`: named fields with types.

An input is a dict of the fields' values, None for null. Types are read as the service reads them,
so that no example is one that the service would refuse.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from serving.app.engines.frame import build_frame
from serving.app.errors import RequestError
from serving.app.inputs import find_input
from training.data.dataset import Example, list_rows
from training.inputs import find_quantiles, tell
from training.inputs.columns import check_table, find_drift, find_leaks
from training.settings.params import Validate
from training.settings.schema import RecordField, Schema

MAX_CATEGORIES = 500  # of a field with more, a value that was not seen says little
DISTINCT = 0.9  # share of a table's records that are the only ones of their kind
ID_LIKE = 0.95  # share of a field's values that no other record has
FEWEST = 50  # of fewer, all values may differ by chance
WORDS = ("title", "unit", "description")


class RecordInput:
    """What the steps ask of it; see `inputs.Input`."""

    def __init__(self, described: dict[str, Any]) -> None:
        self.described = described
        self._fields: list[dict[str, Any]] = described["fields"]
        self._reader = find_input(described)

    def shape(self, inputs: Iterable[dict[str, Any]]) -> pd.DataFrame:
        names = [field["name"] for field in self._fields]
        return build_frame(self._fields, [tuple(map(one.get, names)) for one in inputs])

    def read(self, value: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(value.get(field["name"]) for field in self._fields)

    def identify(self, value: dict[str, Any]) -> Hashable | None:
        found = tuple(value.get(field["name"]) for field in self._fields)
        return None if all(one is None for one in found) else found

    def has_content(self, value: dict[str, Any]) -> bool:
        return self.identify(value) is not None

    def repeats_are_mistakes(self, train: Sequence[Example]) -> bool:
        distinct = {self.identify(one.input) for one in train}
        return len(distinct) >= DISTINCT * len(train)

    def check_form(self, examples: Iterable[Example]) -> list[str]:
        said: dict[str, list[int]] = {}
        for one in examples:
            try:
                self._reader.read(one.input)
            except RequestError as error:
                said.setdefault(tell(error), []).append(one.row)
        return [f"{what}: rows {list_rows(rows)}" for what, rows in said.items()]

    def find_problems(
        self, train: Sequence[Example], test: Sequence[Example], limits: Validate
    ) -> list[str]:
        table = self.shape(one.input for one in train)
        rows, targets = [one.row for one in train], [one.target for one in train]
        return [
            *check_table(table, rows, self._fields, limits.max_missing),
            *find_leaks(table, targets, limits.max_leakage),
            *find_drift(table, self.shape(one.input for one in test), limits.max_drift),
        ]

    def find_doubts(self, train: Sequence[Example], _: Sequence[Example]) -> list[str]:
        table = self.shape(one.input for one in train)
        distinct = table.nunique(dropna=False)
        constant = [name for name in table if distinct[name] == 1]
        numbered = [
            field["name"]
            for field in self._fields
            if field["type"] in ("integer", "category")
            and distinct[field["name"]] >= ID_LIKE * len(table)
        ]
        found = [f"field {name} has one value in all of the training part" for name in constant]
        if len(table) >= FEWEST:
            found += [
                f"field {name} looks like an id: nearly each record has another value"
                for name in numbered
            ]
        if not self.repeats_are_mistakes(train):
            share = 1 - len({self.identify(one.input) for one in train}) / len(train)
            found.append(
                f"{share:.0%} of the training records repeat another one: kept as they are"
            )
        return found

    def measure(self, train: Sequence[Example], test: Sequence[Example]) -> dict[str, Any]:
        tables = {"train": train, "test": test}
        missing = {
            part: self.shape(one.input for one in examples).isna().mean()
            for part, examples in tables.items()
        }
        shares = {part: one[one > 0].round(6).to_dict() for part, one in missing.items()}
        return {"missing": shares}

    def profile(self, _: Any, inputs: Sequence[dict[str, Any]]) -> dict[str, Any]:
        table = self.shape(inputs)
        return {"fields": {field["name"]: _profile(table, field) for field in self._fields}}

    def make_body(self, value: dict[str, Any]) -> dict[str, Any]:
        return {field["name"]: value[field["name"]] for field in self._fields}

    def read_body(self, body: dict[str, Any]) -> dict[str, Any]:
        names = [field["name"] for field in self._fields]
        return dict(zip(names, self._reader.read(body), strict=True))

    def show(self, value: dict[str, Any]) -> str:
        return ", ".join(f"{name} {one}" for name, one in value.items() if one is not None)

    def draw(self, _: Any) -> None:
        """Nothing."""

    def describe(self, schema: Schema, example: dict[str, Any]) -> dict[str, Any]:
        words = {one.name: one.model_dump(include={*WORDS}) for one in schema.fields or ()}
        fields = [
            {
                **field,
                **{word: text for word, text in words[field["name"]].items() if text},
                "example": example[field["name"]],
            }
            for field in self._fields
        ]
        return {"kind": "record", "fields": fields}


def complete_fields(
    fields: Sequence[RecordField], train: Sequence[Example]
) -> list[dict[str, Any]]:
    """The fields of a schema with what the training part tells of each.

    Values of another type than the field's are left to `check_form`.
    """
    return [_complete(field, [one.input.get(field.name) for one in train]) for field in fields]


def _complete(field: RecordField, column: list[Any]) -> dict[str, Any]:
    seen = [value for value in column if value is not None]
    has_nulls = len(seen) < len(column)
    completed: dict[str, Any] = {
        "name": field.name,
        "type": field.type,
        "nullable": has_nulls if field.nullable is None else field.nullable,
        "example": seen[0] if seen else None,
    }
    numbers = [value for value in seen if type(value) in (int, float)]
    if field.type in ("number", "integer") and numbers:
        completed["range"] = [min(numbers), max(numbers)]
    values = sorted({value for value in seen if isinstance(value, str)})
    if field.type == "category" and 0 < len(values) <= MAX_CATEGORIES:
        completed["values"] = values
    return completed


def _profile(table: pd.DataFrame, field: dict[str, Any]) -> dict[str, Any]:
    """The share that is null, and quantiles of a number or shares of the most frequent values."""
    column = table[field["name"]]
    found: dict[str, Any] = {"missing": float(column.isna().mean())}
    present = column.dropna()
    if present.empty or field["type"] == "text":
        return found
    if field["type"] in ("number", "integer"):
        return found | find_quantiles(present.to_numpy(dtype=np.float64))
    counts = Counter(str(value) for value in present).most_common(20)
    return found | {"shares": {value: count / len(column) for value, count in counts}}

"""Rows side by side: ColumnTransformer and FeatureUnion; and a sparse row with its zeros."""

from __future__ import annotations

from serving.app.engines.frozen.ops import build, run
from serving.app.engines.frozen.rows import MAX_WIDTH, Features, check_width, gather, spread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile


class Join:
    """What several parts make of a row, or of columns of it, one after the other.

    Settings:

    - `takes`, of the row;
    - `parts`, a list of ops each, perhaps none;
    - `columns`, of each part: numbers of columns; one number, whose value it is given alone; or
      null, for the row as it is;
    - `widths`, of each part: how many columns it gives;
    - `factors`, of each part: what its values are multiplied by, or null;
    - `sparse`, whether a sparse row is given.
    """

    def __init__(self, file: FrozenFile, op: dict[str, Any]) -> None:
        self.takes: str = op["takes"]
        self.gives = "features" if op["sparse"] else "values"
        self._parts = []
        start = 0
        for ops, columns, width, factor in zip(
            op["parts"], op["columns"], op["widths"], op["factors"], strict=True
        ):
            takes = self.takes
            if columns is not None:
                if takes != "values":
                    raise ValueError(f"columns of {takes}")
                takes = "text" if isinstance(columns, int) else "values"
            built, gives = build(file, ops, takes)
            if gives not in ("values", "features"):
                raise ValueError(f"a part gives {gives}")
            if factor is not None:
                factor = float(factor)  # noqa: PLW2901 - times a whole number a text grows
            self._parts.append((built, columns, start, width, factor, gives == "features"))
            start += width
        if self.gives == "values":
            check_width(start)

    def __call__(self, row: Any) -> Any:
        return self._join_sparse(row) if self.gives == "features" else self._join(row)

    def _join(self, row: Any) -> list[Any]:
        joined: list[Any] = []
        for ops, columns, _, width, factor, sparse in self._parts:
            found = run(ops, _choose(row, columns))
            values = spread(found, width) if sparse else found
            # Of parts that gave more, each of a few joins would double a row.
            if len(values) != width:
                raise ValueError("a part of another width")
            joined += values if factor is None else [value * factor for value in values]
        return joined

    def _join_sparse(self, row: Any) -> Features:
        joined = Features([], [])
        for ops, columns, start, _, factor, sparse in self._parts:
            found = run(ops, _choose(row, columns))
            part = found if sparse else gather(found)
            if len(joined.columns) + len(part.columns) > MAX_WIDTH:
                raise ValueError("a part of another width")
            joined.columns += [start + column for column in part.columns]
            joined.values += (
                part.values if factor is None else [value * factor for value in part.values]
            )
        return joined


def _choose(row: Any, columns: Any) -> Any:
    if columns is None:
        return row
    return row[columns] if isinstance(columns, int) else [row[column] for column in columns]


class Dense:
    """A sparse row to the list of its values. Settings: `width`."""

    takes, gives = "features", "values"

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._width = check_width(op["width"])

    def __call__(self, row: Features) -> list[float]:
        return spread(row, self._width)

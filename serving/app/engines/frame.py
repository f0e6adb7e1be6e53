"""Records as the table that a pipeline over records was trained on: training and service share it.

Each column gets the type that it had in training, whatever the rows at hand hold: left to itself,
pandas would make another type of a column of nulls, and one row would not be answered as the same
row in a batch. Null is NaN.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

# By a field's type: of a field that is never null, and of one that may be.
DTYPES = {
    "number": ("float64", "float64"),
    "integer": ("int64", "float64"),
    "boolean": ("bool", "float64"),
    "text": ("str", "str"),
    "category": ("str", "str"),
}


def build_frame(
    fields: Sequence[dict[str, Any]], records: Sequence[tuple[Any, ...]]
) -> pd.DataFrame:
    """The table of records.

    Args:
        fields: The manifest's description of each.
        records: The values of each record, in the fields' order; None where they are missing.
    """
    columns = zip(*records, strict=True)
    return pd.DataFrame(
        {
            field["name"]: _build_column(column, DTYPES[field["type"]][field["nullable"]])
            for field, column in zip(fields, columns, strict=True)
        }
    )


def _build_column(values: Sequence[Any], dtype: str) -> Any:
    """Not a Series: its index is all that it would add, and of a record takes most of the time."""
    if dtype == "str":
        return pd.array(list(values), dtype=dtype)
    return np.array(values, dtype=dtype)

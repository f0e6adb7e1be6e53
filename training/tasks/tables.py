"""Tables that DVC plots."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def write_table(path: Path, names: list[str], rows: Iterable[dict[str, Any]]) -> None:
    """Write rows by the names of their columns."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, fieldnames=names)
        table.writeheader()
        table.writerows(rows)

"""Parquet: rows as values."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

from scoring.plan import Form
from scoring.sources import CHUNK_ROWS, Place, Raw
from training.console import StepError
from training.data.origin import hash_file

# In the image of bulk nothing can be written beside the code.
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "preserve_insertion_order": True,
    "temp_directory": tempfile.gettempdir(),
}


class Parquet:
    """A Parquet file; methods and attributes as of `sources.Source`.

    Args:
        path: The file.

    Raises:
        StepError: It is none.
    """

    form: Form = "parquet"
    delimiter = ","

    def __init__(self, path: Path) -> None:
        self._path = path
        self.start = Place(0, 1)
        try:
            with connect() as database:
                columns = database.execute(
                    "DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]
                ).fetchall()
                count = database.execute("SELECT count(*) FROM read_parquet(?)", [str(path)])
                (self.total,) = count.fetchone() or (0,)
        except duckdb.Error as error:
            raise _tell(path, error) from None
        self.kinds = {str(name): str(kind) for name, kind, *_ in columns}
        self.names = [*self.kinds]

    def read(self, place: Place) -> Iterator[Raw]:
        position = place.position
        try:
            with connect() as database:
                found = database.execute(
                    f"SELECT * FROM read_parquet(?) OFFSET {position:d}",  # noqa: S608 - a number
                    [str(self._path)],
                )
                while rows := found.fetchmany(CHUNK_ROWS):
                    for values in rows:
                        position += 1
                        yield Raw(position, values, Place(position, position + 1))
        except duckdb.Error as error:
            raise _tell(self._path, error) from None

    def hash(self) -> str:
        return hash_file(self._path)


def connect() -> duckdb.DuckDBPyConnection:
    """A database that reads and writes rows in their order."""
    return duckdb.connect(config=SETTINGS)


def _tell(path: Path, error: duckdb.Error) -> StepError:
    first, *_ = str(error).splitlines()
    return StepError(f"{path} is no Parquet file that can be read ({first})")

"""CSV and JSON lines: rows as bytes, each with its line."""

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from scoring.plan import Form
from scoring.sources import Place, Raw
from training.console import StepError
from training.data.origin import hash_file
from training.data.table import DELIMITERS, QUOTED, read_table

MAX_ROW_BYTES = 16 * 1024 * 1024  # the largest picture in base64, three times
BOM = b"\xef\xbb\xbf"

# What was read of a line, no more than of a row and a byte, and how many bytes it has.
type Line = tuple[bytes, int]


class Lines:
    """A file of rows in lines; methods and attributes as of `sources.Source`.

    Args:
        path: The file.
        form: Its form.

    Raises:
        StepError: Its first line has no names of columns.
    """

    def __init__(self, path: Path, form: Form) -> None:
        self.form = form
        self.total = path.stat().st_size
        self.delimiter = ","
        self.names: list[str] = []
        self.kinds: dict[str, str] = {}
        self._path = path
        with path.open("rb") as file:
            first = file.readline(MAX_ROW_BYTES + 1)
        if form == "csv":
            self._read_header(first)
        else:
            self.start = Place(len(BOM) if first.startswith(BOM) else 0, 1)

    def _read_header(self, first: bytes) -> None:
        if len(first) > MAX_ROW_BYTES:
            raise StepError(f"{self._path}: the first line has more than {MAX_ROW_BYTES:,} bytes")
        self.names = read_table(self._path, "csv").names
        self.kinds = dict.fromkeys(self.names, "VARCHAR")
        # As training tells it.
        plain = QUOTED.sub("", first.decode())
        self.delimiter = max(DELIMITERS, key=plain.count)
        self.start = Place(len(first), 2)

    def read(self, place: Place) -> Iterator[Raw]:
        with self._path.open("rb") as file:
            file.seek(place.position)
            lines = _Lines(file)
            position, number = place
            while taken := lines.take():
                if self.form == "csv" and b'"' in taken[0]:
                    row = self._take_quoted(taken, lines)
                else:
                    row = [taken]
                position += sum(size for _, size in row)
                data = b"".join(line for line, _ in row)
                if not self._is_blank(data):
                    value = data if len(data) <= MAX_ROW_BYTES else None
                    yield Raw(number, value, Place(position, number + len(row)))
                number += len(row)

    def _is_blank(self, data: bytes) -> bool:
        return data in (b"\n", b"\r\n") if self.form == "csv" else not data.strip()

    def _take_quoted(self, first: Line, lines: "_Lines") -> list[Line]:
        """The lines of a row: what is quoted may have ends of lines in it.

        Where a quote is never closed, or what follows it is no CSV, the first line alone is the
        row: it will be told as wrong, and what follows is read.
        """
        taken = [first]

        def pull() -> Iterator[str]:
            yield first[0].decode("latin-1")  # delimiters and quotes are ASCII
            room = MAX_ROW_BYTES - len(first[0])
            while room > 0 and (more := lines.take()):
                taken.append(more)
                room -= len(more[0])
                yield more[0].decode("latin-1")

        try:
            next(csv.reader(pull(), delimiter=self.delimiter, strict=True))
        except csv.Error:
            lines.put_back(taken[1:])
            return taken[:1]
        return taken

    def hash(self) -> str:
        return hash_file(self._path)


class _Lines:
    """Lines of a file, which can be put back."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._waiting: deque[Line] = deque()

    def take(self) -> Line | None:
        """The next line; None at the end."""
        if self._waiting:
            return self._waiting.popleft()
        line = self._file.readline(MAX_ROW_BYTES + 1)
        size, rest = len(line), line if len(line) > MAX_ROW_BYTES else b"\n"
        while rest and not rest.endswith(b"\n"):
            rest = self._file.readline(MAX_ROW_BYTES)
            size += len(rest)
        return (line, size) if line else None

    def put_back(self, lines: list[Line]) -> None:
        self._waiting.extendleft(reversed(lines))

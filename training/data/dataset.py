"""The prepared documents: one JSON object a line, in the order of the source."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Document:
    """A labelled text. `row` is its line in the source's file, counted from 1."""

    row: int
    label: str
    text: str


def write_documents(path: Path, documents: Iterable[Document]) -> None:
    """Write documents, making the folder where needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for document in documents:
            file.write(json.dumps(asdict(document), ensure_ascii=False) + "\n")


def iterate_rows(path: Path) -> Iterator[object]:
    """The JSON value of each line."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def read_documents(path: Path) -> list[Document]:
    """Read what `write_documents` wrote."""
    return [Document(**row) for row in iterate_rows(path)]  # type: ignore[arg-type]


def hash_files(*paths: Path) -> str:
    """The sha256, in hex, of a file; of several files, that of their digests in order."""
    digests = [hashlib.sha256(path.read_bytes()) for path in paths]
    if len(digests) == 1:
        return digests[0].hexdigest()
    return hashlib.sha256(b"".join(one.digest() for one in digests)).hexdigest()

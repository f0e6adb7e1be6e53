"""Where the tests' own model has its data from: what `write_archive` of sample.py wrote."""

import json
from pathlib import Path

from training.dataset import Document
from training.paths import ARCHIVE


def read_part(part: str, archive: Path = ARCHIVE) -> list[Document]:
    rows = json.loads(archive.read_text(encoding="utf-8"))[part]
    return [Document(number, *row) for number, row in enumerate(rows, start=1)]

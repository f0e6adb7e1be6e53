"""Where the tests' own model has its data from: what `write_archive` of sample.py wrote."""

import json
import shutil
from pathlib import Path
from typing import Literal

from training.contract import Source, SourceSettings
from training.data.dataset import Example
from training.settings.schema import Schema

ARCHIVE = "sample.json"
OTHER = "other-"  # how the labels begin that are not among the ten


class Settings(SourceSettings):
    topics: Literal["ten", "all"]


def fetch(folder: Path, _: SourceSettings) -> None:
    """Copy it from where `put_model` wrote that it is."""
    shutil.copy(Path(__file__).with_name("archive.txt").read_text(), folder / ARCHIVE)


def split(folder: Path, settings: Settings, _: Schema) -> tuple[list[Example], list[Example]]:
    parts = json.loads((folder / ARCHIVE).read_text(encoding="utf-8"))
    train, test = (
        [
            Example(number, *row)
            for number, row in enumerate(parts[part], start=1)
            if settings.topics == "all" or not row[0].startswith(OTHER)
        ]
        for part in ("train", "test")
    )
    return train, test


SOURCE = Source("Words made up here", fetch, split, Settings)

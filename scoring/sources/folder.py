"""A folder of pictures: rows as paths."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scoring.plan import Form
from scoring.sources import Place, Raw

SUFFIXES = (".png", ".jpg", ".jpeg")


class Folder:
    """The pictures of a folder and the folders in it, by name; as `sources.Source`."""

    form: Form = "folder"
    delimiter = ","

    def __init__(self, path: Path) -> None:
        self._path = path
        self.start = Place(0, 1)
        self.names = ["image"]
        self.kinds = {"image": "VARCHAR"}
        self.total = sum(1 for _ in _list_pictures(path))

    def read(self, place: Place) -> Iterator[Raw]:
        for number, (name, _) in enumerate(_list_pictures(self._path), start=1):
            if number > place.position:
                yield Raw(number, name, Place(number, number + 1))

    def hash(self) -> str:
        found = hashlib.sha256()
        for name, about in _list_pictures(self._path):
            found.update(f"{name!r} {about.st_size} {about.st_mtime_ns}\n".encode())
        return found.hexdigest()


def _list_pictures(folder: Path, before: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """Each picture's path in the folder, in one order on every machine, and what is known of it."""
    with os.scandir(folder) as entries:
        found: list[Any] = sorted(entries, key=lambda one: one.name)
    for entry in found:
        name = before + entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _list_pictures(Path(entry.path), f"{name}/")
        elif entry.name.lower().endswith(SUFFIXES) and entry.is_file():
            yield name, entry.stat()

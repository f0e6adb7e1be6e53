"""Writes frozen files; serving/app/frozen_file.py describes the format, and reads it."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from serving.app.files import digest
from serving.app.frozen_file import BLOCK, FORMAT, MAGIC, PREFIX


class Stage(NamedTuple):
    """A stage of a frozen model.

    Attributes:
        type: Its type, a name of serving.app.frozen.STAGES.
        settings: What JSON can hold.
        sections: Its data, by name.
    """

    type: str
    settings: dict[str, Any]
    sections: dict[str, bytes]


def write(path: Path, classes: list[str], stages: list[Stage]) -> str:
    """Write a frozen file.

    Returns:
        The hash of its root, in hex, which the manifest pins.
    """
    header, sections = _lay_out(classes, stages)
    prefix = MAGIC + FORMAT.to_bytes(4, "little") + len(header).to_bytes(4, "little")
    data = _fill(b"".join([prefix, header, *sections]))
    leaves = _fill(_hash_blocks(data))
    root = _hash_blocks(leaves)
    path.write_bytes(data + leaves + root)
    return digest(root).hex()


def _lay_out(classes: list[str], stages: list[Stage]) -> tuple[bytes, list[bytes]]:
    """The header, and the sections in the order of their places."""
    sections = [section for stage in stages for section in stage.sections.values()]
    length = 0
    while True:  # the header holds the places of what follows it, and they its length
        place = PREFIX + length
        listed = []
        for stage in stages:
            places = {}
            for name, section in stage.sections.items():
                places[name] = [place, place + len(section)]
                place += len(section)
            listed.append({"type": stage.type, **stage.settings, "sections": places})
        text = json.dumps({"classes": classes, "stages": listed}, allow_nan=False)
        if len(text) <= length:
            return text.ljust(length).encode("ascii"), sections
        length = len(text)


def _fill(data: bytes) -> bytes:
    """Fill the last block with zeros."""
    return data + bytes(-len(data) % BLOCK)


def _hash_blocks(data: bytes) -> bytes:
    return b"".join(digest(data[place : place + BLOCK]) for place in range(0, len(data), BLOCK))

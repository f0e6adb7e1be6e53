"""Writes frozen files; serving/app/engines/frozen/file.py describes the format, and reads it."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from serving.app.engines.frozen.file import BLOCK, FORMAT, MAGIC, PREFIX
from serving.bundle.files import digest


class Op(NamedTuple):
    """A op of a frozen model.

    Attributes:
        type: Its type, a name of serving.app.engines.frozen.engine.OPS.
        settings: What JSON can hold.
        sections: Its data, by name.
    """

    type: str
    settings: dict[str, Any]
    sections: dict[str, bytes]


def write(path: Path, classes: list[str], ops: list[Op]) -> str:
    """Write a frozen file.

    Returns:
        The hash of its root, in hex, which the manifest pins.
    """
    header, sections = _lay_out(classes, ops)
    prefix = MAGIC + FORMAT.to_bytes(4, "little") + len(header).to_bytes(4, "little")
    data = _fill(b"".join([prefix, header, *sections]))
    leaves = _fill(_hash_blocks(data))
    root = _hash_blocks(leaves)
    path.write_bytes(data + leaves + root)
    return digest(root).hex()


def _lay_out(classes: list[str], ops: list[Op]) -> tuple[bytes, list[bytes]]:
    """The header, and the sections in the order of their places."""
    sections = [section for op in ops for section in op.sections.values()]
    length = 0
    while True:  # the header holds the places of what follows it, and they its length
        place = PREFIX + length
        listed = []
        for op in ops:
            places = {}
            for name, section in op.sections.items():
                places[name] = [place, place + len(section)]
                place += len(section)
            listed.append({"type": op.type, **op.settings, "sections": places})
        text = json.dumps({"classes": classes, "ops": listed}, allow_nan=False)
        if len(text) <= length:
            return text.ljust(length).encode("ascii"), sections
        length = len(text)


def _fill(data: bytes) -> bytes:
    """Fill the last block with zeros."""
    return data + bytes(-len(data) % BLOCK)


def _hash_blocks(data: bytes) -> bytes:
    return b"".join(digest(data[place : place + BLOCK]) for place in range(0, len(data), BLOCK))

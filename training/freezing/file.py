"""Writes frozen files; serving/app/engines/frozen/file.py describes the format, and reads it."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from serving.app.engines.frozen.file import BLOCK, FORMAT, MAGIC, PREFIX
from serving.bundle.files import digest


class Op(NamedTuple):
    """An op of a frozen model.

    Attributes:
        type: Its type, a name of serving.app.engines.frozen.ops.OPS.
        settings: What JSON can hold.
        sections: Its data, by name.
        parts: The ops of each part of one that joins others.
    """

    type: str
    settings: dict[str, Any]
    sections: dict[str, bytes]
    parts: list[list[Any]] = []  # noqa: RUF012 - nobody changes it


class Model(NamedTuple):
    """What a frozen file holds; serving/app/engines/frozen/file.py says what each is.

    Attributes:
        classes: The labels, in the classifier's order; none of a regression.
        ops: One after the other.
        explain: Which op explains, and of which field each of its columns is.
        counts_terms: Whether the first op says how many terms a text has.
    """

    classes: list[str]
    ops: list[Op]
    explain: dict[str, Any] | None = None
    counts_terms: bool = False


def write(path: Path, model: Model) -> str:
    """Write a frozen file.

    Returns:
        The hash of its root, in hex, which the manifest pins.
    """
    data, root = seal(*_lay_out(model))
    path.write_bytes(data)
    return root


def seal(header: bytes, sections: Iterable[bytes]) -> tuple[bytes, str]:
    """A file with its hash tree, and the hash of its root in hex.

    Args:
        header: In JSON.
        sections: What comes after it.
    """
    prefix = MAGIC + FORMAT.to_bytes(4, "little") + len(header).to_bytes(4, "little")
    data = _fill(b"".join([prefix, header, *sections]))
    leaves = _fill(_hash_blocks(data))
    root = _hash_blocks(leaves)
    return data + leaves + root, digest(root).hex()


def _lay_out(model: Model) -> tuple[bytes, list[bytes]]:
    """The header, and the sections in the order of their places."""
    length = 0
    while True:  # the header holds the places of what follows it, and they its length
        sections: list[bytes] = []
        listed = list_ops(model.ops, PREFIX + length, sections)
        header = {**model._asdict(), "ops": listed}
        text = json.dumps(header, allow_nan=False)
        if len(text) <= length:
            return text.ljust(length).encode("ascii"), sections
        length = len(text)


def list_ops(ops: list[Op], start: int, sections: list[bytes]) -> list[dict[str, Any]]:
    """Ops as the header has them; their sections, the first one at `start`, are noted."""
    listed = []
    for op in ops:
        places = {}
        for name, section in op.sections.items():
            place = start + sum(map(len, sections))
            places[name] = [place, place + len(section)]
            sections.append(section)
        one = {"type": op.type, **op.settings, "sections": places}
        if op.parts:
            one["parts"] = [list_ops(part, start, sections) for part in op.parts]
        listed.append(one)
    return listed


def _fill(data: bytes) -> bytes:
    """Fill the last block with zeros."""
    return data + bytes(-len(data) % BLOCK)


def _hash_blocks(data: bytes) -> bytes:
    return b"".join(digest(data[place : place + BLOCK]) for place in range(0, len(data), BLOCK))

"""The prepared examples: one JSON object a line, in the order of the source."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SHOWN_ROWS = 10


@dataclass(frozen=True)
class Example:
    """What a model learns from, or is tested on.

    Attributes:
        row: Its line in the source's file, counted from 1.
        target: What the model should answer: a label, or a number.
        input: What it is asked: a text, or a record, which is its values by the fields' names.
    """

    row: int
    target: str | float
    input: Any


def write_examples(path: Path, examples: Iterable[Example]) -> None:
    """Write examples, making the folder where needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for example in examples:
            file.write(json.dumps(asdict(example), ensure_ascii=False) + "\n")


def iterate_rows(path: Path) -> Iterator[object]:
    """The JSON value of each line."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def read_examples(path: Path) -> list[Example]:
    """Read what `write_examples` wrote."""
    return [Example(**row) for row in iterate_rows(path)]  # type: ignore[arg-type]


def write_trials(path: Path, trials: Mapping[str, Iterable[Example]]) -> None:
    """Write the examples of trials, by the name of their group."""
    found = {group: [asdict(one) for one in examples] for group, examples in trials.items()}
    path.write_text(json.dumps(found, ensure_ascii=False) + "\n", encoding="utf-8")


def read_trials(path: Path) -> dict[str, list[Example]]:
    """Read what `write_trials` wrote."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return {group: [Example(**one) for one in examples] for group, examples in found.items()}


def hash_files(*paths: Path) -> str:
    """The sha256, in hex, of a file; of several files, that of their digests in order."""
    digests = [hashlib.sha256(path.read_bytes()) for path in paths]
    if len(digests) == 1:
        return digests[0].hexdigest()
    return hashlib.sha256(b"".join(one.digest() for one in digests)).hexdigest()


def list_rows(rows: Sequence[int]) -> str:
    """The first rows, and how many more there are."""
    shown = ", ".join(map(str, rows[:SHOWN_ROWS]))
    more = len(rows) - SHOWN_ROWS
    return f"{shown} and {more} more" if more > 0 else shown

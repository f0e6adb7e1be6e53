"""What a scorer has to know: with a chunk of rows it decides every byte that is written."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from serving.bundle.manifest import MANIFEST_NAME

ROOT = Path(__file__).parents[1]
# What rows are read from, and what they are written as; Parquet is made of JSON lines at the end.
type Form = Literal["csv", "jsonl", "parquet", "folder"]
type Written = Literal["csv", "jsonl"]

# What each task adds to a row; before them stands where the row was, after them these.
ANSWERS = {"classification": ("label", "probability"), "regression": ("value", "low", "high")}
FIRST, LAST = "row", ("model", "error")


@dataclass(frozen=True)
class Plan:
    """How rows are read, predicted from and written.

    Attributes:
        bundle: The model's folder; relative to the repository, where it is in there.
        model: Of its manifest, the hash.
        form: What rows are read from.
        names: The columns of a table; of JSON lines in the order in which they appear.
        delimiter: Of CSV.
        column: What a text or a picture is in.
        nulls: Texts of CSV that stand for null.
        home: The folder that paths of pictures start in; "" where none may be read.
        written: What rows are written as.
        kept: Which columns are written, too.
        mark: The delimiter of what is written as CSV.
        prefix: What stands before the names of the columns that are added.
    """

    bundle: str
    model: str
    form: Form
    names: tuple[str, ...]
    delimiter: str
    column: str
    nulls: tuple[str, ...]
    home: str
    written: Written
    kept: tuple[str, ...]
    mark: str
    prefix: str

    @property
    def folder(self) -> Path:
        return ROOT / self.bundle


def list_added(prefix: str, task: str) -> list[str]:
    """The names of the columns that are added to a row."""
    return [prefix + name for name in (FIRST, *ANSWERS[task], *LAST)]


def shorten(bundle: Path) -> str:
    """A path that holds on other machines, too, where the bundle is the repository's."""
    whole = bundle.absolute()
    return str(whole.relative_to(ROOT) if whole.is_relative_to(ROOT) else whole)


def hash_manifest(bundle: Path) -> str:
    """What tells one model from another, its labels and its interval included."""
    return hashlib.sha256((bundle / MANIFEST_NAME).read_bytes()).hexdigest()


@cache
def hash_code() -> str:
    """Of the code that reads, predicts and writes."""
    found = hashlib.sha256()
    for path in sorted(_list_sources()):
        data = path.read_bytes()
        found.update(f"{path.relative_to(ROOT)} {len(data)} ".encode() + data)
    return found.hexdigest()[:12]


def _list_sources() -> list[Path]:
    places: list[Any] = [ROOT / "scoring", ROOT / "serving/app", ROOT / "serving/bundle"]
    found = [path for place in places for path in place.rglob("*.py")]
    ours = [path for path in found if "tests" not in path.relative_to(ROOT).parts]
    return [*ours, ROOT / "training/data/convert.py"]

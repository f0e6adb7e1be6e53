"""The frozen engine: serves a frozen model with the standard library alone.

A frozen model is a list of typed ops (ops/__init__.py); see file.py for its file.
"""

from __future__ import annotations

import json
import os
import sys

from serving.app import native
from serving.app.engines.base import Scores
from serving.app.engines.frozen.file import FORMAT, MAGIC, PREFIX, FrozenFile
from serving.app.engines.frozen.ops import build, join, run
from serving.bundle import errors
from serving.bundle.files import name_command
from serving.bundle.inputs import list_columns
from serving.bundle.manifest import FROZEN_NAME, python_version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from serving.bundle.files import Folder
    from serving.bundle.manifest import Manifest

# From so many inputs or characters on it pays to keep the model whole. Of characters as many hold
# more terms than are kept: looked up one by one, they are looked up again and again.
LARGE_BATCH = 200
LARGE_CHARS = 200_000
# Up to so many bytes of a file, for many texts (some 170,000 terms of twenty labels) and for many
# characters: a full body costs one by one, of 200,000 terms, five seconds, and whole one.
MAX_READ_WHOLE = 32 * 1024 * 1024
MAX_READ_FOR_CHARS = 128 * 1024 * 1024


class FrozenEngine:
    """Scores inputs with a frozen model.

    Attributes:
        classes: The labels, in the classifier's order; none of a regression.
        kernel: Which does the arithmetic: "native" or "python".

    Args:
        file: The model's.
        described: What it takes, as the manifest describes the input.

    Raises:
        BundleDamaged: The file's header is not one that this code can serve.
    """

    def __init__(self, file: FrozenFile, described: dict[str, Any]) -> None:
        self._file = file
        self._described = described
        self.kernel = native.tell_kernel()
        try:
            header = _read_header(file)
            self.classes: list[str] = header["classes"]
            self._explain: dict[str, Any] | None = header["explain"]
            self._ops, gives = build(file, header["ops"], described["kind"])
            self._head, *self._rest = join(self._ops, [op["type"] for op in header["ops"]])
            self._counts_terms: bool = header["counts_terms"]
            self._check(gives)
        except errors.BundleDamaged:
            raise
        except Exception as error:
            raise errors.BundleDamaged(
                f"{FROZEN_NAME} is not one that this code can serve "
                f"({type(error).__name__}): {file.mend}"
            ) from error
        # Of other ops each input reads all that there is.
        self._readers = [op for op in self._ops if hasattr(op, "read_all")]

    def _check(self, gives: str) -> None:
        """Refuse ops that do not answer what the model's task asks, or count no terms.

        Raises:
            ValueError: They do not.
        """
        if self._counts_terms and not hasattr(self._head, "read"):
            raise ValueError("the first op counts no terms")
        if gives != ("outcome" if self.classes else "values"):
            raise ValueError(f"the last op gives {gives}")
        if not self.classes:
            return
        if self.votes:  # what votes takes other numbers of scores
            if self._ops[-1].labels != len(self.classes):
                raise ValueError(f"votes for {self._ops[-1].labels} labels")
        elif len(self._ops) > 1 and hasattr(self._ops[-2], "check"):
            self._ops[-2].check(len(self.classes))

    def score(self, values: Sequence[Any]) -> list[Scores]:
        if self._readers and self._are_many(values):
            for op in self._readers:
                op.read_all()
        found = []
        for value in values:  # one after the other: of wide rows one fits into the memory
            if self._counts_terms:
                row, terms, unknown = self._head.read(value)
            else:
                row, terms, unknown = self._head(value), None, None
            found.append(self._tell(run(self._rest, row), terms, unknown))
        return found

    def check(self) -> None:
        self._file.check()

    def _tell(self, outcome: Any, terms: int | None, unknown: int | None) -> Scores:
        if self.classes:
            label, probabilities = outcome
            return Scores(label, probabilities, terms, unknown)
        return Scores(terms=terms, unknown_terms=unknown, value=outcome[0])

    def _are_many(self, values: Sequence[Any]) -> bool:
        if len(values) >= LARGE_BATCH and self._file.size <= MAX_READ_WHOLE:
            return True
        if self._described["kind"] != "text" or self._file.size > MAX_READ_FOR_CHARS:
            return False
        return sum([len(value) for value in values]) >= LARGE_CHARS

    def run(self, value: Any, stop: int | None = -1) -> Any:
        """What the ops up to `stop` make of an input: of a classifier all but one, its scores."""
        return run(self._ops[:stop], value)

    @property
    def first(self) -> Any:
        """The first op, which reads the input."""
        return self._ops[0]

    @property
    def votes(self) -> bool:
        """Whether scores are decisions between each two labels, and the label wins most of them."""
        return hasattr(self._ops[-1], "labels")

    def explain(self, value: Any, label: int) -> list[tuple[str, float]] | None:
        if self._explain is None:
            return None
        place, owners = self._explain["op"], self._explain["owners"]
        weighed = self._ops[place].weigh(self.run(value, place), label)
        if weighed is None:
            return None
        if owners is None:
            names = self._ops[0].names(value)
            return sorted(((names[one], weight) for one, weight in weighed), key=lambda x: -x[1])
        totals = dict.fromkeys(range(len(names := list_columns(self._described))), 0.0)
        for column, weight in weighed:
            totals[owners[column]] += weight
        pairs = [(names[field], weight) for field, weight in totals.items()]
        return sorted(pairs, key=lambda pair: -abs(pair[1]))


def _read_header(file: FrozenFile) -> Any:
    """The header, parsed.

    Raises:
        ValueError: This is no frozen file, or one of another format.
    """
    prefix = file.read(0, PREFIX)
    if prefix[:-4] != MAGIC + FORMAT.to_bytes(4, "little"):
        raise ValueError("not of this format")
    return json.loads(file.read(PREFIX, PREFIX + int.from_bytes(prefix[-4:], "little")))


def load(bundle: Folder, manifest: Manifest) -> FrozenEngine:
    """Open the frozen model that the manifest pins.

    Raises:
        BundleMissing, BundleDamaged: model.frozen is not there, not the manifest's, or nothing
            that this code can serve.
        VersionMismatch: It was frozen with another Python, whose Unicode tables may differ.
    """
    if manifest.versions.get("python") != python_version():
        raise errors.VersionMismatch(
            f"the model was frozen with Python {manifest.versions.get('python', 'unknown')} "
            f"(here: {python_version()}): use that one, or train it again with "
            f"{name_command('train', bundle)}"
        )
    if sys.byteorder != "little":
        raise errors.VersionMismatch("a frozen model needs a little-endian processor")
    pin = manifest.files[FROZEN_NAME]
    path = os.path.join(bundle, FROZEN_NAME)
    engine = FrozenEngine(FrozenFile(path, pin.size, manifest.frozen["root"]), manifest.input)
    if engine.classes != [label.id for label in manifest.labels]:
        raise errors.BundleDamaged(
            f"the labels of {FROZEN_NAME} are not the manifest's: "
            f"{name_command('train', bundle)} writes both again"
        )
    return engine

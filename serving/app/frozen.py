"""The frozen model: one file that the standard library alone reads, piece by piece.

Format, version 1. Integers are little-endian, numbers are IEEE 754 doubles, a block has 4,096
bytes; training/frozen_file.py writes what this module reads.

    data     "QTFROZEN" | u32 format version | u32 length of the header | header | sections
             The header is JSON in ASCII: {"classes": [label…], "stages": [stage…]}. A stage is
             {"type": …, its settings, "sections": {name: [start, stop]}}, places counted in bytes
             from the start of the file; the classes of `STAGES` say what each type has. The first
             stage takes a text, each other one what the one before it gives, the last one gives
             label and probabilities. Zeros fill the last block.
    leaves   the BLAKE2b-256 hash of each data block, 32 bytes each; zeros fill the last block
    root     the BLAKE2b-256 hash of each block of leaves, 32 bytes each

The manifest pins the file's size and the hash of the root. With that a block is checked against
its leaf, and the leaf's block against the root, when it is first read: a hash tree of two levels,
as fs-verity has it (docs.kernel.org, "fs-verity: read-only file-based authenticity protection").
Starting costs the same whatever the model's size, and nothing unchecked is ever looked at.

Read, not mapped: of a mapped file that is cut short while it is served, the next access ends the
process (SIGBUS); a read can be refused. The bytes that were checked are the bytes that are used.
"""

from __future__ import annotations

import json
import os
import sys

from serving.app.classify import Calibrate, Classify, Linear
from serving.app.engine import Scores
from serving.app.errors import BundleDamaged, BundleMissing, VersionMismatch
from serving.app.manifest import FROZEN_NAME, python_version
from serving.app.memo import Memo
from serving.app.vectorize import Vectorize

try:  # hashlib's own; hashlib itself loads OpenSSL, a tenth of a cold start
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from serving.app.manifest import Folder, Manifest

MAGIC = b"QTFROZEN"
FORMAT = 1
BLOCK = 4096
HASH = 32
LEAVES = BLOCK // HASH  # in a block
PREFIX = len(MAGIC) + 8
# From so many texts numpy saves a millisecond or more, and pays for its import in a few batches.
LARGE_BATCH = 200
KEPT_BLOCKS = 256  # 1 MiB: what was read of them is kept elsewhere

STAGES: dict[str, Any] = {
    "vectorize": Vectorize,
    "linear": Linear,
    "classify": Classify,
    "calibrate": Calibrate,
}
_MEND = "'make serve' gets the model of this commit, 'make train' makes it"


def digest(data: bytes) -> bytes:
    """The hash of a block, or of the root."""
    return blake2b(data, digest_size=HASH).digest()


def count_blocks(size: int) -> tuple[int, int]:
    """How many blocks of data and of leaves a file of `size` bytes has.

    Raises:
        ValueError: No frozen file has this size.
    """
    leaves = -(-size // (BLOCK * LEAVES + BLOCK + HASH))
    blocks, rest = divmod(size - leaves * HASH, BLOCK)
    blocks -= leaves
    if rest or not max(0, (leaves - 1) * LEAVES) < blocks <= leaves * LEAVES:
        raise ValueError(f"no frozen file has {size} bytes")
    return blocks, leaves


class FrozenFile:
    """A frozen file, open for reading.

    Args:
        path: Where it is.
        size: Its size in bytes, as the manifest says.
        root: The hash of its root in hex, as the manifest says.

    Raises:
        BundleMissing, BundleDamaged: It is not there, or not the file of the manifest.
    """

    def __init__(self, path: str, size: int, root: str) -> None:
        self._path = path
        self._descriptor = -1
        try:
            self._descriptor = os.open(path, os.O_RDONLY)
            found = os.fstat(self._descriptor).st_size
        except OSError as error:
            raise BundleMissing(f"{path} cannot be read ({error.strerror}): {_MEND}") from None
        if found != size:
            raise BundleDamaged(f"{path} has {found} bytes, the manifest says {size}: {_MEND}")
        try:
            self._blocks, leaves = count_blocks(size)
        except ValueError as error:
            raise self._damaged(str(error)) from None
        self._root = self._pread((self._blocks + leaves) * BLOCK, leaves * HASH)
        if digest(self._root).hex() != root:
            raise self._damaged("the hash of its root is not the manifest's")
        self._checked = Memo(self._read_block, KEPT_BLOCKS)

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def read(self, start: int, stop: int) -> bytes:
        """The bytes from `start` up to `stop`, checked.

        Raises:
            BundleDamaged: A block of them is not what was written, or they are not data.
        """
        if not 0 <= start <= stop <= self._blocks * BLOCK:
            raise self._damaged(f"it refers to bytes {start} to {stop}, which it does not have")
        first, place = divmod(start, BLOCK)
        if stop <= (first + 1) * BLOCK:
            block: bytes = self._checked[first]
            return block[place : place + stop - start]
        data = b"".join(map(self._checked.__getitem__, range(first, -(-stop // BLOCK))))
        return data[place : place + stop - start]

    def _read_block(self, number: int) -> bytes:
        data = self._pread(number * BLOCK, BLOCK)
        if number < self._blocks:
            leaves, place = self._checked[self._blocks + number // LEAVES], number % LEAVES
        else:
            leaves, place = self._root, number - self._blocks
        if digest(data) != leaves[place * HASH : (place + 1) * HASH]:
            raise self._damaged(f"block {number} is not what was written")
        return data

    def _pread(self, start: int, length: int) -> bytes:
        try:
            return os.pread(self._descriptor, length, start)
        except OSError as error:
            raise self._damaged(f"it cannot be read ({error.strerror})") from None

    def _damaged(self, why: str) -> BundleDamaged:
        return BundleDamaged(f"{self._path} is damaged: {why}: {_MEND}")


class FrozenEngine:
    """Scores texts with a frozen model.

    Attributes:
        classes: The labels, in the classifier's order.

    Raises:
        BundleDamaged: The file's header is not one that this code can serve.
    """

    def __init__(self, file: FrozenFile) -> None:
        try:
            header = _read_header(file)
            self.classes: list[str] = header["classes"]
            stages = [STAGES[stage["type"]](file.read, stage) for stage in header["stages"]]
            self._vectorize: Vectorize
            self._linear: Linear
            self._classify: Classify | Calibrate
            self._vectorize, self._linear, self._classify = stages
        except BundleDamaged:
            raise
        except Exception as error:
            raise BundleDamaged(
                f"{FROZEN_NAME} is not one that this code can serve "
                f"({type(error).__name__}): write it anew with 'make train'"
            ) from error

    def score(self, texts: Sequence[str]) -> list[Scores]:
        if len(texts) >= LARGE_BATCH:
            self._vectorize.thaw()
            if found := self._score_together(texts):
                return found
        return [self._score(text) for text in texts]

    def _score(self, text: str) -> Scores:
        features = self._vectorize(text)
        outcome = self._classify(self._linear(features))
        return Scores(*outcome, features.terms, features.unknown_terms)

    def _score_together(self, texts: Sequence[str]) -> list[Scores] | None:
        """The same with numpy; None where there is none."""
        try:
            from serving.app.together import Together  # noqa: PLC0415 - numpy
        except ImportError:
            return None
        found = Together(self._vectorize, self._linear, texts)
        return [
            Scores(*self._classify(scores), terms, unknown)
            for scores, terms, unknown in zip(
                found.scores, found.terms, found.unknown_terms, strict=True
            )
        ]

    def decision_function(self, text: str) -> list[float]:
        """The linear stage's scores of a text: scikit-learn's decision function."""
        found: list[float] = self._linear(self._vectorize(text))
        return found

    def explain(self, text: str, label: int) -> list[tuple[str, float]] | None:
        return self._linear.explain(self._vectorize(text), self._vectorize.names(text), label)


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
        raise VersionMismatch(
            f"the model was frozen with Python {manifest.versions.get('python', 'unknown')} "
            f"(here: {python_version()}): use that one, or train it again with 'make train'"
        )
    if sys.byteorder != "little":
        raise VersionMismatch("a frozen model needs a little-endian processor")
    pin = manifest.files[FROZEN_NAME]
    path = os.path.join(bundle, FROZEN_NAME)
    engine = FrozenEngine(FrozenFile(path, pin.size, manifest.frozen["root"]))
    if engine.classes != [label.id for label in manifest.labels]:
        raise BundleDamaged(
            f"the labels of {FROZEN_NAME} are not the manifest's: write both with 'make train'"
        )
    return engine

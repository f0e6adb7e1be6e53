"""The file of a frozen model: read piece by piece, each piece checked before it is used.

Format, version 3. Integers are little-endian, numbers are IEEE 754 doubles, a block has 4,096
bytes; training/freezing/file.py writes what this module reads.

    data     "QTFROZEN" | u32 format version | u32 length of the header | header | sections
             The header is JSON in ASCII: {"classes": [label…], "ops": [op…], "explain": …,
             "counts_terms": whether the first op says how many terms a text has}. An op is
             {"type": …, its settings, "sections": {name: [start, stop]}}, places counted in bytes
             from the start of the file; one that joins others has "parts": [[op…]…] as well.
             ops/__init__.py lists the types, and each one's class says what it has. The first op
             takes the input, each other one what the one before it gives; the last one gives label
             and probabilities, or, where there are no classes, the value. "explain" is null, or
             {"op": the place of the op that weighs its columns, "owners": of each the number of
             the field that it is made of; null where columns are terms}. Zeros fill the last block.
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

import os

from serving.app.engines.frozen.memo import Memo
from serving.bundle import errors
from serving.bundle.files import HASH, digest, open_file, tell_mend

MAGIC = b"QTFROZEN"
FORMAT = 3
BLOCK = 4096
LEAVES = BLOCK // HASH  # in a block
PREFIX = len(MAGIC) + 8
KEPT_BLOCKS = 1024  # 4 MiB


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

    Attributes:
        size: In bytes.
        blocks: How many blocks of data it has.

    Args:
        path: Where it is.
        size: Its size in bytes, as the manifest says.
        root: The hash of its root in hex, as the manifest says.

    Raises:
        BundleMissing, BundleDamaged: It is not there, or not the file of the manifest.
    """

    def __init__(self, path: str, size: int, root: str) -> None:
        self._path = path
        self.mend = tell_mend(os.path.dirname(path))
        self.size = size
        self._descriptor = -1
        try:
            self._descriptor = open_file(path)
            found = os.fstat(self._descriptor).st_size
        except OSError as error:
            raise errors.BundleMissing(
                f"{path} cannot be read ({error.strerror}): {self.mend}"
            ) from None
        if found != size:
            raise errors.BundleDamaged(
                f"{path} has {found} bytes, the manifest says {size}: {self.mend}"
            )
        try:
            self.blocks, leaves = count_blocks(size)
        except ValueError as error:
            raise self._damaged(str(error)) from None
        self._root = self._pread((self.blocks + leaves) * BLOCK, leaves * HASH)
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
        self.check_bounds(start, stop)
        first, place = divmod(start, BLOCK)
        if stop <= (first + 1) * BLOCK:
            block: bytes = self._checked[first]
            return block[place : place + stop - start]
        data = b"".join(map(self._checked.__getitem__, range(first, -(-stop // BLOCK))))
        return data[place : place + stop - start]

    def read_whole(self, start: int, stop: int) -> memoryview:
        """As `read`, for many bytes: none of their blocks is kept, nor of those read before.

        Raises:
            BundleDamaged: As with `read`.
        """
        self.check_bounds(start, stop)
        self._checked.clear()
        first, place = divmod(start, BLOCK)
        data = b"".join(map(self._read_block, range(first, -(-stop // BLOCK))))
        return memoryview(data)[place : place + stop - start]

    def load_block(self, number: int) -> bytes:
        """A block of data, checked.

        Raises:
            BundleDamaged: As with `read`.
        """
        return self._checked[number]  # type: ignore[no-any-return]

    @property
    def kept_blocks(self) -> int:
        """How many blocks are kept at most."""
        return min(self.blocks, KEPT_BLOCKS)

    def check_bounds(self, start: int, stop: int) -> None:
        """Refuse places that are not in the file's data.

        Raises:
            BundleDamaged: They are not.
        """
        if not 0 <= start <= stop <= self.blocks * BLOCK:
            raise self._damaged(f"it refers to bytes {start} to {stop}, which it does not have")

    def check(self) -> None:
        """Read the whole file anew, and check it. What was read before stays in use.

        Raises:
            BundleDamaged: Something of it is not what was written, or it has another size.
        """
        leaves = len(self._root) // HASH
        for number in range(self.blocks + leaves):
            self._read_block(number)
        # To the end, and a byte more: what a start would refuse is refused.
        if self._pread((self.blocks + leaves) * BLOCK, len(self._root) + 1) != self._root:
            raise self._damaged("its root is not what was written")

    def _read_block(self, number: int) -> bytes:
        data = self._pread(number * BLOCK, BLOCK)
        if number < self.blocks:
            leaves, place = self._checked[self.blocks + number // LEAVES], number % LEAVES
        else:
            leaves, place = self._root, number - self.blocks
        if digest(data) != leaves[place * HASH : (place + 1) * HASH]:
            raise self._damaged(f"block {number} is not what was written")
        return data

    def _pread(self, start: int, length: int) -> bytes:
        try:
            return os.pread(self._descriptor, length, start)
        except OSError as error:
            raise self._damaged(f"it cannot be read ({error.strerror})") from None

    def _damaged(self, why: str) -> errors.BundleDamaged:
        return errors.BundleDamaged(f"{self._path} is damaged: {why}: {self.mend}")

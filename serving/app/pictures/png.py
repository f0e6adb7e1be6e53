"""The pixels of a PNG without Pillow: of small ones, that are not interlaced.

The bytes are those that Pillow gives, see grey.py.
"""

from __future__ import annotations

import zlib
from itertools import accumulate

from serving.app import native
from serving.app.pictures import NOT_DECODED, DamagedPicture, Picture
from serving.app.pictures.chunks import PALETTE
from serving.app.pictures.grey import make_grey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from serving.app.pictures.chunks import Png

PIECE = 1 << 20  # bytes that are unpacked at a time where they are only counted
BYTE = 8
_SIZE = "The pixels of a PNG must unpack to the size that its header says"


def decode_plain(png: Png) -> Picture:
    """The picture of a PNG that is not interlaced; time and memory grow with its pixels.

    Raises:
        DamagedPicture: Its pixels break the rules of the format.
    """
    stride = png.stride(png.width)
    samples = _unfilter(_unpack(png), stride, png.step)
    if png.depth < BYTE:
        samples = _spread(png, samples, stride)
    if png.depth > BYTE:
        samples = samples[::2]
    return Picture(png.width, png.height, make_grey(png, samples))


def check_packed(png: Png) -> None:
    """Hold the packed pixels against the header; a piece at a time is in memory.

    Raises:
        DamagedPicture: They are more or fewer than it says, or do not unpack.
    """
    inflate = zlib.decompressobj()
    left = png.packed
    wanted = png.count_bytes()
    try:
        while not inflate.eof and wanted >= 0:
            piece = inflate.decompress(left, PIECE)
            left = inflate.unconsumed_tail
            wanted -= len(piece)
            if not piece and not left and not inflate.eof:
                break
    except zlib.error:
        wanted = -1
    if wanted or not inflate.eof:
        raise DamagedPicture(_SIZE)


def _unpack(png: Png) -> bytes:
    """The rows, each behind the byte of its filter; never more than the header says is unpacked."""
    inflate = zlib.decompressobj()
    wanted = png.count_bytes()
    try:
        raw = inflate.decompress(png.packed, wanted + 1)
    except zlib.error:
        raw = b""
    if len(raw) != wanted or not inflate.eof:
        raise DamagedPicture(_SIZE)
    return raw


def _unfilter(raw: bytes, stride: int, step: int) -> bytes:
    """Undo the filters of the rows, 9.2: each adds what was foretold of a byte to it."""
    if max(raw[:: stride + 1]) >= len(_METHODS):
        raise DamagedPicture(NOT_DECODED)
    if native.kernel:
        return native.kernel.unfilter(raw, stride, step)  # type: ignore[no-any-return]
    rows = []
    above = bytes(stride)
    for start in range(0, len(raw), stride + 1):
        method = raw[start]
        row = raw[start + 1 : start + 1 + stride]
        above = _METHODS[method](row, above, step)
        rows.append(above)
    return b"".join(rows)


def _undo_none(row: bytes, _above: bytes, _step: int) -> bytes:
    return row


def _undo_sub(row: bytes, _above: bytes, step: int) -> bytes:
    line = bytearray(row)
    for channel in range(step):
        line[channel::step] = bytes([total & 255 for total in accumulate(row[channel::step])])
    return bytes(line)


def _undo_up(row: bytes, above: bytes, _step: int) -> bytes:
    """Add all bytes at once, as one long number: the lower seven bits of each, then the eighth."""
    first, second = int.from_bytes(row), int.from_bytes(above)
    lower = int.from_bytes(b"\x7f" * len(row))
    total = ((first & lower) + (second & lower)) ^ ((first ^ second) & ~lower)
    return total.to_bytes(len(row))


def _undo_average(row: bytes, above: bytes, step: int) -> bytes:
    line = bytearray(row)
    for channel in range(step):
        left = 0
        undone = []
        for value, up in zip(row[channel::step], above[channel::step], strict=True):
            left = (value + ((left + up) >> 1)) & 255
            undone.append(left)
        line[channel::step] = bytes(undone)
    return bytes(line)


def _undo_paeth(row: bytes, above: bytes, step: int) -> bytes:
    line = bytearray(row)
    for channel in range(step):
        left = corner = 0
        undone = []
        for value, up in zip(row[channel::step], above[channel::step], strict=True):
            if up == corner:
                foretold = left
            elif left == corner:
                foretold = up
            else:
                across, down = up - corner, left - corner
                nearest = abs(across)
                foretold = left
                if abs(down) < nearest:
                    nearest = abs(down)
                    foretold = up
                if abs(across + down) < nearest:
                    foretold = corner
            left = (value + foretold) & 255
            corner = up
            undone.append(left)
        line[channel::step] = bytes(undone)
    return bytes(line)


_METHODS = (_undo_none, _undo_sub, _undo_up, _undo_average, _undo_paeth)


def _spread(png: Png, packed: bytes, stride: int) -> bytes:
    """A byte a pixel, of rows that have several in one; the largest is 255, but of a palette."""
    largest = (1 << png.depth) - 1
    scale = 1 if png.colour == PALETTE else 255 // largest
    each = BYTE // png.depth
    samples = bytearray(each * len(packed))
    for place in range(each):
        shift = BYTE - png.depth * (place + 1)
        table = bytes([(byte >> shift & largest) * scale for byte in range(256)])
        samples[place::each] = packed.translate(table)
    # The last byte of a row may hold more than the row's pixels.
    starts = range(0, len(samples), each * stride)
    return b"".join([samples[start : start + png.width] for start in starts])

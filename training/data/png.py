"""Pictures as PNG files, for a data set's examples: what a client posts, and what decode reads."""

import zlib

from serving.app.pictures import Picture
from serving.app.pictures.chunks import GREY, SIGNATURE, write_chunk

DEPTH = 8
LEVEL = 9


def write_png(picture: Picture) -> bytes:
    """A PNG of 8 bits of grey, its rows unfiltered, and nothing else in it.

    One picture gives the same bytes each time, on one build of zlib: how deflate packs is each
    implementation's own choice (RFC 1951, 4). What they unpack to is the same everywhere.
    """
    sizes = picture.width.to_bytes(4) + picture.height.to_bytes(4)
    starts = range(0, len(picture.grey), picture.width)
    rows = b"".join(b"\0" + picture.grey[start : start + picture.width] for start in starts)
    return SIGNATURE + b"".join(
        (
            write_chunk(b"IHDR", sizes + bytes([DEPTH, GREY, 0, 0, 0])),
            write_chunk(b"IDAT", zlib.compress(rows, LEVEL)),
            write_chunk(b"IEND", b""),
        )
    )

"""The structure of a PNG file: its header, its palette, its packed pixels.

Source: PNG Specification (Third Edition), W3C, 2025; the sections are named below. Only the chunks
that say what the pixels are get read; texts, colour profiles and the frames of an animation are
passed over unread, so that nothing in them can hurt.
"""

from __future__ import annotations

from zlib import crc32

from serving.app.limits import MAX_PIXELS
from serving.app.pictures import DamagedPicture, check_size
from serving.app.pictures.exif import read_orientation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"  # 5.2
HEADER_BYTES = 13
FRAME_BYTES = 12  # of a chunk, besides its data: length, name and checksum (5.3)
GREY, COLOUR, PALETTE, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 3, 4, 6
DEPTHS = {  # 11.2.1, table 11.1
    GREY: (1, 2, 4, 8, 16),
    COLOUR: (8, 16),
    PALETTE: (1, 2, 4, 8),
    GREY_ALPHA: (8, 16),
    COLOUR_ALPHA: (8, 16),
}
CHANNELS = {GREY: 1, COLOUR: 3, PALETTE: 1, GREY_ALPHA: 2, COLOUR_ALPHA: 4}
KEY_BYTES = {GREY: 2, COLOUR: 6}
# Adam7: the first column and row of each pass, and the steps to the next (8.1).
PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
READ = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS"})


class Png:
    """What a PNG file says of its pixels.

    Attributes:
        width: In pixels.
        height: In pixels.
        depth: Bits of a sample.
        colour: The type of colour, one of `CHANNELS`.
        interlaced: Whether the pixels come in the seven passes of Adam7.
        palette: Three bytes a colour; empty without one.
        transparency: The data of tRNS, None without: a palette's alphas, or the colour that is
            transparent, its samples of two bytes each.
        orientation: How it is to be turned, 1 to 8, as EXIF says it.
        packed: The pixels as deflate packed them.
    """

    __slots__ = (
        "colour",
        "depth",
        "height",
        "interlaced",
        "orientation",
        "packed",
        "palette",
        "transparency",
        "width",
    )

    def __init__(self, header: bytes, room: int) -> None:
        """Read the header, 11.2.1; `room` as of `check_size`.

        Raises:
            DamagedPicture: It breaks a rule.
            PictureTooLarge: It announces more than is read.
        """
        if len(header) != HEADER_BYTES:
            raise DamagedPicture("The header of a PNG must be of 13 bytes")
        self.width = int.from_bytes(header[:4])
        self.height = int.from_bytes(header[4:8])
        self.depth, self.colour, compression, filtering, interlacing = header[8:]
        self.interlaced = interlacing == 1
        self.palette = b""
        self.transparency: bytes | None = None
        self.orientation = 1
        self.packed = b""
        if self.depth not in DEPTHS.get(self.colour, ()):
            raise DamagedPicture("The header of a PNG must name a type and a depth that there are")
        if compression or filtering or interlacing > 1:
            raise DamagedPicture("The header of a PNG must name methods that there are")
        check_size(self.width, self.height, room)

    @property
    def step(self) -> int:
        """Bytes from a sample to the pixel's next one on the left: at least 1 (9.2)."""
        return max(1, self.depth * CHANNELS[self.colour] // 8)

    def stride(self, width: int) -> int:
        """Bytes of a row of as many pixels, without the byte of its filter."""
        return (width * self.depth * CHANNELS[self.colour] + 7) // 8

    def count_bytes(self) -> int:
        """How many bytes the pixels are, unpacked, with their rows' filters."""
        passes = PASSES if self.interlaced else ((0, 0, 1, 1),)
        total = 0
        for left, top, across, down in passes:
            width = (self.width - left + across - 1) // across
            height = (self.height - top + down - 1) // down
            total += height * (1 + self.stride(width)) if width > 0 else 0
        return total


def write_chunk(name: bytes, body: bytes) -> bytes:
    """A chunk: its length, its name, its data and its checksum (5.3)."""
    return len(body).to_bytes(4) + name + body + crc32(name + body).to_bytes(4)


def parse(data: bytes, room: int = MAX_PIXELS) -> Png:
    """What a PNG file says of its pixels; what follows its end is not looked at.

    Args:
        data: The file.
        room: As of `check_size`.

    Raises:
        DamagedPicture: It breaks the rules of the format, or is cut off.
        PictureTooLarge: It announces more pixels than are read; nothing behind its header is
            looked at then.
    """
    if not data.startswith(SIGNATURE):
        raise DamagedPicture("The PNG must begin with the signature of that format")
    chunks = _iterate_chunks(data)
    name, body = next(chunks)
    if name != b"IHDR":
        raise DamagedPicture("The first chunk of a PNG must be its header")
    png = Png(body, room)
    packed: list[bytes] = []
    previous = name
    for name, body in chunks:
        if name == b"IDAT":
            if packed and previous != b"IDAT":
                raise DamagedPicture("The pixels of a PNG must be in chunks that follow each other")
            packed.append(body)
        elif name in READ or name[0] & 32 == 0:
            _take(png, name, body, started=bool(packed))
        elif name == b"eXIf":
            png.orientation = read_orientation(body)
        previous = name
    png.packed = b"".join(packed)
    if png.colour == PALETTE and not png.palette:
        raise DamagedPicture("A PNG of that type must have a palette")
    return png


def _iterate_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and data of the chunks, to IEND; the checksums of those that are read are right."""
    place = len(SIGNATURE)
    name = b""
    while name != b"IEND":
        end = place + FRAME_BYTES + int.from_bytes(data[place : place + 4])
        if end > len(data):
            raise DamagedPicture("The PNG must not be cut off")
        name = data[place + 4 : place + 8]
        checksum = int.from_bytes(data[end - 4 : end])
        if name in READ and crc32(data[place + 4 : end - 4]) != checksum:
            raise DamagedPicture("The checksums of a PNG must be right")
        yield name, data[place + 8 : end - 4]
        place = end


def _take(png: Png, name: bytes, body: bytes, *, started: bool) -> None:
    """Note what a chunk says that is neither header nor pixels.

    Raises:
        DamagedPicture: It may not be there, or not be so.
    """
    if name == b"IEND":
        return
    if name == b"PLTE":
        if started or png.palette:
            raise DamagedPicture("The palette of a PNG must be one, and before its pixels")
        if len(body) % 3 or not 0 < len(body) <= 3 * (1 << min(png.depth, 8)):
            raise DamagedPicture("The palette of a PNG must have a colour at least, and none more")
        png.palette = body
    elif name == b"tRNS":
        _take_transparency(png, body, started=started)
    else:  # a second header, or a name in capital letters: not to be passed over (5.4)
        raise DamagedPicture(
            "The PNG must have no other critical chunks than those of the standard"
        )


def _take_transparency(png: Png, body: bytes, *, started: bool) -> None:
    """Note the data of tRNS, 11.3.1.1; where there is a channel of alpha it says nothing."""
    if png.colour not in (*KEY_BYTES, PALETTE):
        return
    fits = len(body) == KEY_BYTES.get(png.colour, len(body))
    if png.colour == PALETTE:
        fits = 0 < len(body) <= len(png.palette) // 3
    if started or png.transparency is not None or not fits:
        raise DamagedPicture("The transparency of a PNG must be as its type of colour asks for")
    png.transparency = body

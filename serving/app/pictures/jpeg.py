"""The structure of a JPEG file: its size, its orientation, and what libjpeg needs of it.

Source: ITU-T T.81 (1992), annex B; JFIF is T.871, Adobe's segment Adobe's Technical Note 5116.
"""

from __future__ import annotations

import re

from serving.app.limits import MAX_PIXELS
from serving.app.pictures import DamagedPicture, UnknownPicture, check_size
from serving.app.pictures.exif import read_orientation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

START, END, SCAN = 0xD8, 0xD9, 0xDA
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # B.1.1.3: tables have these three
READ_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive; all by Huffman's code
FIRST_MARKER = 0xC0  # those below are reserved
EXIF_SEGMENT, EXIF = 0xE1, b"Exif\0\0"
APPLICATIONS = range(0xE0, 0xF0)
COMMENT = 0xFE
# What says which colours there are: JFIF and Adobe, of the lengths from which libjpeg reads them.
COLOUR_SEGMENTS = {0xE0: (b"JFIF\0", 14), 0xEE: (b"Adobe", 12)}
# Of all scans together. A progressive picture in colour has 14, one of four components 24. Each is
# work for all the pixels of its component, though its scan be of 20 bytes.
MAX_SCANNED_COMPONENTS = 40
# Two bytes that are no part of packed pixels: 0xFF, and neither nought nor a restart (B.1.1.2).
MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")


class Jpeg:
    """What a JPEG file says of its pixels.

    Attributes:
        width: In pixels, before it is turned.
        height: In pixels, before it is turned.
        orientation: How it is to be turned, 1 to 8, as EXIF says it.
        file: The file without comments, thumbnails, profiles and what follows its end.
    """

    __slots__ = ("_room", "file", "height", "orientation", "width")

    def __init__(self, room: int) -> None:
        self._room = room
        self.width = self.height = 0
        self.orientation = 1
        self.file = b""

    def read_frame(self, kind: int, body: bytes) -> None:
        """Note what the header of a frame says, B.2.2.

        Raises:
            DamagedPicture: It breaks a rule.
            PictureTooLarge: It announces more than is read.
            UnknownPicture: It is of a kind that is not read.
        """
        if self.width or len(body) < 6 or len(body) != 6 + 3 * body[5] or not body[5]:  # noqa: PLR2004
            raise DamagedPicture("A JPEG must have one frame, of one component at least")
        if kind not in READ_FRAMES or body[0] != 8 or body[5] not in (1, 3, 4):  # noqa: PLR2004
            raise UnknownPicture(
                "A JPEG must be baseline or progressive, by Huffman's code, of 1, 3 or 4 components"
                " of 8 bits"
            )
        height, width = int.from_bytes(body[1:3]), int.from_bytes(body[3:5])
        check_size(width, height, self._room)
        self.width, self.height = width, height


def parse(data: bytes, room: int = MAX_PIXELS) -> Jpeg:
    """What a JPEG file says of its pixels; what follows its end is not looked at.

    Args:
        data: The file.
        room: As of `check_size`.

    Raises:
        DamagedPicture: It breaks the rules of the format, or is cut off.
        PictureTooLarge: It announces more pixels than are read.
        UnknownPicture: It is of a kind that is not read.
    """
    jpeg = Jpeg(room)
    kept = [bytes([0xFF, START])]
    scanned = 0
    for kind, body, packed in _iterate_segments(data):
        if kind in FRAMES:
            jpeg.read_frame(kind, body)
        elif kind == EXIF_SEGMENT and body.startswith(EXIF):
            jpeg.orientation = read_orientation(body.removeprefix(EXIF))
        elif kind == SCAN:
            scanned += max(1, int.from_bytes(body[:1]))  # B.2.3; one of none is refused by libjpeg
        if _is_needed(kind, body):
            kept += (bytes([0xFF, kind]), (len(body) + 2).to_bytes(2), body, packed)
    if not jpeg.width or not 0 < scanned <= MAX_SCANNED_COMPONENTS:
        raise DamagedPicture(
            "A JPEG must have pixels, in scans of at most"
            f" {MAX_SCANNED_COMPONENTS} components together"
        )
    jpeg.file = b"".join([*kept, bytes([0xFF, END])])
    return jpeg


def _is_needed(kind: int, body: bytes) -> bool:
    start, length = COLOUR_SEGMENTS.get(kind, (b"", 0))
    if start:
        return body.startswith(start) and len(body) >= length
    return kind not in APPLICATIONS and kind != COMMENT


def _iterate_segments(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Kinds and data of the segments, to the end, and the packed pixels that follow a scan's."""
    place = 2
    while (found := MARKER.search(data, place)) is not None:
        kind = data[found.end() - 1]
        if kind == END:
            return
        start = found.end() + 2
        end = found.end() + int.from_bytes(data[found.end() : start])
        if end < start or kind < FIRST_MARKER or kind == START:
            raise DamagedPicture("The segments of a JPEG must be such as there are")
        if end > len(data):
            break
        following = MARKER.search(data, end)
        place = following.start() if following else len(data)
        yield kind, data[start:end], data[end:place] if kind == SCAN else b""
    raise DamagedPicture("The JPEG must not be cut off")

"""Pictures: what a request's file is read to, and what can be wrong with it.

    PictureError
    ├── UnknownPicture      415
    ├── DamagedPicture      422
    └── PictureTooLarge     413

A message is the rule that is broken; it never holds a byte of the file.
"""

from serving.app.limits import MAX_PIXELS, MAX_SIDE


class Picture:
    """A picture in grey.

    Attributes:
        width: In pixels, at least 1.
        height: In pixels, at least 1.
        grey: A byte a pixel, row by row from the upper left: 0 is black, 255 white.
        sent: How many pixels its file has: more than these, where it was reduced.
    """

    __slots__ = ("grey", "height", "sent", "width")

    def __init__(self, width: int, height: int, grey: bytes) -> None:
        self.width = width
        self.height = height
        self.grey = grey
        self.sent = width * height

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Picture) and self._members() == other._members()

    def __hash__(self) -> int:
        return hash(self._members())

    def __repr__(self) -> str:
        return f"<Picture of {self.width} × {self.height}>"

    def _members(self) -> tuple[int, int, bytes]:
        return self.width, self.height, self.grey


class PictureError(Exception):
    """A file is no picture that is read here; the message is the rule that it breaks."""


class UnknownPicture(PictureError):
    """Its format is none that is read."""


class DamagedPicture(PictureError):
    """It breaks the rules of its own format."""


NOT_DECODED = "The pixels of the picture must decode"  # whoever says so


class PictureTooLarge(PictureError):
    """Its header announces more pixels than are read."""


def check_size(width: int, height: int, room: int) -> None:
    """Hold the sides that a header announces against the limits.

    Args:
        width: In pixels.
        height: In pixels.
        room: The most pixels that there may be.

    Raises:
        DamagedPicture: One is zero.
        PictureTooLarge: They are larger than a picture may be.
    """
    if not width or not height:
        raise DamagedPicture("The picture must be at least one pixel wide and high")
    if max(width, height) > MAX_SIDE or width * height > room:
        raise PictureTooLarge(
            f"A picture must have at most {MAX_PIXELS:,} pixels, and {MAX_SIDE:,} on a side; the "
            "pictures of a batch must have no more pixels together"
        )

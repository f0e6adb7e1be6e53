"""A file of a request becomes a picture in grey."""

from __future__ import annotations

from serving.app import native
from serving.app.limits import MAX_PIXELS
from serving.app.pictures import DamagedPicture, UnknownPicture
from serving.app.pictures.chunks import SIGNATURE, parse
from serving.app.pictures.png import decode_plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from serving.app.pictures import Picture

# More pixels than these go to Pillow, whose import takes 90 ms and 11 MB once. So many, 150 × 150,
# take the standard library 0.4 ms in grey, 4 to 32 in colour, by their filters, 46 with alpha. With
# the kernel it is all that are not reduced, such as a drawing of the page at /: 0.2 to 8 ms.
MAX_PLAIN_PIXELS = 512 * 512 if native.kernel else 150 * 150
JPEG_START = b"\xff\xd8"


def decode(data: bytes, room: int = MAX_PIXELS) -> Picture:
    """The picture of a file, told by what is in it: PNG or JPEG.

    Of an animated PNG it is the default image. EXIF turns a picture upright. What is transparent is
    laid over white: grey.py says how. A picture of more than 262,144 pixels is reduced by a whole
    factor, each pixel the mean of a box, so that what follows is bounded; of such a JPEG libjpeg
    decodes a half, a quarter or an eighth first, where that is not less than is asked for.

    A small PNG that is not interlaced and stands upright takes the standard library and the kernel,
    which read the same of it, byte for byte, as Pillow does of the others. The caller bounds the
    bytes.

    Args:
        data: The file.
        room: The most pixels that it may have.

    Raises:
        UnknownPicture: It is of another format, or Pillow would be needed and is not there.
        DamagedPicture: It breaks the rules of its format, or is cut off.
        PictureTooLarge: Its header announces more pixels than are read; none is unpacked then.
    """
    if not data:
        raise DamagedPicture("The picture must not be empty")
    if data.startswith(SIGNATURE[:4]):
        return _decode_png(data, room)
    if data.startswith(JPEG_START):
        return _decode_jpeg(data, room)
    raise UnknownPicture("The picture must be PNG or JPEG")


def _decode_png(data: bytes, room: int) -> Picture:
    png = parse(data, room)
    if png.width * png.height > MAX_PLAIN_PIXELS or png.interlaced or png.orientation != 1:
        picture: Picture = _import_pillow().decode_png(png)
        picture.sent = png.width * png.height
        return picture
    return decode_plain(png)


def _decode_jpeg(data: bytes, room: int) -> Picture:
    from serving.app.pictures import jpeg  # noqa: PLC0415

    found = jpeg.parse(data, room)
    picture: Picture = _import_pillow().decode_jpeg(found)
    picture.sent = found.width * found.height
    return picture


def _import_pillow() -> ModuleType:
    """Import what reads by Pillow, which not every image of the service holds.

    Raises:
        UnknownPicture: Pillow is not there.
    """
    try:
        from serving.app.pictures import pillow  # noqa: PLC0415
    except ImportError:
        raise UnknownPicture(
            f"This service reads only PNG of at most {MAX_PLAIN_PIXELS:,} pixels, neither "
            "interlaced nor turned by EXIF"
        ) from None
    return pillow

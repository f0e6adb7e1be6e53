"""Pictures by Pillow: every JPEG, and the PNG that png.py leaves to it.

Pillow gets files that are written anew from what was read and checked, so that no text, profile,
thumbnail or frame of an animation reaches it. Two of its readers are called by name: no other is
imported, and none of its settings is touched. To import it takes some 90 ms, so decode.py does
that only when a picture needs it.
"""

from __future__ import annotations

import io

from PIL import Image, ImageChops
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from serving.app.pictures import NOT_DECODED, DamagedPicture, Picture
from serving.app.pictures.chunks import GREY, PALETTE, SIGNATURE, write_chunk
from serving.app.pictures.grey import WHITE, check_indices, make_table, read_key
from serving.app.pictures.png import check_packed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

    from serving.app.pictures.chunks import Png
    from serving.app.pictures.jpeg import Jpeg

# A picture of more pixels is reduced. A digit on it is of hundreds still, and what follows may be
# pure Python, at some 0.5 µs a pixel.
MAX_KEPT_PIXELS = 512 * 512
TURNS = {  # EXIF 2.32, 4.6.4 A: what puts a picture of that orientation upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode_png(png: Png) -> Picture:
    """The picture of a PNG of any type, in grey as grey.py says.

    Raises:
        DamagedPicture: Its pixels break the rules of the format.
    """
    check_packed(png)
    image = _load(PngImageFile, _rewrite(png), png)
    return _finish(_make_grey(png, image), png.orientation)


def decode_jpeg(jpeg: Jpeg) -> Picture:
    """The picture of a JPEG. Of a large one libjpeg decodes a half, a quarter or an eighth.

    Raises:
        DamagedPicture: Its pixels break the rules of the format.
    """
    image = _load(JpegImageFile, jpeg.file, jpeg)
    return _finish(image.convert("RGB").convert("L"), jpeg.orientation)


def _rewrite(png: Png) -> bytes:
    """A file of the same pixels, and nothing else in it."""
    sizes = png.width.to_bytes(4) + png.height.to_bytes(4)
    header = sizes + bytes([png.depth, png.colour, 0, 0, png.interlaced])
    palette = [(b"PLTE", png.palette)] if png.colour == PALETTE else []
    chunks = [(b"IHDR", header), *palette, (b"IDAT", png.packed), (b"IEND", b"")]
    return SIGNATURE + b"".join(write_chunk(name, body) for name, body in chunks)


def _load(reader: type[ImageFile], file: bytes, described: Png | Jpeg) -> Image.Image:
    """Decode a file.

    Raises:
        DamagedPicture: Pillow cannot; whatever it raises then, and that is of many types.
        MemoryError: There is no room for it, which is no fault of the file: it is within limits.
    """
    width, height = described.width, described.height
    factor = _find_factor(width, height)
    try:
        image = reader(io.BytesIO(file))
        fits = image.size == (width, height)
        image.draft(None, (_divide(width, factor), _divide(height, factor)))  # of a JPEG alone
        image.load()
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001
        fits = False
    if not fits:
        raise DamagedPicture(NOT_DECODED)
    return image


def _make_grey(png: Png, image: Image.Image) -> Image.Image:
    """The grey of a PNG's pixels, laid over white."""
    if image.mode == "I;16":  # two bytes a pixel, the lower one first
        image = Image.frombytes("L", image.size, image.tobytes()[1::2])
    if png.colour == PALETTE:
        indices = image.tobytes()
        check_indices(png, indices)
        return Image.frombytes("L", image.size, indices.translate(make_table(png)))
    grey = image.convert("L")
    if png.colour == GREY:
        return grey.point(list(make_table(png)))
    white = Image.new("L", image.size, WHITE)
    if image.mode in {"LA", "RGBA"}:
        return Image.composite(grey, white, image.getchannel("A"))
    if key := read_key(png):
        grey.paste(white, mask=_find_colour(image, key))
    return grey


def _find_colour(image: Image.Image, colour: tuple[int, ...]) -> Image.Image:
    """A mask: 255 where a pixel is of the colour, 0 elsewhere."""
    mask = Image.new("L", image.size, 255)
    for band, value in zip(image.split(), colour, strict=True):
        found = band.point([255 * (level == value) for level in range(256)])
        mask = ImageChops.darker(mask, found)
    return mask


def _finish(grey: Image.Image, orientation: int) -> Picture:
    """Reduce it, so that no more than `MAX_KEPT_PIXELS` are left, and turn it upright."""
    if (factor := _find_factor(*grey.size)) > 1:
        grey = grey.reduce(factor)
    if (turn := TURNS.get(orientation)) is not None:
        grey = grey.transpose(turn)
    return Picture(*grey.size, grey.tobytes())


def _find_factor(width: int, height: int) -> int:
    """The least whole factor that leaves few enough pixels of such a picture."""
    factor = 1
    while _divide(width, factor) * _divide(height, factor) > MAX_KEPT_PIXELS:
        factor += 1
    return factor


def _divide(side: int, factor: int) -> int:
    return -(-side // factor)

"""The grey of a picture's pixels.

Grey is what Pillow's `convert("L")` makes of a colour (ITU-R 601-2), and white what is behind a
transparent pixel. The order: samples of 16 bits lose their lower byte, a pixel becomes grey, and
then its grey is laid over white by its alpha. A colour that tRNS makes transparent is compared
after the lower byte is lost. Byte for byte pillow.py does the same.
"""

from __future__ import annotations

from serving.app import native
from serving.app.pictures import DamagedPicture
from serving.app.pictures.chunks import CHANNELS, COLOUR, COLOUR_ALPHA, GREY_ALPHA, PALETTE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from serving.app.pictures.chunks import Png

WHITE = 255
BYTE = 8


def make_grey(png: Png, samples: bytes) -> bytes:
    """The grey of pixels whose samples are of 8 bits, or the indices of a palette."""
    channels = CHANNELS[png.colour]
    if channels == 1:
        check_indices(png, samples)
        return samples.translate(make_table(png))
    key = read_key(png)
    if native.kernel:
        return native.kernel.grey(samples, channels, bytes(key or ()))  # type: ignore[no-any-return]
    bands = [samples[channel::channels] for channel in range(channels)]
    grey = bands[0]
    if png.colour in (COLOUR, COLOUR_ALPHA):
        grey = _weigh(*bands[:3])
    if png.colour in (GREY_ALPHA, COLOUR_ALPHA):
        return _lay_over_white(grey, bands[-1])
    if key is None:
        return grey
    pixels = zip(*bands, strict=True)
    return bytes(
        [WHITE if pixel == key else value for pixel, value in zip(pixels, grey, strict=True)]
    )


def _weigh(red: bytes, green: bytes, blue: bytes) -> bytes:
    """The grey of colours, by ITU-R 601-2 in 16 bits, as Pillow's Convert.c has it."""
    colours = zip(red, green, blue, strict=True)
    return bytes([(r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16 for r, g, b in colours])


def _lay_over_white(grey: bytes, alpha: bytes) -> bytes:
    """Rounded to the nearest; there is no tie, because 255 is odd."""
    if alpha.count(WHITE) == len(alpha):
        return grey
    pairs = zip(grey, alpha, strict=True)
    return bytes([WHITE - ((WHITE - value) * share + 127) // 255 for value, share in pairs])


def make_table(png: Png) -> bytes:
    """The grey of each of 256 samples: of a grey itself, or of an index of the palette."""
    if png.colour == PALETTE:
        red, green, blue = (png.palette[channel::3] for channel in range(3))
        alphas = (png.transparency or b"").ljust(len(red), b"\xff")
        return _lay_over_white(_weigh(red, green, blue), alphas).ljust(256, b"\0")
    table = bytearray(range(256))
    if key := read_key(png):
        table[key[0]] = WHITE
    return bytes(table)


def check_indices(png: Png, samples: bytes) -> None:
    """Hold the samples against the palette, if there is one.

    Raises:
        DamagedPicture: The palette has no such colour.
    """
    if png.colour == PALETTE and samples.translate(None, bytes(range(len(png.palette) // 3))):
        raise DamagedPicture("The pixels of a PNG must be of colours of its palette")


def read_key(png: Png) -> tuple[int, ...] | None:
    """The colour that tRNS makes transparent, in samples of 8 bits; None without one."""
    if png.transparency is None:
        return None
    largest = (1 << png.depth) - 1
    pairs = range(0, len(png.transparency), 2)
    found = (int.from_bytes(png.transparency[pair : pair + 2]) & largest for pair in pairs)
    if png.depth > BYTE:
        return tuple(value >> BYTE for value in found)
    return tuple(value * (255 // largest) for value in found)

"""Strokes of a pen: their thickness."""

from __future__ import annotations

from serving.app.pictures import Picture
from serving.app.pictures.levels import list_above, list_strengths
from serving.app.pictures.pixels import LARGEST, list_rows

PIXEL = 16  # parts of a pixel in which thickness is measured
THIN = 22  # of a hundred of MNIST's digits one is thinner: 1.4 pixels of the frame
WANTED = 30
STRONG = 224


def even_strokes(drawn: Picture, longest: int) -> Picture:
    """The ink with strokes as thick as MNIST's thin ones, where they are thinner than all of those.

    Args:
        drawn: Ink in its box.
        longest: The longer side that it will have, in pixels of the frame.
    """
    side = max(drawn.width, drawn.height)
    thickness = _measure_thickness(drawn) * longest // side  # in the frame
    if not 0 < thickness < THIN:
        return drawn
    missing = (WANTED - thickness) * side // (2 * longest)  # on each side, in the drawn pixels
    while missing > 0:
        drawn = _thicken(drawn, min(missing, PIXEL))
        missing -= PIXEL
    return drawn


def _measure_thickness(drawn: Picture) -> int:
    """The mean thickness of strokes: their area by half of their edge, in parts of PIXEL.

    The edge is counted in sides of pixels, of which a line in any direction has 4 / pi times its
    length on average (Crofton's formula).
    """
    width = drawn.width + 1  # so that rows do not touch
    half = list_above(LARGEST // 2)
    rows = [row.translate(half) for row in list_rows(drawn)]
    mask = int.from_bytes(b"\0".join([*rows, b""]), "little")
    edge = (mask ^ mask << 8).bit_count() + (mask ^ mask << 8 * width).bit_count()
    return 2 * mask.bit_count() * PIXEL * 14 // (11 * edge) if edge else 0  # pi is 22 / 7


def _thicken(drawn: Picture, by: int) -> Picture:
    """The ink with an edge more, of `by` parts of PIXEL: the strongest of the four neighbours."""
    width, empty = drawn.width + 2, bytes(drawn.width + 2)
    rows = [b"\0" + row + b"\0" for row in list_rows(drawn)]
    grey = b"".join([empty, *rows, empty])
    around = grey.translate(bytes([level * by // PIXEL for level in range(256)]))
    right, left = around[1:] + b"\0", b"\0" + around[:-1]
    below, above = around[width:] + empty, empty + around[:-width]
    return Picture(width, drawn.height + 2, bytes(map(max, grey, right, left, below, above)))


def strengthen(sign: Picture) -> Picture:
    """A sign whose strongest pixel is full, so that a thin pen counts as much as a thick one."""
    most = max(sign.grey)
    if not 0 < most < STRONG:
        return sign
    return Picture(sign.width, sign.height, sign.grey.translate(list_strengths(0, most)))

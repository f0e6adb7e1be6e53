"""What `prepare` does, in Python; the kernel does the same (serving/kernel/pictures.c)."""

from __future__ import annotations

from serving.app.pictures import Picture
from serving.app.pictures.pens import even_strokes, strengthen
from serving.app.pictures.pixels import cut, fit, list_border, list_rows, median, put, reduce, scale
from serving.app.pictures.signs import find_ink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Box = tuple[int, int, int, int]  # left, top, right, bottom; the last two are outside

INK_SHARE = (20, 28)  # of the frame's side: MNIST's
SEARCHED = 96  # longest side of the picture in which ink is looked for
LOOKED_AT = 48  # pixels that the ink's longer side keeps when it is looked at closely
MARGIN = 4  # a part of the ink's longest side, on each side of it


def resize(picture: Picture, width: int, height: int) -> bytes:
    """The whole picture, each pixel the mean of its area, in the middle of the background."""
    wide, high = fit(picture.width, picture.height, width, height)
    factor = max(1, min(picture.width // (4 * wide), picture.height // (4 * high)))
    small = reduce(picture, factor)
    background = median(list_border(picture))
    page = Picture(width, height, bytes([background]) * (width * height))
    left, top = (width - wide) // 2, (height - high) // 2
    return put(scale(small, wide, high), left, top, page)


def ink(picture: Picture, width: int, height: int) -> bytes:
    """What is drawn in the picture, as MNIST has it; nothing drawn gives zeros alone."""
    drawn = _look_closely(picture)
    if drawn is None:
        return bytes(width * height)
    share, whole = INK_SHARE
    most_wide, most_high = max(1, width * share // whole), max(1, height * share // whole)
    wide, high = fit(drawn.width, drawn.height, most_wide, most_high)
    drawn = even_strokes(drawn, max(wide, high))
    wide, high = fit(drawn.width, drawn.height, most_wide, most_high)
    sign = strengthen(scale(drawn, wide, high))
    return _centre(sign, Picture(width, height, bytes(width * height)))


def _look_closely(picture: Picture) -> Picture | None:
    """The ink of a picture in its box, 255 where it is full; None where there is none.

    Looked for in the whole picture, reduced, and then once more in what lies around it: so a page
    counts no more, whatever its size.
    """
    factor = -(-max(picture.width, picture.height) // SEARCHED)
    found = find_ink(reduce(picture, factor))
    if found is None:
        return None
    page, box, sign = found
    around = _widen(box, factor, picture)
    longest = factor * max(box[2] - box[0], box[3] - box[1])
    closer = max(1, longest // LOOKED_AT)
    if factor > 1 or max(picture.width, picture.height) > 2 * longest:
        part = reduce(cut(picture, around), closer)
        page, box, _ = find_ink(part, sign) or found
    return cut(page, box)


def _widen(box: Box, factor: int, picture: Picture) -> Box:
    """A box of the reduced picture in the picture itself, with a margin where there is room."""
    left, top, right, bottom = [side * factor for side in box]
    margin = max(2 * factor, max(right - left, bottom - top) // MARGIN)
    return (
        max(0, left - margin),
        max(0, top - margin),
        min(picture.width, right + margin),
        min(picture.height, bottom + margin),
    )


def _centre(sign: Picture, page: Picture) -> bytes:
    """The pixels of an empty page with a sign whose centre of mass is in the middle of it.

    As far as all of the sign is on the page.
    """
    rows = [sum(row) for row in list_rows(sign)]
    columns = [sum(sign.grey[start :: sign.width]) for start in range(sign.width)]
    left, top = _find_start(columns, page.width), _find_start(rows, page.height)
    return put(sign, left, top, page)


def _find_start(sums: Sequence[int], side: int) -> int:
    """Where to start, so that the mean of places, weighed by sums, is the middle of a side."""
    mass = sum(sums) or 1
    moment = sum([place * one for place, one in enumerate(sums)])
    # In MNIST the middle is the pixel 14, rounded: its means lie between 13.5 and 14.5.
    start = (side * mass - 2 * moment + mass) // (2 * mass)
    return min(side - len(sums), max(0, start))

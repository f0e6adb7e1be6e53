"""How far pixels are from the paper that they are on: even, lit from one side, or lined."""

from __future__ import annotations

from serving.app.pictures import Picture
from serving.app.pictures.levels import FAINTEST, count, list_depths
from serving.app.pictures.pixels import LARGEST, list_border, list_rows, median
from serving.app.pictures.shadows import has_uneven_paper, measure_local_depths


def even_out(picture: Picture) -> Picture:
    """The picture without a light that changes evenly from side to side, where it has one.

    The paper is taken for a plane through the medians of the four sides.
    """
    width, height, grey = picture.width, picture.height, picture.grey
    border = list_border(picture)
    paper = median(border)
    across = median(grey[width - 1 :: width]) - median(grey[::width])
    down = median(grey[-width:]) - median(grey[:width])
    if abs(across) + abs(down) <= FAINTEST // 2:
        return picture
    slope = [across * (2 * x + 1 - width) // (2 * width) for x in range(width)]
    made = bytearray()
    for y, row in enumerate(list_rows(picture)):
        fall = down * (2 * y + 1 - height) // (2 * height)
        evened = [one - part - fall for one, part in zip(row, slope, strict=True)]
        made += bytes([0 if one < 0 else min(one, LARGEST) for one in evened])
    level = Picture(width, height, bytes(made))
    changed = list_border(level)
    if 2 * _spread(changed, median(changed)) > _spread(border, paper):
        return picture  # it was no light but ink at the sides
    return level


def _spread(values: bytes, middle: int) -> int:
    return sum([abs(one - middle) for one in values])


def measure_depths(picture: Picture, sign: int) -> tuple[Picture, int]:
    """How far each pixel is from the paper, on the side where the ink is; and which that is.

    Noise lies on both sides of the paper's level, ink on one: that of the third moment.
    """
    if has_uneven_paper(picture):
        return measure_local_depths(picture, sign)
    paper = median(list_border(picture))
    if sign == 0:
        counts = enumerate(count(picture.grey, paper), start=-paper)
        sign = 1 if sum([depth**3 * one for depth, one in counts if one]) > 0 else -1
    grey = picture.grey.translate(list_depths(paper, sign))
    return Picture(picture.width, picture.height, grey), sign


def take_out_lines(depths: Picture) -> Picture:
    """The picture without the lines of a sheet: what a row or a column has at both of its ends."""
    if max(list_border(depths)) <= FAINTEST:
        return depths
    return _turn(_take_out_rows(_turn(_take_out_rows(depths))))


def _take_out_rows(depths: Picture) -> Picture:
    end = depths.width // 8
    if end == 0:
        return depths
    made = []
    for row in list_rows(depths):
        line = min(median(row[:end]), median(row[-end:]))
        if line:
            row = row.translate(bytes(line) + bytes(range(256 - line)))  # noqa: PLW2901
        made.append(row)
    return Picture(depths.width, depths.height, b"".join(made))


def _turn(picture: Picture) -> Picture:
    """Rows as columns."""
    width, height, grey = picture.width, picture.height, picture.grey
    return Picture(height, width, b"".join([grey[start::width] for start in range(width)]))

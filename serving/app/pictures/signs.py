"""The sign that is drawn in a picture: its ink, and where it is."""

from __future__ import annotations

from serving.app.pictures import Picture
from serving.app.pictures.groups import choose_sign, connect, copy_sign
from serving.app.pictures.levels import (
    FAINTEST,
    count,
    find_quantile,
    find_threshold,
    list_above,
    list_strengths,
)
from serving.app.pictures.paper import even_out, measure_depths, take_out_lines
from serving.app.pictures.pixels import list_border, list_rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    Box = tuple[int, int, int, int]  # left, top, right, bottom; the last two are outside


def find_ink(picture: Picture, sign: int = 0) -> tuple[Picture, Box, int] | None:
    """A page of the ink alone, 0 … 255, the ink's box and its sign; None of a blank picture.

    Args:
        picture: Small, for time goes by its pixels.
        sign: 1 where the ink is lighter than the paper, -1 where it is darker; 0: not known.
    """
    width, height = picture.width, picture.height
    depths, sign = measure_depths(even_out(picture), sign)
    depths = take_out_lines(depths)
    counts = count(depths.grey, 0)
    threshold = find_threshold(counts)
    full = find_quantile(counts[threshold + 1 :], 9, 10) + threshold + 1
    border = sorted(list_border(depths))
    noise = border[len(border) * 31 // 32]
    paper = min(noise + noise // 4, threshold)
    if full - paper < FAINTEST:
        return None
    at_least = max(paper, threshold // 3)
    mask = depths.grey.translate(list_above(at_least))
    ink = depths.grey.translate(list_strengths(paper, full))
    page = copy_sign(ink, choose_sign(connect(mask, width), ink, width, height), width)
    box = _find_box(Picture(width, height, page))
    return (Picture(width, height, page), box, sign) if box else None


def _find_box(page: Picture) -> Box | None:
    end = len(page.grey.rstrip(b"\0"))
    if not end:
        return None
    top = (len(page.grey) - len(page.grey.lstrip(b"\0"))) // page.width
    bottom = -(-end // page.width)
    lines = list_rows(page)[top:bottom]
    left = page.width - max([len(line.lstrip(b"\0")) for line in lines])
    right = max([len(line.rstrip(b"\0")) for line in lines])
    return left, top, right, bottom

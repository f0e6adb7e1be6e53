"""The sign that is drawn in a picture: its ink, and where it is."""

from __future__ import annotations

from serving.app.pictures import Picture
from serving.app.pictures.groups import choose_sign, connect, copy_sign
from serving.app.pictures.levels import FAINTEST, count, find_quantile, find_threshold
from serving.app.pictures.paper import even_out, measure_depths, take_out_lines
from serving.app.pictures.pixels import LARGEST, list_border, list_rows

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
    counts = count(depths.grey)
    threshold = find_threshold(counts)
    full = find_quantile(counts[threshold + 1 :], 9, 10) + threshold + 1
    border = sorted(list_border(depths))
    noise = border[len(border) * 31 // 32]
    paper = min(noise + noise // 4, threshold)
    if full - paper < FAINTEST:
        return None
    at_least = max(paper, threshold // 3)
    mask = depths.grey.translate(bytes([level > at_least for level in range(256)]))
    strengths = [(level - paper) * LARGEST // (full - paper) for level in range(256)]
    ink = depths.grey.translate(bytes([min(LARGEST, max(0, one)) for one in strengths]))
    page = copy_sign(ink, choose_sign(connect(mask, width), ink, width, height), width)
    box = _find_box(Picture(width, height, page))
    return (Picture(width, height, page), box, sign) if box else None


def _find_box(page: Picture) -> Box | None:
    rows = [row for row, line in enumerate(list_rows(page)) if any(line)]
    if not rows:
        return None
    lines = list_rows(page)[rows[0] : rows[-1] + 1]
    left = min([page.width - len(line.lstrip(b"\0")) for line in lines])
    right = max([len(line.rstrip(b"\0")) for line in lines])
    return left, rows[0], right, rows[-1] + 1

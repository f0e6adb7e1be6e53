"""Pixels of a picture: parts of it, other sizes of it; arithmetic of integers alone."""

from __future__ import annotations

from itertools import accumulate, pairwise

from serving.app.pictures import Picture

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Box = tuple[int, int, int, int]  # left, top, right, bottom; the last two are outside

MAX_LANES = 16  # whole factor whose sums of squares still fit into 16 bits
LARGEST = 255


def list_rows(picture: Picture) -> list[bytes]:
    width, grey = picture.width, picture.grey
    return [grey[start : start + width] for start in range(0, len(grey), width)]


def list_border(picture: Picture) -> bytes:
    width, grey = picture.width, picture.grey
    return grey[:width] + grey[-width:] + grey[::width] + grey[width - 1 :: width]


def median(values: Iterable[int]) -> int:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def cut(picture: Picture, box: Box) -> Picture:
    """The part of a picture in a box, which must lie within it."""
    left, top, right, bottom = box
    width, grey = picture.width, picture.grey
    starts = range(top * width, bottom * width, width)
    rows = [grey[start + left : start + right] for start in starts]
    return Picture(right - left, bottom - top, b"".join(rows))


def fit(width: int, height: int, most_wide: int, most_high: int) -> tuple[int, int]:
    """The largest size of the same aspect in a frame, rounded, at least 1 × 1."""
    if width * most_high >= height * most_wide:
        return most_wide, max(1, (2 * height * most_wide + width) // (2 * width))
    return max(1, (2 * width * most_high + height) // (2 * height)), most_high


def reduce(picture: Picture, factor: int) -> Picture:
    """The means of squares of `factor` pixels a side; what is no square at the end is left out.

    Rows are added as long integers whose digits are pixels, so that no step is one of a pixel.
    """
    if factor == 1:
        return picture
    import struct  # noqa: PLC0415 - small pictures do without

    width, grey = picture.width, picture.grey
    across, down = min(factor, width), min(factor, picture.height)
    used = width // across * across
    lane, form = (2, "H") if factor <= MAX_LANES else (4, "I")
    made = []
    for top in range(0, picture.height // down * down, down):
        rows = 0
        for start in range(top * width, (top + down) * width, width):
            spread = bytearray(lane * used)
            spread[::lane] = grey[start : start + used]
            rows += int.from_bytes(spread, "little")
        # A digit of the sum is that of `across` neighbours.
        total = sum([rows >> (8 * lane * place) for place in range(across)])
        sums = struct.unpack(f"<{used}{form}", total.to_bytes(lane * used, "little"))
        made.append(bytes([one // (across * down) for one in sums[::across]]))
    return Picture(used // across, len(made), b"".join(made))


def scale(picture: Picture, width: int, height: int) -> Picture:
    """A picture of another size: each pixel is the mean of the area that it covers, rounded."""
    if (picture.width, picture.height) == (width, height):
        return picture
    area = picture.width * picture.height
    places = _find_ends(picture.width, width)
    lines = [_sum_shares(row, width, places) for row in list_rows(picture)]
    places = _find_ends(picture.height, height)
    columns = [_sum_shares(column, height, places) for column in zip(*lines, strict=True)]
    sums = [one for row in zip(*columns, strict=True) for one in row]
    return Picture(width, height, bytes([(2 * one + area) // (2 * area) for one in sums]))


def _find_ends(old: int, new: int) -> list[tuple[int, int]]:
    """Where each of `new` pixels starts, and the last ends: an old one, and how much of it before.

    A side is old × new units long, so that both have whole ends; an old pixel is `new` of them.
    """
    return [divmod(k * old, new) for k in range(new + 1)]


def _sum_shares(values: Sequence[int], new: int, ends: list[tuple[int, int]]) -> list[int]:
    """Of each new pixel the sum of old ones, times how much of them it covers."""
    sums = list(accumulate(values, initial=0))
    values = [*values, 0]
    upto = [sums[i] * new + values[i] * part for i, part in ends]
    return [end - start for start, end in pairwise(upto)]


def put(small: Picture, left: int, top: int, page: Picture) -> bytes:
    """The pixels of a page with a smaller picture on it."""
    made = bytearray(page.grey)
    for row, line in enumerate(list_rows(small), start=top):
        start = row * page.width + left
        made[start : start + small.width] = line
    return bytes(made)

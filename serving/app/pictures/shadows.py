"""How far pixels are from paper of several levels: in a shadow's edge, or beside a table."""

from __future__ import annotations

from serving.app.pictures import Picture
from serving.app.pictures.levels import FAINTEST, list_depths
from serving.app.pictures.pixels import list_border, list_rows, median

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

PARTS = 16  # of the border, compared to find out whether the paper is even
TILES = 8  # along the longer side, of a picture whose paper is uneven


def has_uneven_paper(picture: Picture) -> bool:
    """Whether parts of the border differ: more of them than ink or a corner could be."""
    if min(picture.width, picture.height) < 2 * TILES:
        return False
    border = list_border(picture)
    long = len(border) // PARTS
    medians = sorted([median(border[k * long : (k + 1) * long]) for k in range(PARTS)])
    return medians[-1 - PARTS // 8] - medians[PARTS // 8] > 2 * FAINTEST


def measure_local_depths(picture: Picture, sign: int) -> tuple[Picture, int]:
    """Depths where the paper is of several levels: a shadow's, or that of a sheet and a table.

    The paper is looked for in tiles, each compared with its neighbours: strokes are narrower than
    three tiles, shadows wider (a grey closing, Serra, "Image Analysis and Mathematical Morphology",
    1982).
    """
    width, height, grey = picture.width, picture.height, picture.grey
    size = min(max(width, height) // TILES, min(width, height) // 2)
    tiles = [
        [_sort_tile(grey, width, x, y, size) for x in range(0, width - size + 1, size)]
        for y in range(0, height - size + 1, size)
    ]
    if sign == 0:
        sides = _compare_with_border(picture) or sum([_weigh(one) for row in tiles for one in row])
        sign = 1 if sides > 0 else -1
    first, second, place = (min, max, 1) if sign > 0 else (max, min, 3)
    papers = [[one[len(one) * place // 4] for one in row] for row in tiles]
    papers = _look_around(_look_around(papers, first), second)
    lightest = max(map(max, papers))
    made = bytearray()
    for row, levels in zip(list_rows(picture), _smooth(papers, width, height, size), strict=True):
        pairs = zip(row, levels, strict=True)
        if sign > 0:
            made += bytes([one - at if one > at else 0 for one, at in pairs])
        else:  # in a shadow ink is nearer to the paper, by the light that is missing
            made += bytes([(at - one) * lightest // at if one < at else 0 for one, at in pairs])
    return Picture(width, height, bytes(made)), sign


def _sort_tile(grey: bytes, width: int, left: int, top: int, size: int) -> list[int]:
    starts = range(top * width + left, (top + size) * width + left, width)
    return sorted(b"".join([grey[start : start + size] for start in starts]))


def _compare_with_border(picture: Picture) -> int:
    """Above zero where more is lighter than all paper, below where darker; 0: too little is."""
    border = sorted(list_border(picture))
    few = len(border) // 16
    low, high = border[few], border[-1 - few]
    lighter = picture.grey.translate(list_depths(high, 1))
    darker = picture.grey.translate(list_depths(low, -1))
    found = sum(lighter) - sum(darker)
    return found if 100 * abs(found) > FAINTEST * len(picture.grey) else 0


def _weigh(levels: list[int]) -> int:
    """Above zero where the lighter ones of sorted levels are the rare ones, as light ink is."""
    few = len(levels) // 32
    low, middle, high = levels[few], levels[len(levels) // 2], levels[-1 - few]
    return (high - middle) ** 2 - (middle - low) ** 2


def _look_around(
    levels: list[list[int]], choose: Callable[[Iterable[int]], int]
) -> list[list[int]]:
    """Of each tile the largest or smallest level of it and its eight neighbours."""
    return [
        [
            choose(
                [one for row in levels[max(0, y - 1) : y + 2] for one in row[max(0, x - 1) : x + 2]]
            )
            for x in range(len(levels[0]))
        ]
        for y in range(len(levels))
    ]


def _smooth(tiles: list[list[int]], width: int, height: int, size: int) -> Iterator[list[int]]:
    """Rows of pixels between the middles of tiles, bilinear."""
    across = _find_middles(width, size, len(tiles[0]))
    rows = [[(row[i] * (size - part) + row[j] * part) for i, j, part in across] for row in tiles]
    for i, j, part in _find_middles(height, size, len(tiles)):
        pairs = zip(rows[i], rows[j], strict=True)
        yield [(one * (size - part) + other * part) // size**2 for one, other in pairs]


def _find_middles(side: int, size: int, number: int) -> list[tuple[int, int, int]]:
    """Of each pixel the tiles before and after it, and its place between their middles."""
    places = [min(max(0, pixel - size // 2), (number - 1) * size) for pixel in range(side)]
    return [(one // size, min(one // size + 1, number - 1), one % size) for one in places]

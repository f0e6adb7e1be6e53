"""Groups of pixels that touch, of which one is a sign and others are specks.

They are made of runs: (row, first column, column after the last) of neighbouring pixels of ink.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Box = tuple[int, int, int, int]  # left, top, right, bottom; the last two are outside

    Run = tuple[int, int, int]


def connect(mask: bytes, width: int) -> list[list[Run]]:
    """Groups of runs that touch, at corners, too."""
    parents: list[int] = []
    runs: list[Run] = []
    above: list[int] = []
    for row, start in enumerate(range(0, len(mask), width)):
        here = []
        line = mask[start : start + width]
        for first, last in _list_runs(line):
            number = len(runs)
            runs.append((row, first, last))
            parents.append(number)
            here.append(number)
            for other in above:
                _, begin, end = runs[other]
                if begin > last:
                    break
                if end >= first:
                    parents[_find_root(parents, other)] = number
        above = here
    groups: dict[int, list[Run]] = {}
    for number, run in enumerate(runs):
        groups.setdefault(_find_root(parents, number), []).append(run)
    return list(groups.values())


def _list_runs(line: bytes) -> Iterator[tuple[int, int]]:
    first = line.find(1)
    while first >= 0:
        last = line.find(0, first)
        if last < 0:
            last = len(line)
        yield first, last
        first = line.find(1, last)


def _find_root(parents: list[int], number: int) -> int:
    while parents[number] != number:
        parents[number] = parents[parents[number]]
        number = parents[number]
    return number


def choose_sign(groups: list[list[Run]], ink: bytes, width: int, height: int) -> list[Run]:
    """The runs of the sign: the heaviest group, and those near it that are no specks."""
    weighed = []
    for runs in groups:
        mass = sum(
            [sum(ink[row * width + first : row * width + last]) for row, first, last in runs]
        )
        left, right = min([one[1] for one in runs]), max([one[2] for one in runs])
        box = (left, runs[0][0], right, runs[-1][0] + 1)
        inside = min(left, box[1]) > 0 and right < width and box[3] < height
        weighed.append((mass if inside else mass // 4, mass, box, runs))
    if not weighed:
        return []
    most, _, main, chosen = max(weighed, key=lambda one: one[0])
    near = max(main[2] - main[0], main[3] - main[1]) // 3
    for counted, _, box, runs in weighed:
        if runs is not chosen and 16 * counted >= most and _find_gap(box, main) <= near:
            chosen = chosen + runs
    return chosen


def _find_gap(one: Box, other: Box) -> int:
    """How far two boxes are from each other, along the axis where they are farther."""
    across = max(one[0], other[0]) - min(one[2], other[2])
    down = max(one[1], other[1]) - min(one[3], other[3])
    return max(0, across, down)


def copy_sign(ink: bytes, runs: list[Run], width: int) -> bytes:
    """The ink of the runs and of the pixels around them: the soft edge."""
    page = bytearray(len(ink))
    for row, first, last in runs:
        start, left, right = row * width, max(0, first - 1), min(width, last + 1)
        page[start + left : start + right] = b"\xff" * (right - left)
    # As long integers whose digits are pixels, so that no step is one of a run's neighbour.
    kept = int.from_bytes(page, "little")
    kept |= kept << 8 * width | kept >> 8 * width
    return (kept & int.from_bytes(ink, "little")).to_bytes(len(ink), "little")

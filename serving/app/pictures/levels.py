"""Levels of grey: how many pixels have which, and which of them are ink."""

from __future__ import annotations

from math import sumprod

FAINTEST = 12  # levels of grey between ink and paper, below which a picture is blank


def count(grey: bytes, common: int) -> list[int]:
    """How many pixels there are of each level; `common`, which many have, is counted at once."""
    counts = [0] * 256
    others = grey.translate(None, bytes([common]))
    counts[common] = len(grey) - len(others)
    for level in others:
        counts[level] += 1
    return counts


def list_depths(paper: int, sign: int) -> bytes:
    """The table of how far each level is from the paper's, on the side of `sign`; else 0."""
    if sign > 0:
        return bytes(paper) + bytes(range(256 - paper))
    return bytes(range(paper, 0, -1)) + bytes(256 - paper)


def list_strengths(paper: int, full: int) -> bytes:
    """The table of how strong the ink of each level is: 0 up to the paper's, 255 from `full` on.

    Args:
        paper: Below `full`.
        full: At most 256.
    """
    rise = [(255 * step) // (full - paper) for step in range(full - paper)]
    return bytes(paper) + bytes(rise) + b"\xff" * (256 - full)


def list_above(level: int) -> bytes:
    """The table of which levels are above one: 1 or 0."""
    return bytes(level + 1) + b"\1" * (255 - level)


def find_threshold(counts: list[int]) -> int:
    """The level up to which a pixel is paper.

    Otsu's: the variance between both classes is largest (Otsu, "A Threshold Selection Method from
    Gray-Level Histograms", IEEE Transactions on Systems, Man, and Cybernetics 9(1), 1979). As a
    fraction of integers: (total × below − n × sum below)² / (below × (n − below)).
    """
    number = sum(counts)
    total = int(sumprod(counts, range(len(counts))))  # of integers it is one, exactly
    below = weighed = found = 0
    most, of = 0, 1
    for level, one in enumerate(counts):
        if one == 0:
            continue
        below += one
        weighed += level * one
        area = below * (number - below)
        between = (total * below - number * weighed) ** 2
        if area and between * of > most * area:
            most, of, found = between, area, level
    return found


def find_quantile(counts: list[int], share: int, of: int) -> int:
    """The level below which at least `share` of `of` parts of the pixels lie; 0 of none."""
    wanted = sum(counts) * share
    seen = 0
    for level, one in enumerate(counts):
        seen += one * of
        if seen >= wanted:
            return level
    return 0

"""Levels of grey: how many pixels have which, and which of them are ink."""

from __future__ import annotations

FAINTEST = 12  # levels of grey between ink and paper, below which a picture is blank


def count(grey: bytes) -> list[int]:
    """How many pixels there are of each level."""
    counts = [0] * 256
    for level in grey:
        counts[level] += 1
    return counts


def find_threshold(counts: list[int]) -> int:
    """The level up to which a pixel is paper.

    Otsu's: the variance between both classes is largest (Otsu, "A Threshold Selection Method from
    Gray-Level Histograms", IEEE Transactions on Systems, Man, and Cybernetics 9(1), 1979). As a
    fraction of integers: (total × below − n × sum below)² / (below × (n − below)).
    """
    number = sum(counts)
    total = sum([level * one for level, one in enumerate(counts)])
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
    number = sum(counts)
    seen = 0
    for level, one in enumerate(counts):
        seen += one
        if seen * of >= number * share:
            return level
    return 0

"""What probabilities are made with, in the order of numpy's and scikit-learn's own sums."""

from __future__ import annotations

from math import exp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def expit(x: float) -> float:
    """The logistic function."""
    try:
        return 1.0 / (1.0 + exp(-x))
    except OverflowError:  # of exp, which in C is infinite
        return 0.0


def add_up(values: list[Any]) -> Any:
    """The sum in numpy's order, which decides between labels that all but tie.

    That is pairwise_sum in numpy's loops_utils.h.src. What is added can be arrays, too.
    """
    count = len(values)
    if count > 128:  # noqa: PLR2004
        half = count // 2 - count // 2 % 8
        return add_up(values[:half]) + add_up(values[half:])
    total, rest = 0.0, values
    if count >= 8:  # noqa: PLR2004
        sums = values[:8]
        for start in range(8, count - 7, 8):
            sums = [one + value for one, value in zip(sums, values[start:], strict=False)]
        a, b, c, d, e, f, g, h = sums
        total, rest = ((a + b) + (c + d)) + ((e + f) + (g + h)), values[count - count % 8 :]
    for value in rest:  # not sum(): it compensates
        total += value
    return total


def share(found: list[float]) -> list[float]:
    """Each number's share of their sum; the same for each where all are zero."""
    total = add_up(found)
    return [one / total for one in found] if total else [1 / len(found)] * len(found)

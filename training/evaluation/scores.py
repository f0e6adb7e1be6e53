"""How scores are told in a line, whatever the task."""

from collections.abc import Mapping

TOLD = 2
SMALL = 100  # below it, decimals say something
LARGE = 1000  # from it on, no unit needs any


def tell_scores(metrics: Mapping[str, float]) -> str:
    """The first scores, which are the most telling ones; none of a baseline."""
    own = [name for name in metrics if not name.startswith("baseline")]
    return ", ".join(f"{name} {tell_number(metrics[name])}" for name in own[:TOLD])


def tell_number(value: float) -> str:
    """A number with as many decimals as its size leaves sense in."""
    return f"{value:,.{4 if abs(value) < SMALL else 1}f}"


def tell_amount(value: float) -> str:
    """A value in its own unit: whole where it is large."""
    return f"{value:,.0f}" if abs(value) >= LARGE else f"{value:.5g}"

"""The picture of a load test: latencies by rate, and what was answered of what was asked."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.load.results import PERCENTILES, Results

INK, MUTED, LINE, BAD = "#24292f", "#59616c", "#dfe2e6", "#b3261e"
COLOURS = dict(zip(PERCENTILES, ("#8cc4e5", "#3594cc", "#00507a"), strict=True))
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "load",
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"],
    "font.size": 11,
    "text.color": INK,
}


def write(path: Path, results: Results) -> None:
    """Write the picture as SVG; the same results give the same file."""
    metadata = dict.fromkeys(["Creator", "Date", "Format", "Type"])
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 6.4), layout="constrained")
        above, below = figure.subplots(2, sharex=True, height_ratios=(3, 2))
        draw_latencies(above, results)
        draw_answered(below, results)
        figure.suptitle(
            f"{results.model} {results.version} at {results.target}, {results.date}",
            x=0.01,
            ha="left",
            fontsize=11,
        )
        figure.savefig(path, format="svg", facecolor="white", metadata=metadata)


def draw_latencies(axes: Axes, results: Results) -> None:
    """A line a percentile; a cross at the top where so many failed."""
    for share in PERCENTILES:
        points = [(one.rate, one.percentiles[share]) for one in results.steps]
        lines = [(rate, took) for rate, took in points if took is not None]
        axes.plot(*_columns(lines), "o-", color=COLOURS[share], label=f"p{share}")
        failed = [(rate, 0.96) for rate, took in points if took is None]
        # In parts of the axis: a request that failed has no time.
        axes.plot(*_columns(failed), "x", color=BAD, transform=axes.get_xaxis_transform())
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:,g} ms")
    axes.legend(frameon=False, loc="upper left")
    _finish(axes, "Latency from when a request was due (a cross: so many failed)")


def draw_answered(axes: Axes, results: Results) -> None:
    """What was answered well, beside what was asked."""
    rates = [one.rate for one in results.steps]
    axes.plot(rates, rates, "--", color=MUTED, label="asked")
    axes.plot(
        rates, [one.answered_per_second for one in results.steps], "o-", color=COLOURS[50],
        label="answered",
    )  # fmt: skip
    axes.set(ylim=(0, None), xlim=(0, None), xlabel="requests a second")
    axes.legend(frameon=False, loc="upper left")
    _finish(axes, "Answers a second")


def _columns(points: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [one for one, _ in points], [one for _, one in points]


def _finish(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=11, color=MUTED)
    axes.tick_params(which="both", color=LINE, labelcolor=MUTED)
    axes.grid(color=LINE)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)

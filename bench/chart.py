"""The picture for the README: cold starts as bars on a logarithmic axis."""

from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.report import format_ms
from bench.results import Results

INK, MUTED, LINE = "#24292f", "#59616c", "#dfe2e6"
# Whole processor and a quarter of one; ours are blue.
OURS, OTHERS = ("#0072b2", "#8cc4e5"), ("#6e7781", "#c4c9cf")
HEIGHT = 0.36
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "bench",
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"],
    "font.size": 11,
    "text.color": INK,
}


def write_chart(path: Path, results: Results, titles: dict[str, str]) -> None:
    """Write the chart as SVG; the same results give the same file."""
    metadata = dict.fromkeys(["Creator", "Date", "Format", "Type"])
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 0.9 + 0.78 * len(titles)), layout="constrained")
        draw(figure, results, titles)
        figure.savefig(path, format="svg", facecolor="white", metadata=metadata)


def draw(figure: Figure, results: Results, titles: dict[str, str]) -> None:
    axes = figure.subplots()
    longest = 0.0
    kinds = ((results.cold, ""), (results.quarter, " at ¼ CPU"))
    for row, name in enumerate(titles):
        colours = OURS if name in ("frozen", "sklearn") else OTHERS
        for place, (rounds, note) in enumerate(kinds):
            if name not in rounds:
                continue
            time = median(rounds[name].values())
            at = row + place * HEIGHT
            axes.barh(at, time, height=HEIGHT, color=colours[place])
            axes.annotate(
                f"{format_ms(time)} ms{note}",
                (time, at),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                color=MUTED if note else INK,
                fontweight="normal" if note or name != "frozen" else "bold",
            )
            longest = max(longest, time)
    axes.set_xscale("log")
    axes.set(xlim=(10, longest * 10))
    axes.set_yticks([row + HEIGHT / 2 for row in range(len(titles))], list(titles.values()))
    axes.invert_yaxis()
    axes.set_title(
        "Cold start: process start to first answer (logarithmic, shorter is better)",
        loc="left",
        fontsize=11,
        color=MUTED,
    )
    axes.xaxis.set_major_formatter("{x:,.0f} ms")
    axes.tick_params(axis="x", which="both", color=LINE, labelcolor=MUTED)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=LINE)
    axes.set_axisbelow(True)
    for side in ("left", "right", "top", "bottom"):
        axes.spines[side].set_visible(False)

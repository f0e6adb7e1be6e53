"""The pictures for the documents: times as bars on logarithmic axes."""

from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.peer import FAILED
from bench.report import PEERS, format_ms
from bench.results import Results

INK, MUTED, LINE = "#24292f", "#59616c", "#dfe2e6"
# Whole processor and a quarter of one; ours are blue.
OURS, OTHERS = ("#0072b2", "#8cc4e5"), ("#6e7781", "#c4c9cf")
HEIGHT = 0.36
METADATA = dict.fromkeys(["Creator", "Date", "Format", "Type"])
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
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 0.9 + 0.78 * len(titles)), layout="constrained")
        draw(figure, results, titles)
        figure.savefig(path, format="svg", facecolor="white", metadata=METADATA)


def write_peers_chart(path: Path, results: Results) -> None:
    """Write the chart of those that can take the model; the same results give the same file."""
    able = {name: one for name, one in results.peers.items() if FAILED not in one}
    panels = {"cold": "Cold start", "warm": "One record", "batch": "Batch of 1,000"}
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 0.9 + 0.4 * len(able)), layout="constrained")
        every = figure.subplots(1, len(panels), sharey=True)
        for axes, (what, title) in zip(every, panels.items(), strict=True):
            times = [one[what] for one in able.values()]
            colours = [OURS[0] if name.startswith("quickthaw") else OTHERS[0] for name in able]
            axes.barh(range(len(able)), times, color=colours)
            for row, time in enumerate(times):
                axes.annotate(
                    format_ms(time),
                    (time, row),
                    xytext=(4, 0),
                    textcoords="offset points",
                    va="center",
                )
            axes.set_xscale("log")
            axes.set(xlim=(min(times) / 2, max(times) * 6))
            axes.set_title(f"{title} (ms)", loc="left", fontsize=11, color=MUTED)
            tidy(axes)
            axes.tick_params(axis="x", which="both", labelbottom=False)
        every[0].set_yticks(range(len(able)), [PEERS[name] for name in able])
        every[0].invert_yaxis()
        figure.savefig(path, format="svg", facecolor="white", metadata=METADATA)


def tidy(axes: Axes) -> None:
    """Nothing that is not read."""
    axes.tick_params(axis="x", which="both", color=LINE, labelcolor=MUTED)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=LINE)
    axes.set_axisbelow(True)
    for side in ("left", "right", "top", "bottom"):
        axes.spines[side].set_visible(False)


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
    tidy(axes)

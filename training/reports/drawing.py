"""Figures of the report: SVG that takes its colours from the page."""

import io
import re
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

# What is drawn in one of these becomes a variable of the page's CSS, which knows light from dark.
MUTED, LINE, BLUE = "#59616c", "#dfe2e6", "#0072b2"
VARIABLES = {MUTED: "muted", LINE: "line", BLUE: "blue"}
DRAWING: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": 11,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    **dict.fromkeys(["axes.edgecolor", "grid.color", "xtick.color", "ytick.color"], LINE),
}


def draw[T](plot: Callable[[Figure, T], None], values: T) -> str:
    """Draw a figure as SVG to stand in the page, in the page's colours."""
    drawn = io.StringIO()
    metadata = dict.fromkeys(["Creator", "Date", "Format", "Type"])
    with mpl.rc_context(DRAWING | {"svg.hashsalt": plot.__name__}):
        figure = Figure(figsize=(5.2, 4.2), layout="constrained")
        plot(figure, values)
        figure.savefig(drawn, format="svg", transparent=True, metadata=metadata)
    svg = drawn.getvalue()
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg[svg.index("<svg") :])  # not unique in a page of two
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    return svg


def draw_learning_curve(figure: Figure, learned: Any) -> None:
    """Scores by number of training examples, on these and on held-out ones."""
    axes = figure.subplots()
    for name, colour, marker in (("training", MUTED, "s--"), ("validation", BLUE, "o-")):
        axes.plot(learned["examples"], learned[f"{name}_score"], marker, color=colour)
    axes.set(xlabel="training examples", ylabel="score", xlim=(0, None))
    axes.locator_params(axis="x", nbins=5)
    axes.xaxis.set_major_formatter("{x:,.0f}")

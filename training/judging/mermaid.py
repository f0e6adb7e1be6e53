"""Charts that GitHub draws in Markdown: Mermaid's xychart.

Source of the format: mermaid.js.org/syntax/xyChart. It has no legend, so the text beside a chart
says what the bars and the line are. Mermaid of version 11 draws what is written here.
"""

import json
import math
import re
from collections.abc import Sequence

STEP = 0.05
LABEL_CHARS = 28
# What ends a quoted text, or opens a comment, a directive, an entity or a tag within one.
UNSAFE = re.compile(r"[^\w .,:+/()&'-]")
BARS, LINE = "#56b4e9", "#d55e00"  # told apart by all eyes, on white and on black
WIDTH = 800
PLAIN, PER_BAR = 80, 30  # pixels: of the axes, and of each lying bar


def draw_bars(axis: str, bars: Sequence[tuple[str, float]], line: Sequence[float] = ()) -> str:
    """Lying bars, from the top, and a line through as many values; all within 0 and 1.

    The axis does not start at 0, but below the lowest value: what matters is how they differ.
    """
    values = [*(value for _, value in bars), *line]
    low = max(0, math.floor(min(values) / STEP - 0.5) * STEP)
    high = min(1, math.ceil(max(values) / STEP) * STEP)
    if high <= low:  # all are 0
        high = low + STEP
    return _draw(
        "xychart-beta horizontal",
        PLAIN + PER_BAR * len(bars),
        [
            f"x-axis {_list_names([name for name, _ in bars])}",
            f"y-axis {quote(axis)} {low:.2f} --> {high:.2f}",
            *_list_series([value for _, value in bars], line),
        ],
    )


def draw_steps(
    axes: tuple[str, str], bars: Sequence[tuple[str, float]], line: Sequence[float]
) -> str:
    """Standing bars, from the left, and a line through as many values, from 0 to 1."""
    return _draw(
        "xychart-beta",
        PLAIN + PER_BAR * 9,
        [
            f"x-axis {quote(axes[0])} {_list_names([name for name, _ in bars])}",
            f"y-axis {quote(axes[1])} 0 --> 1",
            *_list_series([value for _, value in bars], line),
        ],
    )


def quote(text: str) -> str:
    """A text as Mermaid takes it: in quotes, of safe characters, not too long, never empty."""
    safe = UNSAFE.sub("_", " ".join(text.split())) or "_"
    return f'"{safe if len(safe) <= LABEL_CHARS else safe[: LABEL_CHARS - 1] + "…"}"'


def _list_names(names: Sequence[str]) -> str:
    quoted = [quote(name) for name in names]
    if len(set(quoted)) < len(quoted):  # equal ones would be drawn upon each other
        quoted = [quote(f"{number}. {name}") for number, name in enumerate(names, 1)]
    return f"[{', '.join(quoted)}]"


def _list_series(bars: Sequence[float], line: Sequence[float]) -> list[str]:
    return [
        f"{kind} [{', '.join(f'{value:.4f}' for value in values)}]"
        for kind, values in (("bar", bars), ("line", line))
        if values
    ]


def _draw(head: str, height: int, lines: list[str]) -> str:
    settings = {
        "xyChart": {"width": WIDTH, "height": height},
        "themeVariables": {"xyChart": {"plotColorPalette": f"{BARS}, {LINE}"}},
    }
    body = "\n".join(f"    {line}" for line in lines)
    return f"```mermaid\n%%{{init: {json.dumps(settings)}}}%%\n{head}\n{body}\n```"

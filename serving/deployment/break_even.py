"""From how many requests a second Fargate costs less than Lambda, drawn.

`python -m serving.deployment.break_even` writes the picture of docs/explanation/costs.md. It writes
SVG itself: one picture for light and dark, and of the same numbers the same bytes.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from serving.deployment.costs import (
    Load,
    cost_of_month,
    cost_of_url,
    find_break_even,
    measure_tasks,
    sum_costs,
)

PICTURE = Path(__file__).parents[2] / "docs/images/break-even.svg"
WIDTH, HEIGHT = 760, 430
LEFT, RIGHT, TOP, BOTTOM = 64, 594, 62, 372  # of the diagram itself
RATES, DOLLARS = (0.1, 100.0), (3.0, 2000.0)  # the ends of the axes, both logarithmic
TICKS_OF_RATES, TICKS_OF_DOLLARS = (0.1, 1, 10, 100), (10, 100, 1000)
POINTS = 60
TITLE = "What a month costs, by how many requests a second"
STYLE = """
    .page { fill: #ffffff }
    text { fill: #24292f; font: 13px -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif }
    .title { font-size: 15px; font-weight: 600 }
    .quiet { fill: #59616c }
    .grid { stroke: #dfe2e6 }
    .line { fill: none; stroke-width: 2.5 }
    .down { stroke: #59616c; stroke-dasharray: 2 4 }
    .rest { stroke: #0072b2 } .rest-text { fill: #0072b2 }
    .url { stroke: #8250df; stroke-dasharray: 8 4 } .url-text { fill: #8250df }
    .tasks { stroke: #bc4c00 } .tasks-text { fill: #bc4c00 }
    .point { fill: #ffffff; stroke: #24292f; stroke-width: 2 }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117 }
      text { fill: #e6edf3 }
      .quiet { fill: #9198a1 }
      .grid { stroke: #2a313c }
      .down { stroke: #9198a1 }
      .rest { stroke: #58a6ff } .rest-text { fill: #58a6ff }
      .url { stroke: #bc8cff } .url-text { fill: #bc8cff }
      .tasks { stroke: #f0883e } .tasks-text { fill: #f0883e }
      .point { fill: #0d1117; stroke: #e6edf3 }
    }
  """


class Curve(NamedTuple):
    """What a month costs, by the requests a second.

    Attributes:
        kind: Its class in the style.
        words: What it is, beside its end.
        cost: US dollars at so many requests a second.
        lower: How much lower these words are than the end, for the others' are near.
    """

    kind: str
    words: str
    cost: Callable[[float, Load], float]
    lower: float = 0


def cost_of_tasks(rate: float, load: Load) -> float:
    """US dollars a month on Fargate."""
    return sum_costs(measure_tasks(rate, load))


TASKS = Curve("tasks", "Fargate, two tasks", cost_of_tasks, 14)
FUNCTIONS = (
    Curve("rest", "Lambda, REST API", cost_of_month),
    Curve("url", "Lambda, function URL", cost_of_url, -14),
)


def place(value: float, ends: tuple[float, float], low: float, high: float) -> float:
    """Where a value is on a logarithmic axis, between two places."""
    first, last = map(math.log10, ends)
    return low + (high - low) * (math.log10(value) - first) / (last - first)


def find_x(rate: float) -> float:
    return place(rate, RATES, LEFT, RIGHT)


def find_y(dollars: float) -> float:
    return place(dollars, DOLLARS, BOTTOM, TOP)


def draw(load: Load) -> str:
    """The picture, as SVG."""
    curves = (*FUNCTIONS, TASKS)
    parts = [
        *_draw_axes(),
        *(_draw_curve(one, load) for one in curves),
        *(part for one in curves for part in _draw_words(one, load)),
        *(part for one in FUNCTIONS for part in _draw_break_even(one, load)),
    ]
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
            f"  <title>{TITLE}: {_tell(load)}</title>",
            f"  <style>{STYLE}</style>",
            f'  <rect class="page" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
            *(f"  {part}" for part in parts),
            "</svg>\n",
        )
    )


def _tell(load: Load) -> str:
    """What the picture shows, for who does not see it."""
    rest, url = (find_break_even(load, one.cost) for one in FUNCTIONS)
    return (
        f"two tasks of Fargate cost less than Lambda behind a REST API from {rest:.1f} requests a "
        f"second on, than Lambda with a function URL from {url:.0f} on"
    )


def _draw_axes() -> Iterator[str]:
    yield _text(LEFT, 28, TITLE, "title")
    yield _text(LEFT, 48, "US dollars, both axes logarithmic", "quiet")
    for dollars in TICKS_OF_DOLLARS:
        y = find_y(dollars)
        yield f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{RIGHT}" y2="{y:.1f}"/>'
        yield _text(LEFT - 8, y + 4, f"${dollars:,}", "quiet", "end")
    for rate in TICKS_OF_RATES:
        x = find_x(rate)
        yield f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{BOTTOM}"/>'
        yield _text(x, BOTTOM + 20, f"{rate:g}", "quiet", "middle")
    yield _text((LEFT + RIGHT) / 2, BOTTOM + 42, "requests a second, evenly", "quiet", "middle")


def _draw_curve(curve: Curve, load: Load) -> str:
    steps = (RATES[0] * (RATES[1] / RATES[0]) ** (one / POINTS) for one in range(POINTS + 1))
    points = (f"{find_x(one):.1f},{find_y(curve.cost(one, load)):.1f}" for one in steps)
    return f'<polyline class="line {curve.kind}" points="{" ".join(points)}"/>'


def _draw_words(curve: Curve, load: Load) -> Iterator[str]:
    """Beside the end of a curve: what it is, and what it costs there."""
    dollars = curve.cost(RATES[1], load)
    y = find_y(dollars) + curve.lower
    yield _text(RIGHT + 10, y - 4, curve.words, f"{curve.kind}-text")
    yield _text(RIGHT + 10, y + 12, f"${dollars:,.0f}", f"{curve.kind}-text")


def _draw_break_even(curve: Curve, load: Load) -> Iterator[str]:
    rate = find_break_even(load, curve.cost)
    x, y = find_x(rate), find_y(curve.cost(rate, load))
    yield f'<line class="down" x1="{x:.1f}" y1="{y:.1f}" x2="{x:.1f}" y2="{BOTTOM}"/>'
    yield f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
    digits = 1 if rate < 10 else 0  # noqa: PLR2004 - as the text beside it has it
    yield _text(x + 7, BOTTOM - 10, f"from {rate:.{digits}f} on", "")


def _text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(draw(Load()), encoding="utf-8")
    print(f"wrote {PICTURE}")


if __name__ == "__main__":
    main()

"""Reads Mermaid's charts as far as they are written here: other text than this is a fault."""

import json
import re
from dataclasses import dataclass

FENCE = re.compile(r"^```mermaid\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
NAME = r'"[^"`%{};#<>\n\\]+"'
NUMBER = r"\d\.\d{4}"


@dataclass
class Chart:
    """A chart's names, and its values by kind."""

    names: list[str]
    low: float
    high: float
    series: dict[str, list[float]]
    height: int


def read_charts(page):
    """The charts of a page in Markdown; AssertionError if one is not well formed."""
    assert page.count("```") == 2 * len(FENCE.findall(page))
    return [read_chart(text) for text in FENCE.findall(page)]


def read_chart(text):
    settings, head, x_axis, y_axis, *series = text.split("\n")
    init = json.loads(re.fullmatch(r"%%\{init: (\{.*\})\}%%", settings)[1])
    assert re.fullmatch(r"xychart-beta( horizontal)?", head)
    names = re.fullmatch(rf"    x-axis (?:{NAME} )?\[({NAME}(?:, {NAME})*)\]", x_axis)[1]
    low, high = re.fullmatch(rf"    y-axis {NAME} (\d[.\d]*) --> (\d[.\d]*)", y_axis).groups()
    found = Chart(
        names=re.findall(NAME, names),
        low=float(low),
        high=float(high),
        series={},
        height=init["xyChart"]["height"],
    )
    for line in series:
        kind, values = re.fullmatch(rf"    (bar|line) \[({NUMBER}(?:, {NUMBER})*)\]", line).groups()
        assert kind not in found.series
        found.series[kind] = [float(one) for one in values.split(", ")]
        assert len(found.series[kind]) == len(found.names)
        assert all(found.low <= one <= found.high for one in found.series[kind])
    assert 0 <= found.low < found.high <= 1
    assert len(set(found.names)) == len(found.names)
    return found

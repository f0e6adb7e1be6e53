"""Prints the README's tables from bench/results.json: `python -m bench.readme`."""

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from bench.results import flatten

RESULTS = Path("bench/results.json")
TITLES = {
    "empty": "Empty handler",
    "frozen": "Quickthaw, frozen",
    "frozen, python": "Quickthaw, frozen, without the kernel",
    "sklearn": "Quickthaw, sklearn engine",
    "naive": "scikit-learn, the plain way",
    "fastapi": "FastAPI server",
}


def build_tables(path: Path = RESULTS) -> str:
    """The tables in Markdown: the contenders, and the numbers to hold."""
    results = json.loads(path.read_text(encoding="utf-8"))
    return "\n".join([*_contenders(results), "", *_numbers(results)])


def build_image_table(path: Path = RESULTS) -> str:
    """The table of the images in Markdown."""
    return "\n".join(_images(json.loads(path.read_text(encoding="utf-8"))))


def _contenders(results: dict[str, Any]) -> Iterator[str]:
    yield (
        "| Contender | Cold start (ms) | At ¼ CPU (ms) | Warm p50 (ms) | Peak memory (MB) "
        "| Beside the base image (MB) |"
    )
    yield "|---|---|---|---|---|---|"
    for name, title in TITLES.items():
        if name in results["cold"]:
            cells = (
                median(results["cold"][name].values()),
                median(results["quarter"][name].values()),
                median(flatten(results["warm"][name])),
                results["peak"][name]["one"] / 1e6,
                results["footprint"][name]["bytes"] / 1e6,
            )
            yield f"| {title} | {' | '.join(map(_format, cells))} |"


def _images(results: dict[str, Any]) -> Iterator[str]:
    shares = list(results["containers"])
    colds = " | ".join(f"Cold at {share} vCPU (ms)" for share in shares)
    yield f"| Image | Over its base (MB) | Files | {colds} |"
    yield "|---" * (3 + len(shares)) + "|"
    for name, size in results["images"].items():
        times = [median(results["containers"][share][name].values()) for share in shares]
        cells = (_format(size["bytes"] / 1e6), f"{size['files']:,}", *map(_format, times))
        yield f"| {TITLES[name]} | {' | '.join(cells)} |"


def _numbers(results: dict[str, Any]) -> Iterator[str]:
    yield "| Number | Found | To hold | Aim |"
    yield "|---|---|---|---|"
    for one in results["verdicts"]:
        sign = "≤" if one["at_most"] else "≥"
        found = f"{one['value']:.3g}×" + ("" if one["holds"] else ", **does not hold**")
        aim = "" if one["aim"] is None else f"{sign} {one['aim']:.3g}×"
        yield f"| {one['what']} | {found} | {sign} {one['hold']:g}× | {aim} |"


def _format(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 0.01 else "0"  # noqa: PLR2004


if __name__ == "__main__":
    print(build_tables(), build_image_table(), sep="\n\n")

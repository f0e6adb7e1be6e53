"""Prints the documents' tables from bench/results: `python -m bench.readme`."""

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from bench.report import MISSING, build_peers_table, describe_failures, to_markdown
from bench.results import Results, flatten

RESULTS = Path("bench/results")
KINDS = ("text", "record", "image")
TITLES = {
    "empty": "Empty handler",
    "frozen": "Quickthaw, frozen",
    "frozen, python": "Quickthaw, frozen, without the kernel",
    "sklearn": "Quickthaw, sklearn engine",
    "naive": "scikit-learn, the plain way",
    "fastapi": "FastAPI server",
}
HEADS = (
    "Cold start (ms)",
    "At ¼ CPU (ms)",
    "Cold (M instructions)",
    "Warm p50 (ms)",
    "Warm (k instructions)",
    "Largest batch (ms)",
    "Peak memory (MB)",
    "Beside the base image (MB)",
)


def build_tables(folder: Path = RESULTS) -> dict[str, str]:
    """The tables in Markdown, by what they are of: a model, "numbers", "peers", "images"."""
    results = {
        file.parent.name: json.loads(file.read_text(encoding="utf-8"))
        for file in sorted(folder.glob("*/results.json"), key=_order)
    }
    tables = {name: _contenders(one) for name, one in results.items()}
    tables["numbers"] = _numbers(results)
    for one in results.values():
        if one["peers"]:
            tables["peers"] = _peers(one)
        if one["containers"] and "images" not in tables:
            tables["images"] = _images(one)
    return {name: "\n".join(lines) for name, lines in tables.items()}


def _order(file: Path) -> tuple[int, str]:
    """As the documents tell of them: texts, records, pictures."""
    name = file.parent.name
    return KINDS.index(json.loads(file.read_text(encoding="utf-8"))["settings"]["kind"]), name


def _contenders(results: dict[str, Any]) -> Iterator[str]:
    rows = []
    for name, title in TITLES.items():
        if name in results["cold"]:
            sizes = results["batches"][name]
            counts = results["counts"].get(name, {})
            cells = (
                median(results["cold"][name].values()),
                median(results["quarter"][name].values()),
                counts.get("cold", 0) / 1e6,
                median(flatten(results["warm"][name])),
                counts.get("warm", 0) / 1e3,
                median(sizes[max(sizes, key=int)]),
                results["peak"][name]["batches"] / 1e6,
                results["footprint"][name]["bytes"] / 1e6,
            )
            rows.append([title, *(_format(one) if one else MISSING for one in cells)])
    size = max(map(int, results["batches"]["frozen"]))
    heads = [head.replace("Largest batch", f"Batch of {size:,}") for head in HEADS]
    return to_markdown([["Contender", *heads], *rows])


def _peers(results: dict[str, Any]) -> Iterator[str]:
    found = Results({}, peers=results["peers"])
    first, *rows = build_peers_table(found)
    yield from to_markdown([["Who", *first[1:]], *rows])
    if failures := [*describe_failures(found)]:
        yield ""
        yield from (f"- {one}" for one in failures)


def _images(results: dict[str, Any]) -> Iterator[str]:
    shares = list(results["containers"])
    heads = ["Image", "Over its base (MB)", "Files"]
    rows = []
    for name, size in results["images"].items():
        times = [median(results["containers"][share][name].values()) for share in shares]
        cells = (_format(size["bytes"] / 1e6), f"{size['files']:,}", *map(_format, times))
        rows.append([TITLES[name], *cells])
    return to_markdown([[*heads, *(f"Cold at {share} vCPU (ms)" for share in shares)], *rows])


def _numbers(results: dict[str, dict[str, Any]]) -> Iterator[str]:
    """A row a promise, a column a model; limits may differ with the kind of input."""
    verdicts = {
        name: {_identify(one): one for one in found["verdicts"] if one["value"] is not None}
        for name, found in results.items()
    }
    promised = {key: one for found in verdicts.values() for key, one in found.items()}
    rows = []
    for key, one in promised.items():
        sign = "≤" if one["at_most"] else "≥"
        found = [_tell(by_key.get(key)) for by_key in verdicts.values()]
        aim = "" if one["aim"] is None else f"{sign} {one['aim']:.3g}×"
        rows.append([one["what"], *found, f"{sign} {one['hold']:.3g}×", aim])
    return to_markdown([["Number", *verdicts, "To hold", "Aim"], *rows])


def _identify(verdict: dict[str, Any]) -> tuple[Any, ...]:
    return verdict["what"], verdict["hold"], verdict["aim"]


def _tell(verdict: dict[str, Any] | None) -> str:
    if not verdict:
        return MISSING
    return f"{verdict['value']:.3g}×" + ("" if verdict["holds"] else ", **does not hold**")


def _format(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 0.01 else "0"  # noqa: PLR2004


if __name__ == "__main__":
    for name, lines in build_tables().items():
        print(f"{name}\n\n{lines}\n")

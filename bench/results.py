"""What one run found, and how it is summed up."""

import json
import os
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bench.footprint import Footprint
from bench.measure import Rounds

PACKAGES = (
    "awslambdaric",
    "aws-embedded-metrics",
    "aws-lambda-powertools",
    "fastapi",
    "joblib",
    "numpy",
    "pandas",
    "pillow",
    "pydantic",
    "scikit-learn",
    "scipy",
    "uvicorn",
)


def describe_machine() -> dict[str, Any]:
    """What a reader needs to know to compare the numbers with others."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "processor": _name_processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": versions,
    }


def save(results: dict[str, Any], path: Path) -> None:
    """Write results as JSON, in a folder that need not be there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def _name_processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown"


@dataclass
class Results:
    """Everything that was measured: times in milliseconds, sizes in bytes, by contender.

    Attributes:
        settings: Of this run; the model and its kind of input among them.
        kernels: What did the frozen engine's arithmetic: "native" or "python"; None of others.
        cold, quarter: Cold starts, by round; with all of a processor and with a quarter of it.
        warm: Requests for one input, block by block.
        batches: Batches, by number of inputs.
        peak: The most memory, after the warm requests ("one") and after the "batches", too.
        agreement: Of the naive handler's answers, the share that has the same label or, of a
            regression, the same value; and how far apart probabilities or values are at most.
        footprint: What is needed beside the base image.
        slope: Cold starts, by round, of "frozen 50000" and so on.
        images: What each contender's image adds to its base; nothing without Docker.
        containers: Cold starts in containers, by share of a processor.
        counts: Instructions of a "cold" start and of a "warm" request; nothing without valgrind.
        peers: What `bench.peers` found; nothing where it was not asked.
    """

    settings: dict[str, Any]
    machine: dict[str, Any] = field(default_factory=describe_machine)
    kernels: dict[str, str | None] = field(default_factory=dict)
    cold: Rounds = field(default_factory=dict)
    quarter: Rounds = field(default_factory=dict)
    warm: dict[str, list[list[float]]] = field(default_factory=dict)
    batches: dict[str, dict[int, list[float]]] = field(default_factory=dict)
    peak: dict[str, dict[str, int]] = field(default_factory=dict)
    agreement: dict[str, dict[str, float]] = field(default_factory=dict)
    footprint: dict[str, Footprint] = field(default_factory=dict)
    slope: Rounds = field(default_factory=dict)
    images: dict[str, Footprint] = field(default_factory=dict)
    containers: dict[str, Rounds] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    peers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def to_json(self, verdicts: list[dict[str, Any]]) -> str:
        """A line a member: the raw numbers are many."""
        found = vars(self) | {
            "footprint": {name: one._asdict() for name, one in self.footprint.items()},
            "images": {name: one._asdict() for name, one in self.images.items()},
            "verdicts": verdicts,
        }
        lines = (f"{json.dumps(name)}: {json.dumps(_round(one))}" for name, one in found.items())
        return "{\n" + ",\n".join(lines) + "\n}\n"


def _round(value: Any) -> Any:
    if isinstance(value, float):
        return value if abs(value) < 1e-3 else round(value, 4)  # noqa: PLR2004 - 0.1 µs
    if isinstance(value, dict):
        return {name: _round(one) for name, one in value.items()}
    return [_round(one) for one in value] if isinstance(value, list) else value


def paired_ratio(rounds: Rounds, name: str, other: str) -> float:
    """The median, over the rounds that have both, of the one's time divided by the other's."""
    first, second = rounds[name], rounds[other]
    return median(first[number] / second[number] for number in first.keys() & second.keys())


def summarize(times: list[float]) -> tuple[float, float, float]:
    """Median, lower and upper quartile."""
    if len(times) == 1:
        return times[0], times[0], times[0]
    low, middle, high = quantiles(times, method="inclusive")
    return middle, low, high


def flatten(blocks: list[list[float]]) -> list[float]:
    return [one for block in blocks for one in block]

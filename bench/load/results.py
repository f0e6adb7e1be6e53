"""What a load test found: percentiles, errors, rates; as a table and as JSON."""

import json
import math
import os
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench.load.generator import Outcome

PERCENTILES = (50, 90, 99)
LATE_MS = 20.0  # a generator that is later than that for one in a hundred measures itself
HEADS = ("asked/s", "answered/s", "p50 ms", "p90 ms", "p99 ms", "slowest ms", "errors")


@dataclass(frozen=True)
class Step:
    """What was found at one rate.

    Attributes:
        rate: Requests a second that were due.
        sent: Their number.
        answered_per_second: Good answers, by the time from the first request to the last answer.
        percentiles: Milliseconds by percentile, over all requests: one that failed counts as
            slower than any, so None says that so many failed.
        slowest: Milliseconds of the slowest good answer, None where there is none.
        late_ms: The 99th percentile of how late the generator itself was.
        errors: How many failed, by status or by what happened instead of an answer.
        routes: The median of good answers in milliseconds, by route.
    """

    rate: float
    sent: int
    answered_per_second: float
    percentiles: dict[int, float | None]
    slowest: float | None
    late_ms: float
    errors: dict[str, int]
    routes: dict[str, float]

    @property
    def is_over(self) -> bool:
        """Whether the service did not keep up, so that a higher rate would show nothing new."""
        return self.answered_per_second < self.rate * 0.8


@dataclass
class Results:
    """A load test: `target` is an address, `weights` the mix of routes."""

    target: str
    model: str
    version: str
    weights: dict[str, float]
    seconds: int
    steps: list[Step] = field(default_factory=list)
    date: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d %H:%M}Z")
    machine: str = f"{platform.machine()}, {os.cpu_count()} processors"


def summarize(rate: float, outcomes: Sequence[Outcome]) -> Step:
    """The figures of what became of requests at a rate."""
    good = [one for one in outcomes if not one.error]
    took = sorted(one.took * 1000 if not one.error else math.inf for one in outcomes)
    end = max(one.due + one.took for one in outcomes)
    found = {share: find_percentile(took, share) for share in PERCENTILES}
    routes = sorted({one.route for one in good})
    return Step(
        rate=rate,
        sent=len(outcomes),
        # Requests stand for the time until the next one: n of them are due in n / rate seconds.
        answered_per_second=len(good) / max(end, len(outcomes) / rate),
        percentiles={share: None if math.isinf(one) else one for share, one in found.items()},
        slowest=max((one.took * 1000 for one in good), default=None),
        late_ms=find_percentile(sorted(one.late * 1000 for one in outcomes), 99),
        errors=dict(Counter(one.error for one in outcomes if one.error).most_common()),
        routes={
            name: find_percentile(sorted(one.took * 1000 for one in good if one.route == name), 50)
            for name in routes
        },
    )


def find_percentile(ordered: Sequence[float], share: float) -> float:
    """The least of the values, in order, that so many percent are not above (nearest rank)."""
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]


def tabulate(steps: Sequence[Step]) -> list[str]:
    """The table for a terminal, a line a rate."""
    rows = [HEADS, *(_row(one) for one in steps)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in rows]  # fmt: skip


def _row(step: Step) -> tuple[str, ...]:
    times = (*step.percentiles.values(), step.slowest)
    return (
        f"{step.rate:g}",
        f"{step.answered_per_second:.1f}",
        *("failed" if one is None else f"{one:,.1f}" for one in times),
        f"{sum(step.errors.values()):,}",
    )


def explain(step: Step) -> list[str]:
    """What a person has to know of a step beside its row."""
    lines = [
        f"  at {step.rate:g}/s failed {count:,}: {what}" for what, count in step.errors.items()
    ]
    if step.late_ms > LATE_MS:
        lines.append(
            f"  at {step.rate:g}/s this machine sent one in a hundred {step.late_ms:.0f} ms late "
            "or more: the latencies are partly its own"
        )
    return lines


def write(path: Path, results: Results) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(results), indent=1) + "\n", encoding="utf-8")

"""The tables that a run ends with."""

from collections.abc import Iterable, Iterator
from statistics import median, quantiles
from typing import Any

from bench.peer import FAILED
from bench.results import Results, flatten, summarize
from bench.verdicts import SLOPE

MISSING = "-"


def build_table(results: Results) -> list[list[str]]:
    """A row a measurement, a column a contender."""
    names = list(results.cold)
    table = [["", *names]]
    table.append(["arithmetic", *(results.kernels.get(name) or MISSING for name in names)])
    for title, rounds in (("cold", results.cold), ("cold, quarter CPU", results.quarter)):
        times = [list(rounds.get(name, {}).values()) for name in names]
        table.append([f"{title} (ms)", *map(_middle, times)])
        table.append(["  quartiles", *map(_spread, times)])
    warm = [flatten(results.warm.get(name, [])) for name in names]
    table.append(["warm p50, one input (ms)", *map(_middle, warm)])
    table.append(["warm p99, one input (ms)", *map(_worst, warm)])
    for size in next(iter(results.batches.values()), {}):
        times = [results.batches[name][size] for name in names]
        table.append([f"batch of {size:,} (ms)", *map(_middle, times)])
    for what, unit in (("cold", 1e6), ("warm", 1e3)):
        counts = [results.counts.get(name, {}).get(what, 0) / unit for name in names]
        title = f"{what} ({'M' if unit == 1e6 else 'k'} instructions)"  # noqa: PLR2004
        table.append([title, *(f"{one:,.1f}" if one else MISSING for one in counts)])
    for when, title in (("one", "one input at a time"), ("batches", "batches, too")):
        sizes = [results.peak.get(name, {}).get(when, 0) for name in names]
        table.append([f"peak memory, {title} (MB)", *map(_megabytes, sizes)])
    prints = [results.footprint[name] for name in names]
    table.append(["beside the base image (MB)", *(_megabytes(one.bytes) for one in prints)])
    table.append(["beside the base image (files)", *(f"{one.files:,}" for one in prints)])
    return table


def build_slope_table(results: Results) -> list[list[str]]:
    """Cold starts by number of terms."""
    table = [["cold (ms), terms:", *(f"{size:,}" for size in SLOPE)]]
    for engine in ("frozen", "naive"):
        times = [list(results.slope[f"{engine} {size}"].values()) for size in SLOPE]
        table.append([engine, *map(_middle, times)])
        table.append(["  quartiles", *map(_spread, times)])
    return table


def build_image_table(results: Results) -> list[list[str]]:
    """A row a measurement, a column an image."""
    names = list(results.images)
    table = [["in containers", *names]]
    for share, rounds in results.containers.items():
        times = [list(rounds[name].values()) for name in names]
        table.append([f"cold, {share} vCPU (ms)", *map(_middle, times)])
        table.append(["  quartiles", *map(_spread, times)])
    sizes = [results.images[name] for name in names]
    table.append(["over the base image (MB)", *(_megabytes(one.bytes) for one in sizes)])
    table.append(["over the base image (files)", *(f"{one.files:,}" for one in sizes)])
    return table


PEERS = {
    "quickthaw": "Quickthaw, frozen",
    "quickthaw, python": "Quickthaw, without the kernel",
    "sklearn": "joblib + scikit-learn",
    "first": "scikit-learn's first steps alone",
    "onnx": "ONNX Runtime",
    "treelite": "treelite",
    "tl2cgen": "tl2cgen",
    "m2cgen": "m2cgen",
    "timber": "timber",
}
PEER_HEADS = (
    "Preprocessing",
    "Cold (ms)",
    "Warm p50 (ms)",
    "Batch of 1,000 (ms)",
    "Peak memory (MB)",
    "Packages and model (MB)",
    "Bit-equal",
    "Worst difference",
)


def build_peers_table(results: Results) -> list[list[str]]:
    """A row a peer that can take the model."""
    able = {name: one for name, one in results.peers.items() if FAILED not in one}
    return [["", *PEER_HEADS], *([PEERS[name], *_describe(one)] for name, one in able.items())]


def describe_failures(results: Results) -> Iterable[str]:
    """What the peers say that cannot take the model."""
    for name, one in results.peers.items():
        if FAILED in one:
            yield f"{PEERS[name]} cannot take it: {one[FAILED]}"


def _describe(one: dict[str, Any]) -> Iterable[str]:
    yield one["preprocessing"]
    yield from (format_ms(one[what]) for what in ("cold", "warm", "batch"))
    yield _megabytes(one["peak_batches"])
    yield _megabytes(one["package_bytes"] + one["model_bytes"])
    if one["equal"] is None:
        yield from (MISSING, MISSING)
        return
    yield f"{one['equal']:.1%}"
    yield f"{one['worst']:.1e}" if one["worst"] else "0"


def describe_agreement(results: Results) -> Iterable[str]:
    for name, one in results.agreement.items():
        yield (
            f"{name} gives naive's label, or value, for {one['same']:.1%} of the inputs, "
            f"probabilities or values differ by at most {one['worst_difference']:.1e}"
        )


def align(table: list[list[str]]) -> str:
    """A table as text, its first column to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for first, *others in table:
        cells = [one.rjust(width) for one, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]))
    return "\n".join(lines)


def to_markdown(table: list[list[str]]) -> Iterator[str]:
    """A table in Markdown; its first row are the heads."""
    for number, row in enumerate(table):
        yield f"| {' | '.join(row)} |"
        if not number:
            yield "|---" * len(row) + "|"


def format_ms(milliseconds: float) -> str:
    """Three digits, as that is what the noise leaves."""
    if milliseconds >= 100:  # noqa: PLR2004
        return f"{milliseconds:,.0f}"
    return f"{milliseconds:.1f}" if milliseconds >= 10 else f"{milliseconds:.3f}"  # noqa: PLR2004


def _middle(times: list[float]) -> str:
    return format_ms(median(times)) if times else MISSING


def _spread(times: list[float]) -> str:
    if not times:
        return MISSING
    _, low, high = summarize(times)
    return f"{format_ms(low)}..{format_ms(high)}"


def _worst(times: list[float]) -> str:
    """The 99th percentile."""
    return format_ms(quantiles(times, n=100, method="inclusive")[-1]) if times else MISSING


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f}" if size else MISSING

"""Prints the README's table from results.json: `python -m serving.tests.fuzz.table`."""

import json
from pathlib import Path

RESULTS = Path(__file__).parent / "results.json"
FAILURES = ("exceptions", "invalid", "5xx", "deaths", "otherwise")
DAMAGE = {
    "manifest flips": "`manifest.json`: each bit flipped",
    "manifest lengths": "`manifest.json`: cut at each length, lengthened",
    "frozen flips": "`model.frozen`: a bit of each byte flipped",
    "frozen lengths": "`model.frozen`: cut, lengthened",
    "joblib flips": "`model.joblib`: bits flipped",
    "joblib lengths": "`model.joblib`: cut, lengthened",
}


def count_failures(found: dict) -> int:
    """Of events to the real runtime client."""
    return sum(found.get(name, 0) for name in FAILURES)


def _counts(found: dict) -> tuple[int, int]:
    return found["tried"], count_failures(found)


def came_through(results: dict) -> bool:
    """Whether anything failed that must not."""
    runs = [results["events"]["ours"], results["runtime"]]
    taken = sum(results["damage"][kind]["taken"] for kind in DAMAGE)
    failed = sum(map(count_failures, runs)) + results["mutants"]["failed"] + taken
    return failed > 0 or not all(one["alive at the end"] for one in runs)


def build_table(path: Path = RESULTS) -> str:
    """What was tried, how often it came through, and what the plain way does, in Markdown."""
    results = json.loads(path.read_text(encoding="utf-8"))
    ours, naive = results["events"]["ours"], results["events"]["naive"]
    runtime, mutants = results["runtime"], results["mutants"]
    plain = f"{naive['exceptions']} exceptions, {naive['invalid']} invalid answers"
    rows = [
        ("Attack", "Tried", "Came through", "The plain way"),
        ("Hostile and odd events, one process of awslambdaric", *_counts(ours), plain),
        ("Mutants of events, the same", *_counts(runtime), ""),
        ("Mutants of events, both lanes compared", mutants["tried"], mutants["failed"], ""),
    ]
    unchecked = results["damage"]["unchecked flips"]
    share = unchecked.get("other", 0) / sum(unchecked.values())
    for kind, title in DAMAGE.items():
        found = results["damage"][kind]
        plain = f"{share:.0%} give other answers, unnoticed" if kind == "joblib flips" else ""
        rows.append((title, sum(found.values()), found["taken"], plain))
    lines = [[f"{cell:,}" if isinstance(cell, int) else cell for cell in row] for row in rows]
    refusal = max(ours["slowest"], runtime["slowest"])
    lines.append(
        [
            "Slowest refusal, through awslambdaric (ms)",
            "",
            f"{refusal:.3g}",
            f"{naive['slowest']:,.3g}",
        ]
    )
    replies = [f"{max(one['largest'] for one in (ours, runtime)):,}", f"{naive['largest']:,}"]
    lines.append(["Largest reply (bytes)", "", *replies])
    half, end = runtime["memory"]
    lines.append(
        [
            "Memory gained by the second half of the mutants (MB)",
            "",
            f"{(end - half) / 1e6:.1f}",
            "",
        ]
    )
    head, *body = (f"| {' | '.join(line)} |" for line in lines)
    return "\n".join([head, "|---|---|---|---|", *body])


if __name__ == "__main__":
    print(build_table())

"""Prints the table of docs/explanation/safety.md: `python -m tools.fuzz.table`."""

import json
from collections.abc import Iterator
from pathlib import Path

RESULTS = Path(__file__).parent / "results.json"
type Row = tuple[str, int | str, int | float, int | float | str]
FAILURES = ("exception", "invalid", "5xx", "metrics", "leak", "death", "otherwise")
DAMAGE = {
    "manifest flips": "`manifest.json`: each bit flipped",
    "manifest lengths": "`manifest.json`: cut at each length, lengthened",
    "frozen flips": "`model.frozen`: a bit of each byte flipped",
    "frozen lengths": "`model.frozen`: cut, lengthened",
    "joblib flips": "`model.joblib`: bits flipped",
    "joblib lengths": "`model.joblib`: cut, lengthened",
}


def build_table(path: Path = RESULTS) -> str:
    """What was tried, how often it came through, and what the plain way does, in Markdown."""
    results = json.loads(path.read_text(encoding="utf-8"))
    rows = [*_events(results), *_damages(results), *_costs(results)]
    lines = [" | ".join(_format(cell) for cell in row) for row in rows]
    head = "| Attack | Tried | Came through | The plain way |\n|---|---|---|---|"
    return "\n".join([head, *(f"| {line} |" for line in lines)])


def _events(results: dict) -> Iterator[Row]:
    ours, naive = results["ours"], results.get("naive")
    runtime, mutants = results["runtime"], results["mutants"]
    plain = naive and f"{naive['exception']} exceptions, {naive['invalid']} invalid answers"
    read = runtime["tried"] - runtime["unread"]
    yield (
        "Hostile and odd events, one process of awslambdaric",
        ours["tried"],
        _failures(ours),
        plain or "",
    )
    yield "Mutants of events, the same", read, _failures(runtime), ""
    yield "Mutants of events, the handler", mutants["delivered"], mutants["failed"], ""
    yield "Of these: both ways compared", mutants["fast"], mutants["failed"], ""


def _damages(results: dict) -> Iterator[Row]:
    unchecked = results["unchecked"]
    share = unchecked.get("other", 0) / sum(unchecked.values())
    for kind, title in DAMAGE.items():
        if (found := results["damage"].get(kind)) is None:  # there is no such file
            continue
        plain = f"{share:.0%} give other answers, unnoticed" if kind == "joblib flips" else ""
        yield title, sum(found.values()), found["taken"], plain
    if forged := results.get("forged"):
        tried = forged["refused"] + forged["asked"] + forged["through"]
        title = f"Forged files, their hashes made anew: {forged['types']} types of op, each engine"
        yield title, tried, forged["through"], ""


def _costs(results: dict) -> Iterator[Row]:
    ours, runtime, naive = results["ours"], results["runtime"], results.get("naive", {})
    half, end = runtime["memory"]
    refusal, reply = (max(ours[name], runtime[name]) for name in ("slowest", "largest"))
    yield "Slowest refusal, through awslambdaric (ms)", "", refusal, naive.get("slowest", "")
    yield "Slowest refusal of a mutant, in the handler (ms)", "", results["mutants"]["slowest"], ""
    yield "Slowest answer, a full batch (ms)", "", results["slowest answer"], ""
    yield "Largest reply (bytes)", "", reply, naive.get("largest", "")
    yield "Memory gained by the second half of the mutants (MB)", "", (end - half) / 1e6, ""


def _failures(found: dict) -> int:
    return sum(found.get(name, 0) for name in FAILURES)


def _format(cell: str | float) -> str:
    if isinstance(cell, float):
        return f"{cell:.0f}" if cell >= 100 else f"{cell:.2g}"
    return f"{cell:,}" if isinstance(cell, int) else cell


if __name__ == "__main__":
    print(build_table())

"""Holds instruction counts to a budget: `make check` does; `make budget` writes it anew.

Held is how many times an empty handler's instructions, counted in the same run, a cold start and a
warm request take, of each model that is here, with the kernel and without. What takes more than
the budget and its margin is either a mistake or is meant, and then the commit that does it brings
the new budget along.

Where valgrind, a model or the kernel is not there, that is said and nothing is held. Another build
of Python counts otherwise, for an empty handler, too, so that ratios differ little, and a model
that was trained anew takes about what it took: these are held to a wider margin.
"""

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from bench.contenders import HANDLER, Places, find_places, measuring
from bench.counts import NO_VALGRIND, Counted, can_count, count
from bench.environment import Place
from bench.inputs import Request, ask_golden
from bench.models import NotMeasured, check_ready, copy_bundle
from serving.bundle.manifest import read_manifest
from training.console import StepError, run_step, say
from training.paths import find_paths, list_models

BUDGET = Path("bench/budget.json")
MARGIN = 0.02
EVENTS = 6  # golden examples, each sent twice: a picture takes a tenth of a second in valgrind
WIDE = 0.15
EMPTY = "bench.empty.handler"
Counts = dict[str, dict[str, int]]  # "cold" and "warm" of "empty", "native", "python"


class Job(NamedTuple):
    """What is counted in a process of its own."""

    model: str
    name: str
    handler: str
    place: Place
    environ: dict[str, str]
    requests: list[Request]

    def run(self) -> Counted:
        return count(self.handler, self.place, self.environ, self.requests)


def main() -> None:
    """Count; compare with the budget, or write it.

    Raises:
        StepError: More is taken than the budget has, or the budget cannot be written here.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.budget", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the budget anew")
    write = parser.parse_args().write
    if not can_count():
        _skip(NO_VALGRIND, write=write)
        return
    budget = {} if write else read_budget()
    models = [name for name in list_models() if (write or _has(budget, name)) and _is_ready(name)]
    if not models:
        budgeted = "" if write else " that has a budget"
        _skip(f"no frozen model{budgeted} is here: 'make train' makes one", write=write)
        return
    with measuring(), tempfile.TemporaryDirectory() as folder:
        found = count_all(models, Path(folder))
    if write:
        _write(found)
    elif broken := list(compare(budget, describe_python(), found)):
        raise StepError(
            "; ".join(broken) + ": find out why ('python -m bench.budget' counts again), or, where "
            "that is meant, let 'make budget' write the new budget, and commit both"
        )


def _skip(why: str, *, write: bool) -> None:
    if write:
        raise StepError(why)
    say(f"SKIPPED: {why}: instruction counts are NOT held to {BUDGET}")


def _has(budget: dict[str, Any], name: str) -> bool:
    if name not in budget["models"]:
        say(f"{name} has no budget and is NOT held: 'make budget'")
    return name in budget["models"]


def _is_ready(name: str) -> bool:
    try:
        check_ready(find_paths(name).bundle)
    except NotMeasured:
        return False
    except StepError as error:
        say(f"SKIPPED {name}, whose counts are NOT held: {error}")
        return False
    return True


def count_all(models: list[str], folder: Path) -> dict[str, dict[str, Any]]:
    """By model its version and `Counts`."""
    jobs = [job for name in models for job in _list_jobs(name, folder / name)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counted = list(pool.map(Job.run, jobs))
    found: dict[str, dict[str, Any]] = {}
    for job, one in zip(jobs, counted, strict=True):
        if job.name != (one.kernel or job.name):
            raise StepError(f"{job.model} was to be counted with {job.name}: it ran {one.kernel}")
        version = read_manifest(find_paths(job.model).bundle).version
        counts = found.setdefault(job.model, {"version": version})
        counts[job.name] = {"cold": one.cold, "warm": one.warm}
    return found


def _list_jobs(model: str, folder: Path) -> Iterator[Job]:
    folder.mkdir()
    bundle = copy_bundle(folder / "frozen", find_paths(model).bundle)
    requests = ask_golden(bundle)[:EVENTS]
    places = find_places(folder, bundle)
    yield Job(model, "empty", EMPTY, places.plain, {}, requests)
    environ = {"QUICKTHAW_BUNDLE": str(bundle)}
    for name, place in _name_places(places).items():
        yield Job(model, name, HANDLER, place, environ, requests)


def _name_places(places: Places) -> dict[str, Place]:
    if places.pure:
        return {"native": places.frozen, "python": places.pure}
    say("the kernel is not built, and NOT held to the budget: 'make kernel' builds it")
    return {"python": places.frozen}


def describe_python() -> str:
    """What decides how many instructions the same code takes."""
    build = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{build}, {platform.python_compiler()}, {platform.machine()}"


def read_budget() -> dict[str, Any]:
    """The budget.

    Raises:
        StepError: It is missing or damaged.
    """
    try:
        found: dict[str, Any] = json.loads(BUDGET.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise StepError(f"{BUDGET} is missing or damaged: 'make budget' writes it") from None
    return found


def _write(found: dict[str, dict[str, Any]]) -> None:
    kept = read_budget()["models"] if BUDGET.exists() else {}
    here = [name for name in list_models() if name in {**kept, **found}]
    models = {name: found.get(name) or kept[name] for name in here}
    budget = {"python": describe_python(), "models": models}
    BUDGET.write_text(json.dumps(budget, indent=2) + "\n", encoding="utf-8")
    say(f"wrote {BUDGET}: {', '.join(found)}")


def compare(budget: dict[str, Any], python: str, found: dict[str, dict[str, Any]]) -> Iterator[str]:
    """What takes more than it may; prints what is held, and what is not."""
    if budget["python"] != python:
        say(f"the budget is of {budget['python']}, this is {python}: held to {WIDE:.0%}")
    for model, counts in found.items():
        allowed = budget["models"][model]
        if allowed["version"] != counts["version"]:
            say(f"{model} is not the budget's: held to {WIDE:.0%} until 'make budget'")
        same = (budget["python"], allowed["version"]) == (python, counts["version"])
        for name in sorted(counts.keys() & allowed.keys() - {"version", "empty"}):
            for what in ("cold", "warm"):
                ratios = (one[name][what] / one["empty"][what] for one in (counts, allowed))
                yield from _hold(f"{model}, {name}, {what}", MARGIN if same else WIDE, *ratios)


def _hold(what: str, margin: float, ratio: float, allowed: float) -> Iterator[str]:
    change = ratio / allowed - 1
    said = f"{what}: {ratio:.3f} times an empty handler's instructions, budget {allowed:.3f}"
    say(f"{said} ({change:+.2%})")
    if change > margin:
        yield f"{what} takes {change:.1%} more instructions than its budget"


if __name__ == "__main__":
    run_step(main)

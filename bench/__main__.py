"""Measures the service against what it is compared with: `python -m bench`.

The real awslambdaric, with a Runtime API on loopback: no Docker, no AWS. Where Docker's engine
runs, the images, too, under Lambda's emulator.
"""

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import chart, peers, report
from bench.budget import count_all
from bench.contenders import (
    HANDLER,
    NAIVE,
    Contender,
    Places,
    enter,
    find_places,
    measuring,
    on_lambda,
)
from bench.counts import NO_VALGRIND, can_count
from bench.footprint import measure_footprints
from bench.images import build_images, is_docker_here, measure_sizes, time_cold_containers
from bench.inputs import SHORT, Request, ask, ask_batch, ask_example, draw, fits
from bench.measure import Steady, time_cold, time_cold_rounds, time_steady
from bench.models import (
    check_ready,
    copy_bundle,
    make_terms,
    write_sklearn_bundle,
    write_synthetic_bundle,
)
from bench.results import Results
from bench.throttle import AVAILABLE
from bench.verdicts import SLOPE, describe, judge
from serving.bundle.manifest import MODEL_NAME, read_manifest
from training.console import StepError, run_step, say
from training.paths import Paths, find_paths

SEED = 13
BLOCK = 50
WARM = 1_000  # inputs, in blocks
BATCHES = {1: 20, 10: 20, 100: 10, 1_000: 7}  # inputs: how often


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("model", help="its name")
    parser.add_argument("--rounds", type=int, help="cold starts of each (default 21, quick 6)")
    parser.add_argument("--quick", action="store_true", help="few rounds, repository's model only")
    parser.add_argument("--peers", action="store_true", help="other compilers, too, of records")
    parser.add_argument("--out", type=Path, help="folder to write to (default .local/bench/MODEL)")
    parser.add_argument("--strict", action="store_true", help="status 1 if a number does not hold")
    arguments = parser.parse_args()
    arguments.out = arguments.out or Path(".local/bench", arguments.model)
    arguments.rounds = arguments.rounds or (6 if arguments.quick else 21)
    return arguments


def main() -> None:
    """Measure, print, write.

    Raises:
        StepError: There is no model to measure, or a contender does not answer.
    """
    arguments = parse_arguments()
    paths = find_paths(arguments.model)
    check_ready(paths.bundle)
    with measuring(), tempfile.TemporaryDirectory() as folder:
        verdicts = run(arguments, paths, Path(folder))
    if arguments.strict and not all(one["holds"] for one in verdicts if one["value"] is not None):
        sys.exit(1)


def run(arguments: argparse.Namespace, paths: Paths, folder: Path) -> list[dict[str, object]]:
    bundle = copy_bundle(folder / "frozen", paths.bundle)
    sklearn = write_sklearn_bundle(folder / "sklearn", bundle)
    described = read_manifest(bundle).input
    places = find_places(folder, bundle)
    contenders = enter(bundle, sklearn, places)
    if contenders[-1].name != "fastapi":
        say("without FastAPI; to have it, too: .venv/bin/uv pip install fastapi")
    rounds, rng = arguments.rounds, random.Random(SEED)
    results = Results(
        {
            "rounds": rounds,
            "quick": arguments.quick,
            "seed": SEED,
            "model": arguments.model,
            "kind": described["kind"],
        }
    )
    measure_cold(results, contenders, rng, ask_example(bundle), quick=arguments.quick)
    measure_steady(results, contenders, rng, paths, described)
    names = [one.name for one in contenders]
    results.footprint = measure_footprints(bundle, described["kind"], names)
    if not arguments.quick and described["kind"] == "text":
        measure_slope(results, folder, places, rng)
    measure_counts(results, paths, folder)
    if arguments.peers:
        compare_peers(results, paths, folder, rng, quick=arguments.quick)
    measure_containers(results, folder, rng, arguments.model, quick=arguments.quick)
    verdicts = judge(results)
    show(results, verdicts)
    write(arguments.out, results, verdicts, contenders)
    return verdicts


def measure_cold(
    results: Results,
    contenders: list[Contender],
    rng: random.Random,
    request: Request,
    *,
    quick: bool,
) -> None:
    rounds = results.settings["rounds"]
    say("cold starts: once each before it counts")
    for one in contenders:  # fills the page cache and compiles
        time_cold(one, request)
    say(f"cold starts: {rounds} rounds, each third with the slow ones")
    results.cold = time_cold_rounds(contenders, request, rng, rounds=rounds, slow_every=3)
    if not AVAILABLE:
        say("a quarter of a processor cannot be had here: that needs Linux")
        return
    every = rounds if quick else 5
    say(f"cold starts at a quarter of a processor: {rounds} rounds, a few with the slow ones")
    results.quarter = time_cold_rounds(
        contenders, request, rng, rounds=rounds, slow_every=every, throttled=True
    )


def measure_steady(
    results: Results,
    contenders: list[Contender],
    rng: random.Random,
    paths: Paths,
    described: dict[str, Any],
) -> None:
    say(f"warm: {WARM:,} inputs; batches of {', '.join(f'{size:,}' for size in BATCHES)}")
    sizes = [1, *(size for size, count in BATCHES.items() for _ in range(count))]
    single, pieces = draw(rng, paths, described, WARM + BLOCK, sum(sizes))
    requests = [ask(body) for body in single]
    blocks = [requests[place : place + BLOCK] for place in range(0, len(requests), BLOCK)]
    rest = iter(pieces)
    batches = [(size, ask_batch(described, [next(rest) for _ in range(size)])) for size in sizes]
    batches = [(size, request) for size, request in batches if fits(described, request)]
    found = time_steady(contenders, blocks, batches, rng)
    results.warm, results.batches, results.peak = found.warm, found.batches, found.peak
    results.kernels, results.agreement = found.kernels, compare(found)


def compare(found: Steady) -> dict[str, dict[str, float]]:
    """Each one's answers with the naive handler's."""
    expected = [answer.value for answer in found.answers["naive"]]
    agreement = {}
    for name, answers in found.answers.items():
        if name in ("empty", "naive"):
            continue
        pairs = [(one, answer.value) for one, answer in zip(expected, answers, strict=True)]
        told = "value" if "value" in expected[0] else "label"
        number = "value" if "value" in expected[0] else "probability"
        known = [(a[number], b[number]) for a, b in pairs if a[number] is not None]
        agreement[name] = {
            "same": sum(a[told] == b[told] for a, b in pairs) / len(pairs),
            "worst_difference": max((abs(a - b) for a, b in known), default=0.0),
        }
    return agreement


def measure_slope(results: Results, folder: Path, places: Places, rng: random.Random) -> None:
    say("models of " + ", ".join(f"{size:,}" for size in SLOPE) + " terms: writing them")
    terms = make_terms(max(SLOPE))
    contenders = []
    for size in SLOPE:
        bundle = write_synthetic_bundle(folder / str(size), folder / "frozen", terms[:size])
        model, title = str(bundle / MODEL_NAME), f"{size} terms"
        frozen, plain = (f"{name} {size}" for name in ("frozen", "naive"))
        contenders += [
            on_lambda(frozen, title, HANDLER, places.frozen, QUICKTHAW_BUNDLE=str(bundle)),
            on_lambda(plain, title, NAIVE, places.plain, slow=True, MODEL_PATH=model),
        ]
    words = [term for term in terms if " " not in term][:SHORT]
    request = ask({"text": " ".join(words)})
    for one in contenders:
        time_cold(one, request)
    rounds = results.settings["rounds"]
    say(f"cold starts of these: {rounds} rounds")
    results.slope = time_cold_rounds(contenders, request, rng, rounds=rounds, slow_every=5)


def measure_counts(results: Results, paths: Paths, folder: Path) -> None:
    if not can_count():
        say(f"without instruction counts: {NO_VALGRIND}")
        return
    say("instructions: counted under valgrind")
    (folder / "counts").mkdir()
    found = count_all([paths.name], folder / "counts")[paths.name]
    names = {"empty": "empty", "python": "frozen, python", "native": "frozen"}
    if "native" not in found:
        names["python"] = "frozen"
    results.counts = {name: found[one] for one, name in names.items() if one in found}


def compare_peers(
    results: Results, paths: Paths, folder: Path, rng: random.Random, *, quick: bool
) -> None:
    if results.settings["kind"] != "record":
        say("without other compilers: they are compared with models of records alone")
        return
    if not peers.is_here():
        raise StepError(f"{peers.PYTHON} is missing: 'make bench PEERS=1' makes it")
    (folder / "peers").mkdir()
    found = peers.measure_peers(paths, folder / "frozen", folder / "peers", rng, quick=quick)
    results.peers = found


def measure_containers(
    results: Results, folder: Path, rng: random.Random, model: str, *, quick: bool
) -> None:
    if not is_docker_here():
        say("without containers: Docker's engine does not answer")
        return
    rounds = results.settings["rounds"]
    found = build_images(folder / "images", model, folder / "frozen", folder / "sklearn")
    results.images = measure_sizes(found)
    say(f"cold starts in containers: {rounds} rounds, a few with the slow ones")
    event = json.loads(ask_example(folder / "frozen").event)
    every = rounds if quick else 7
    results.containers = time_cold_containers(found, event, rng, rounds=rounds, slow_every=every)


def show(results: Results, verdicts: list[dict[str, object]]) -> None:
    say("\n" + report.align(report.build_table(results)))
    if results.slope:
        say("\n" + report.align(report.build_slope_table(results)))
    if results.peers:
        say("\n" + report.align(report.build_peers_table(results)))
        for line in report.describe_failures(results):
            say(line)
    if results.containers:
        say("\n" + report.align(report.build_image_table(results)))
    say("")
    for line in (*report.describe_agreement(results), "", *map(describe, verdicts)):
        say(line)


def write(
    out: Path, results: Results, verdicts: list[dict[str, object]], contenders: list[Contender]
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    found = {"results.json": out / "results.json", "chart.svg": out / "chart.svg"}
    found["results.json"].write_text(results.to_json(verdicts), encoding="utf-8")
    # The kernel has next to no part in a cold start.
    titles = {one.name: one.title for one in contenders if one.name != "frozen, python"}
    chart.write_chart(found["chart.svg"], results, titles)
    if results.peers:
        found["peers.svg"] = out / "peers.svg"
        chart.write_peers_chart(found["peers.svg"], results)
    say(f"\nwrote {', '.join(map(str, found.values()))}")


if __name__ == "__main__":
    run_step(main)

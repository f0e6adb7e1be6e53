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

from bench import chart, report
from bench.contenders import (
    HANDLER,
    NAIVE,
    Contender,
    enter,
    measuring,
    on_lambda,
)
from bench.footprint import measure_footprints
from bench.images import build_images, is_docker_here, measure_sizes, time_cold_containers
from bench.measure import Steady, time_cold, time_cold_rounds, time_steady
from bench.models import (
    check_ready,
    copy_bundle,
    make_terms,
    write_sklearn_bundle,
    write_synthetic_bundle,
)
from bench.results import Results
from bench.texts import LONG, SHORT, Request, ask, ask_batch, ask_example, draw_texts
from bench.throttle import AVAILABLE
from bench.verdicts import SLOPE, describe, judge
from serving.bundle.manifest import MODEL_NAME
from training.console import run_step, say
from training.paths import Paths, find_paths

SEED = 13
BLOCK = 50
WARM = 1_000  # texts, in blocks
BATCHES = {1: 20, 10: 20, 100: 10, 1_000: 7}  # texts: how often


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("model", help="its name")
    parser.add_argument("--rounds", type=int, help="cold starts of each (default 21, quick 6)")
    parser.add_argument("--quick", action="store_true", help="few rounds, repository's model only")
    parser.add_argument("--out", type=Path, default=Path(".local/bench"), help="folder to write to")
    parser.add_argument("--strict", action="store_true", help="status 1 if a number does not hold")
    arguments = parser.parse_args()
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
    contenders = enter(bundle, sklearn)
    if contenders[-1].name != "fastapi":
        say("without FastAPI; to have it, too: .venv/bin/uv pip install fastapi")
    rounds, rng = arguments.rounds, random.Random(SEED)
    results = Results({"rounds": rounds, "quick": arguments.quick, "seed": SEED})
    measure_cold(results, contenders, rng, ask_example(bundle), quick=arguments.quick)
    measure_steady(results, contenders, rng, paths)
    results.footprint = measure_footprints(bundle, [one.name for one in contenders])
    if not arguments.quick:
        measure_slope(results, folder, rng)
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
    results: Results, contenders: list[Contender], rng: random.Random, paths: Paths
) -> None:
    say(f"warm: {WARM:,} texts of {LONG} words; batches of {', '.join(f'{n:,}' for n in BATCHES)}")
    sizes = [1, *(size for size, count in BATCHES.items() for _ in range(count))]
    long, short = draw_texts(rng, paths, WARM + BLOCK, sum(sizes))
    requests = [ask(text) for text in long]
    blocks = [requests[place : place + BLOCK] for place in range(0, len(requests), BLOCK)]
    pieces = iter(short)
    batches = [(size, ask_batch([next(pieces) for _ in range(size)])) for size in sizes]
    found = time_steady(contenders, blocks, batches, rng)
    results.warm, results.batches, results.peak = found.warm, found.batches, found.peak
    results.agreement = compare(found)


def compare(found: Steady) -> dict[str, dict[str, float]]:
    """Each one's answers with the naive handler's."""
    expected = [answer.value for answer in found.answers["naive"]]
    agreement = {}
    for name, answers in found.answers.items():
        if name in ("empty", "naive"):
            continue
        pairs = [(one, answer.value) for one, answer in zip(expected, answers, strict=True)]
        agreement[name] = {
            "same_label": sum(a["label"] == b["label"] for a, b in pairs) / len(pairs),
            "worst_difference": max(abs(a["probability"] - b["probability"]) for a, b in pairs),
        }
    return agreement


def measure_slope(results: Results, folder: Path, rng: random.Random) -> None:
    say("models of " + ", ".join(f"{size:,}" for size in SLOPE) + " terms: writing them")
    terms = make_terms(max(SLOPE))
    contenders = []
    for size in SLOPE:
        bundle = write_synthetic_bundle(folder / str(size), folder / "frozen", terms[:size])
        model, title = str(bundle / MODEL_NAME), f"{size} terms"
        contenders += [
            on_lambda(f"frozen {size}", title, HANDLER, QUICKTHAW_BUNDLE=str(bundle)),
            on_lambda(f"naive {size}", title, NAIVE, slow=True, MODEL_PATH=model),
        ]
    request = ask(" ".join([term for term in terms if " " not in term][:SHORT]))
    for one in contenders:
        time_cold(one, request)
    rounds = results.settings["rounds"]
    say(f"cold starts of these: {rounds} rounds")
    results.slope = time_cold_rounds(contenders, request, rng, rounds=rounds, slow_every=5)


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
    if results.containers:
        say("\n" + report.align(report.build_image_table(results)))
    say("")
    for line in (*report.describe_agreement(results), "", *map(describe, verdicts)):
        say(line)


def write(
    out: Path, results: Results, verdicts: list[dict[str, object]], contenders: list[Contender]
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    text = results.to_json(verdicts)
    (out / "results.json").write_text(text, encoding="utf-8")
    titles = {one.name: one.title for one in contenders}
    chart.write_chart(out / "chart.svg", results, titles)
    say(f"\nwrote {out / 'results.json'} and {out / 'chart.svg'}")


if __name__ == "__main__":
    run_step(main)

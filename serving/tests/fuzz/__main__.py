"""Attacks the handler and the bundle, and says what came through: `make fuzz`.

Writes results.json, whose table is the README's (table.py). An event that gets what it must not is
kept beside it, with the command that sends it again. Ends with 1 where anything came through.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tqdm import tqdm

from serving.app.frozen_file import BLOCK
from serving.app.manifest import FROZEN_NAME, MANIFEST_NAME, MODEL_NAME
from serving.app.settings import read_settings
from serving.tests.fuzz.attack import Weak, attack
from serving.tests.fuzz.damage import Damage, flip_frozen, flip_joblib, flip_manifest, resize
from serving.tests.fuzz.mutate import Mutator
from serving.tests.fuzz.runtime import send_all
from serving.tests.fuzz.table import build_table, came_through
from serving.tests.fuzz.unchecked import flip_unchecked
from serving.tests.hostile import EVENTS

CHUNK = 5_000
OURS, NAIVE = "serving.app.handler.lambda_handler", "bench.naive.handler"
BLOCKS_AT_A_TIME = 16
JOBLIB_FLIPS, JOBLIB_LENGTHS, FROZEN_LENGTHS, UNCHECKED_FLIPS = 2_000, 500, 20_000, 300


def main() -> int:
    arguments = parse_arguments()
    if arguments.replay:
        print(attack(arguments.replay.read_bytes()))
        return 0
    print(f"seed {arguments.seed}, {os.cpu_count()} processors")
    started = time.monotonic()
    results = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "seed": arguments.seed,
        "events": {
            name: send_events(handler) for name, handler in (("ours", OURS), ("naive", NAIVE))
        },
        "runtime": send_mutants(arguments.mutants // 20, arguments.seed),
        "mutants": attack_all(arguments.mutants, arguments.seed, arguments.out),
        "damage": damage_all(Path(read_settings().bundle), arguments.seed),
    }
    results["seconds"] = round(time.monotonic() - started)
    path = arguments.out / "results.json"
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"\n{build_table(path)}\n\nwrote {path}")
    return int(came_through(results))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--mutants", type=int, default=1_000_000, help="of events (1,000,000)")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3)), help="(random)")
    parser.add_argument("--out", type=Path, default=Path(".local/fuzz"), help="(.local/fuzz)")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="send a kept event again")
    found = parser.parse_args()
    found.out.mkdir(parents=True, exist_ok=True)
    return found


def progress(total: int, what: str) -> tqdm:
    return tqdm(total=total, desc=what, unit="", smoothing=0.05, mininterval=1, file=sys.stderr)


def send_events(handler: str) -> dict:
    """The hostile events, to one process of the real runtime client; what they should get."""
    with progress(len(EVENTS), f"events to {handler.split('.', maxsplit=1)[0]}") as bar:
        events = (json.dumps(event).encode() for _, event in EVENTS.values())
        found = send_all(handler, events, len(EVENTS), bar.update)
    if handler == OURS:
        expected = [status for status, _ in EVENTS.values()]
        found["otherwise"] = sum(map(int.__ne__, found["statuses"], expected))
    return {name: value for name, value in found.items() if name != "statuses"}


def send_mutants(count: int, seed: int) -> dict:
    """Mutants, to one process of the real runtime client."""
    mutator = Mutator(seed)
    with progress(count, "mutants to awslambdaric") as bar:
        mutants = (mutator.mutate() for _ in range(count))
        found = send_all(OURS, mutants, count, bar.update)
    return {name: value for name, value in found.items() if name != "statuses"}


def attack_all(count: int, seed: int, out: Path) -> dict:
    """Mutants, to the handler, both lanes held against each other."""
    counts, slowest, largest = Counter(tried=0, delivered=0, fast=0, failed=0), 0.0, 0
    seeds = range(seed + 1, seed + 1 - -count // CHUNK)
    with ProcessPoolExecutor() as pool, progress(len(seeds) * CHUNK, "mutants") as bar:
        for found, seconds, size, failures in pool.map(attack_chunk, seeds):
            counts.update(found)
            slowest, largest = max(slowest, seconds), max(largest, size)
            for reason, payload in failures:
                path = out / f"failure-{len(list(out.glob('failure-*'))) + 1}.json"
                path.write_bytes(payload)
                again = f".venv/bin/python -m serving.tests.fuzz --replay {path}"
                bar.write(f"came through: {reason}\n  send it again: {again}")
            bar.update(CHUNK)
    return counts | {"slowest": slowest * 1000, "largest": largest}


def attack_chunk(seed: int) -> tuple[Counter, float, int, list[tuple[str, bytes]]]:
    """Counts, the slowest refusal in seconds, the largest reply in bytes, what came through."""
    attack(b'{"httpMethod": "GET", "path": "/health"}')  # imports are no cost of the first mutant
    mutator, outcomes, failures = Mutator(seed), [], []
    for _ in range(CHUNK):
        payload = mutator.mutate()
        try:
            outcomes.append(attack(payload))
        except Weak as weak:
            failures.append((str(weak), payload))
    counts = Counter(
        tried=CHUNK,
        delivered=sum(one.status > 0 for one in outcomes),
        fast=sum(one.lane == "fast" for one in outcomes),
        failed=len(failures),
    )
    slowest = max((one.seconds for one in outcomes if one.status >= 400), default=0.0)
    return counts, slowest, max(one.size for one in outcomes), failures


def damage_all(bundle: Path, seed: int) -> dict:
    """Damage of each kind, to copies of the bundle: how often it was refused and taken."""
    size = (bundle / FROZEN_NAME).stat().st_size
    step = BLOCKS_AT_A_TIME * BLOCK
    starts = range(0, size, step)
    jobs = {
        "manifest flips": [flip_manifest],
        "frozen flips": [
            partial(flip_frozen, start=start, stop=min(start + step, size)) for start in starts
        ],
        "joblib flips": [
            partial(flip_joblib, count=JOBLIB_FLIPS // 10, seed=seed + part) for part in range(10)
        ],
        "manifest lengths": [partial(resize, name=MANIFEST_NAME, count=size, seed=seed)],
        "frozen lengths": [partial(resize, name=FROZEN_NAME, count=FROZEN_LENGTHS, seed=seed)],
        "joblib lengths": [partial(resize, name=MODEL_NAME, count=JOBLIB_LENGTHS, seed=seed)],
    }
    found: dict[str, dict] = {}
    for kind, parts in jobs.items():
        total = Damage(refused=0, taken=0)
        with ProcessPoolExecutor() as pool, progress(len(parts), kind) as bar:
            for one in pool.map(partial(on_a_copy, bundle), parts):
                total.update(one)
                bar.update()
        found[kind] = dict(total)
    with progress(UNCHECKED_FLIPS, "flips, unchecked") as bar:
        found["unchecked flips"] = dict(
            flip_unchecked(bundle / MODEL_NAME, UNCHECKED_FLIPS, bar.update, seed)
        )
    return found


def on_a_copy(bundle: Path, job: partial) -> Damage:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in (MANIFEST_NAME, FROZEN_NAME, MODEL_NAME):
            shutil.copyfile(bundle / name, copy / name)
        return job(copy)


if __name__ == "__main__":
    sys.exit(main())

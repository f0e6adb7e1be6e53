"""Attacks the handler and the bundle, and says what came through: `make fuzz`.

Writes results.json, whose table stands in docs/explanation/safety.md (table.py). An event that came
through is kept beside it, with the command that sends it again; the exit status is then 1.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime
from pathlib import Path

from serving.app.settings import read_settings
from serving.bundle.manifest import MODEL_NAME, Manifest, read_manifest
from serving.tests import hostile, hostile_images, hostile_records
from serving.tests.images import write_images
from serving.tests.records import write_classification
from serving.tests.sample import fit, write_bundle
from tools.fuzz.attack import Weak, attack
from tools.fuzz.damage import damage_all
from tools.fuzz.findings import Findings, apart
from tools.fuzz.forged import attack_all as attack_forged
from tools.fuzz.inputs import make_full_batches
from tools.fuzz.mutants import attack_all
from tools.fuzz.mutate import Mutator
from tools.fuzz.runtime import NAIVE, OURS, send_mutants, send_table
from tools.fuzz.slowest import answer_slowest
from tools.fuzz.table import build_table
from tools.fuzz.unchecked import flip_unchecked

UNCHECKED = 300  # flips
FORGED = 100  # files of each type of op
STAND_INS = {
    "text": (hostile.EVENTS, lambda folder: write_bundle(folder, fit())),
    "record": (hostile_records.EVENTS, write_classification),
    "image": (hostile_images.EVENTS, write_images),
}


def main() -> int:
    arguments = parse_arguments()
    if arguments.replay:
        return replay(arguments.replay)
    findings, started = Findings(arguments.out), time.monotonic()
    print(f"seed {arguments.seed}, {os.cpu_count()} processors", file=sys.stderr)
    results = run(arguments.mutants, arguments.seed, findings)
    results["seconds"] = round(time.monotonic() - started)
    path = arguments.out / "results.json"
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"{build_table(path)}\n\nwrote {path}; came through: {findings.count}")
    return int(findings.count > 0)


def run(mutants: int, seed: int, findings: Findings) -> dict:
    """All attacks, one after the other."""
    bundle, sent = Path(read_settings().bundle), -(-mutants // 20)
    manifest = read_manifest(bundle)
    described = manifest.input
    mutator = Mutator(seed, described)
    try:
        slowest = apart(answer_slowest, [*make_full_batches(described, bundle / MODEL_NAME, seed)])
    except Exception as error:  # noqa: BLE001 - whatever the handler does
        findings.add(f"a full batch: {type(error).__name__}: {error}")
        slowest = 0.0
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "seed": seed,
        **send_tables(bundle, manifest, findings),
        "runtime": send_mutants(bundle, (mutator.mutate() for _ in range(sent)), sent, findings),
        "mutants": attack_all(mutants, seed, findings, described),
        "damage": damage_all(bundle, seed, findings),
        "forged": attack_forged(FORGED, seed, findings),
        "unchecked": flip_unchecked(bundle, UNCHECKED, seed),
        "slowest answer": slowest,
        "came through": findings.count,
    }


def send_tables(bundle: Path, manifest: Manifest, findings: Findings) -> dict:
    """The hostile events to our handler, and to the plain one where it can have the model, too.

    They are for a classification of texts, for records of certain fields or for
    small pictures: any other model has
    a small one of these in its place.
    """
    if (manifest.task, manifest.input["kind"]) == ("classification", "text"):
        return {
            "ours": send_table(OURS, bundle, hostile.EVENTS, findings),
            "naive": send_table(NAIVE, bundle, hostile.EVENTS, findings),
        }
    events, write = STAND_INS[manifest.input["kind"]]
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        return {"ours": send_table(OURS, Path(folder), events, findings)}


def replay(path: Path) -> int:
    """Send a kept event to the handler, and say what comes of it."""
    try:
        payload = path.read_bytes()
    except OSError as error:
        print(f"error: {path} cannot be read ({error.strerror})", file=sys.stderr)
        return 2
    try:
        outcome = apart(attack, payload)
    except (Weak, BrokenProcessPool) as weak:
        print(f"comes through: {weak}")
        return 1
    print(f"does not come through: status {outcome.status}, path {outcome.path}")
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--mutants", type=int, default=1_000_000, help="of events (1,000,000)")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3)), help="(random)")
    parser.add_argument("--out", type=Path, default=Path(".local/fuzz"), help="(.local/fuzz)")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="send a kept event again")
    found = parser.parse_args()
    if found.mutants < 1:
        parser.error("MUTANTS must be at least 1")
    return found


if __name__ == "__main__":
    sys.exit(main())

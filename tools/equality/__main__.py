"""Measures how equal frozen answers are to scikit-learn's, for each class: `make equality`.

Writes results.json and the page of it (page.py). The status is 1 where a class answers
otherwise than it may.
"""

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from pathlib import Path

from threadpoolctl import threadpool_limits

from tools.equality.machine import describe_machine
from tools.equality.measure import BATCH, LOOSE, Asked, measure
from tools.equality.page import PAGE, RESULTS, build_page
from training.console import progress
from training.freezing.proof import ProofFailed
from training.tests.zoo import list_classes

FULL = Asked(inputs=10_000, rows=100)
QUICK = Asked(inputs=500, rows=20)
QUICK_FOLDER = Path(".local/equality")


def main():
    parser = argparse.ArgumentParser(prog="make equality", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer inputs; into .local/equality")
    quick = parser.parse_args().quick
    measured, failed = measure_all(QUICK if quick else FULL)
    for words in failed:
        print(f"error: {words}", file=sys.stderr)
    if failed:
        return 1
    results = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "batch": BATCH,
        "loose": LOOSE,
        "machine": describe_machine(),
        "classes": measured,
    }
    path, page = RESULTS, PAGE
    if quick:
        path, page = QUICK_FOLDER / RESULTS.name, QUICK_FOLDER / PAGE.name
        QUICK_FOLDER.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    page.write_text(build_page(results), encoding="utf-8")
    print(f"wrote {page}: {len(measured)} classes")
    return 0


def measure_all(asked):
    """What was measured of each class, by name, and what failed in words."""
    names = [kind.__name__ for kind in list_classes()]
    measured, failed = [], []
    # A process a processor, and BLAS in each one alone: its threads would wait for each other.
    with ProcessPoolExecutor(initializer=threadpool_limits, initargs=(1,)) as pool:
        started = {pool.submit(measure, name, asked): name for name in names}
        for done in progress(as_completed(started), len(started), "measuring classes"):
            try:
                measured.append(done.result())
            except ProofFailed as error:
                failed.append(f"{started[done]}: {error}")
    return sorted(measured, key=lambda one: one["class"]), failed


if __name__ == "__main__":
    sys.exit(main())

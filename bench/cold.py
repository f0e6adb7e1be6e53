"""The one number that another model may spoil, in seconds: `make bench COLD=1`.

How much longer a cold start takes with this tree's frozen model than with an empty handler, on
the same awslambdaric. `make judge` shows what is written here. It fails nothing: a time depends
on the machine and on what else runs there.
"""

import json
import random
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from bench.contenders import enter_quick, find_places, measuring
from bench.inputs import ask_example
from bench.measure import time_cold, time_cold_rounds
from bench.models import NotMeasured, check_ready, copy_bundle
from bench.results import Results
from bench.verdicts import COLD_START, describe, judge_one
from serving.bundle.manifest import read_manifest
from training.console import say
from training.paths import Paths, run_for_model

ROUNDS = 15  # an odd number, so that the median is one of them
SEED = 13


def main(paths: Paths) -> None:
    """Measure, print, write.

    Raises:
        StepError: There is no model to measure, or it does not answer.
    """
    try:
        check_ready(paths.bundle)
    except NotMeasured as error:
        say(str(error))
        return
    say(f"cold starts: {ROUNDS} rounds, each of an empty handler and the frozen model")
    with measuring(), tempfile.TemporaryDirectory() as folder:
        found, verdict = measure(paths.bundle, Path(folder), ROUNDS)
    paths.cold.parent.mkdir(parents=True, exist_ok=True)
    paths.cold.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    medians = found["milliseconds"]
    say(f"medians: frozen {medians['frozen']:.1f} ms, empty {medians['empty']:.1f} ms")
    say(f"{describe(verdict)}\nwrote {paths.cold}")


def measure(model: Path, folder: Path, rounds: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is written of a bundle's model: medians in milliseconds, the median of the ratios.

    Returns:
        It, and the verdict of `bench.verdicts`.
    """
    bundle = copy_bundle(folder / "frozen", model)
    contenders = enter_quick(bundle, find_places(folder, bundle))
    request = ask_example(bundle)
    for one in contenders:  # fills the page cache and compiles
        time_cold(one, request)
    rng = random.Random(SEED)
    cold = time_cold_rounds(contenders, request, rng, rounds=rounds, slow_every=1)
    verdict = judge_one(COLD_START, Results({"rounds": rounds}, cold=cold))
    found = {
        "version": read_manifest(bundle).version,
        "ratio": verdict["value"],
        "hold": verdict["hold"],
        "aim": verdict["aim"],
        "milliseconds": {name: median(times.values()) for name, times in cold.items()},
        "rounds": rounds,
    }
    return found, verdict


if __name__ == "__main__":
    run_for_model(main)

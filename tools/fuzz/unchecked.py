"""What joblib makes of a damaged model that nothing checks, for comparison."""

import io
import os
import resource
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import joblib
import numpy as np

from serving.app.engines.frame import build_frame
from serving.app.engines.pixels import build_pixels
from serving.app.inputs import find_input
from serving.bundle.manifest import MODEL_NAME, read_manifest
from tools.fuzz.findings import progress
from tools.fuzz.inputs import make_inputs

MAX_MEMORY = 4 * 1024**3  # a flipped length asks for more than there is
MAX_SECONDS = 20  # of the processor: a flipped child of a tree's node can lead round in a circle


def flip_unchecked(bundle: Path, count: int, seed: int) -> dict:
    """What unpickling makes of a model with a flipped bit, each in a process of its own.

    Returns:
        How often it failed, ended the process, gave the same answers and gave others.
    """
    random, found, data = Random(seed), Counter(), (bundle / MODEL_NAME).read_bytes()
    described, pipeline = read_manifest(bundle).input, joblib.load(bundle / MODEL_NAME)
    reads = find_input(described)
    values = [reads.read(body) for body in make_inputs(described, pipeline)]
    if described["kind"] == "record":
        values = build_frame(described["fields"], values)
    elif described["kind"] == "image":
        values = build_pixels([one.pixels for one in values])
    expected = _predict(pipeline, values)
    bar = progress(count, "flips, unchecked")
    for _ in range(count):
        damaged = bytearray(data)
        damaged[random.randrange(len(data))] ^= 1 << random.randrange(8)
        child = os.fork()
        if not child:
            _try(damaged, values, expected)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        found[("same", "other", "error")[code] if code >= 0 else "death"] += 1
        bar.update()
    bar.close()
    return dict(found)


def _predict(model: Any, values: Any) -> np.ndarray:
    return getattr(model, "predict_proba", model.predict)(values)


def _try(damaged: bytearray, values: Any, expected: np.ndarray) -> None:
    """In the child: unpickle, predict, and end with what came of it."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    code = 2
    try:
        same = np.array_equal(_predict(joblib.load(io.BytesIO(damaged)), values), expected)
        code = int(not same)
    except BaseException:  # noqa: BLE001, S110 - whatever it is, it was noticed
        pass
    finally:
        os._exit(code)

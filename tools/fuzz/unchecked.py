"""What joblib makes of a damaged model that nothing checks, for comparison."""

import io
import os
import resource
from collections import Counter
from pathlib import Path
from random import Random

import joblib
import numpy as np

from tools.fuzz.findings import progress

MAX_MEMORY = 4 * 1024**3  # a flipped length asks for more than there is
WORDS = 100  # in a text


def flip_unchecked(model: Path, count: int, seed: int) -> dict:
    """What unpickling makes of a model with a flipped bit, each in a process of its own.

    Returns:
        How often it failed, ended the process, gave the same answers and gave others.
    """
    random, found, data = Random(seed), Counter(), model.read_bytes()
    pipeline = joblib.load(model)
    terms = sorted(pipeline[0].vocabulary_)
    texts = [" ".join(terms[place : place + WORDS]) for place in range(0, len(terms), WORDS)]
    expected = pipeline.predict_proba(texts)
    bar = progress(count, "flips, unchecked")
    for _ in range(count):
        damaged = bytearray(data)
        damaged[random.randrange(len(data))] ^= 1 << random.randrange(8)
        child = os.fork()
        if not child:
            _try(damaged, texts, expected)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        found[("same", "other", "error")[code] if code >= 0 else "death"] += 1
        bar.update()
    bar.close()
    return dict(found)


def _try(damaged: bytearray, texts: list[str], expected: np.ndarray) -> None:
    """In the child: unpickle, predict, and end with what came of it."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    code = 2
    try:
        same = np.array_equal(joblib.load(io.BytesIO(damaged)).predict_proba(texts), expected)
        code = int(not same)
    except BaseException:  # noqa: BLE001, S110 - whatever it is, it was noticed
        pass
    finally:
        os._exit(code)

"""The slowest requests that we know of: full bodies of words that the model has to look up."""

import io
import time
from contextlib import redirect_stdout
from pathlib import Path
from random import Random
from unittest.mock import patch

import joblib

from serving.app.engines.frozen.engine import FrozenEngine
from serving.app.handler import lambda_handler
from serving.app.limits import MAX_BODY_BYTES
from serving.bundle.inputs import MAX_BATCH, MAX_TEXT_CHARS
from serving.tests.sample import proxy_event
from tools.fuzz.attack import CONTEXT

ROOM = MAX_BODY_BYTES * 95 // 100  # for the words, beside what JSON needs


def answer_slowest(model: Path, seed: int) -> float:
    """The longest that a frozen model takes for a full batch, in milliseconds of the processor.

    Without numpy, as in an image. Each text has words of its own, as far as the model has any.
    """
    words, slowest = sorted(joblib.load(model)[0].vocabulary_), 0.0
    for count in (ROOM // MAX_TEXT_CHARS + 1, 199, MAX_BATCH):
        event = proxy_event(path="/predict/batch", body={"texts": _texts(words, count, seed)})
        with (
            patch.object(FrozenEngine, "_score_together", lambda *_: None),
            redirect_stdout(io.StringIO()),  # the metrics
        ):
            for _ in range(3):
                start = time.process_time()
                status = lambda_handler(event, CONTEXT)["statusCode"]
                slowest = max(slowest, time.process_time() - start)
                assert status == 200
    return slowest * 1000


def _texts(words: list[str], count: int, seed: int) -> list[str]:
    random, shuffled, texts = Random(seed), [], []
    for _ in range(count):
        text = ""
        while len(text) < ROOM // count - 50:
            if not shuffled:
                shuffled = random.sample(words, len(words))
            text += f"{shuffled.pop()} "
        texts.append(text)
    return texts

"""The slowest requests that we know of: full bodies, of texts those of words to look up."""

import io
import time
from collections.abc import Iterable
from contextlib import redirect_stdout
from typing import Any

from serving.app.handler import lambda_handler
from serving.tests.sample import proxy_event
from tools.fuzz.attack import CONTEXT


def answer_slowest(batches: Iterable[Any]) -> float:
    """The longest that a model takes for one of full batches, in milliseconds of the processor."""
    slowest = 0.0
    for body in batches:
        event = proxy_event(path="/predict/batch", body=body)
        with redirect_stdout(io.StringIO()):  # the metrics
            for _ in range(3):
                start = time.process_time()
                status = lambda_handler(event, CONTEXT)["statusCode"]
                slowest = max(slowest, time.process_time() - start)
                assert status == 200
    return slowest * 1000

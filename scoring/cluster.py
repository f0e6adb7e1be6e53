"""Scorers on a Dask cluster: of the same code, the same model and the same arithmetic as here.

Imported only where a cluster is named: the module needs `distributed`.
"""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any

from distributed import Client, Future, KilledWorker

from scoring.plan import Plan, hash_code
from scoring.processes import Rows, Submit
from scoring.scorer import Scored, score_rows
from training.console import StepError, say
from training.parallel.backend import PATIENCE_SECONDS
from training.parallel.cluster import LOGGERS, WORKER, check, connect, run_checked


@contextmanager
def use_cluster(address: str, plan: Plan) -> Iterator[tuple[Submit, int]]:
    """While it is open, rows are scored by the workers.

    Returns:
        A function as of `use_processes`, and how many workers there are.

    Raises:
        StepError: There is no such scheduler or no worker, or one could answer otherwise; later,
            from what is waited for, no worker could score.
    """
    for name in LOGGERS:  # what matters becomes a StepError
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = connect(address)
    except StepError as error:
        raise StepError(str(error).replace("make train", "make score")) from None
    with client:
        try:
            passport = check(client, address)
            workers = len(client.nthreads())
        except OSError as error:
            raise StepError(f"the Dask cluster at {address} was lost: {error}") from None
        say(f"scoring on the Dask cluster at {address}: workers: {workers}")
        code = hash_code()

        def submit(rows: Rows) -> Callable[[], Scored]:
            task = client.submit(run_checked, score_there, passport, plan, code, rows, pure=False)
            return lambda: _wait(client, task, WORKER.format(address))

        yield submit, workers


def score_there(plan: Plan, code: str, rows: Rows) -> Scored:
    """Score rows on a worker.

    Raises:
        StepError: It has other code, or another model.
    """
    if hash_code() != code:
        raise StepError(
            "a Dask worker has other code of scoring or serving: start it in a checkout of this "
            "commit"
        )
    return score_rows(plan, rows)


def _wait(client: Client, task: Future[Scored], start: str) -> Scored:
    seen = time.monotonic()
    while True:
        try:
            found: Scored = task.result(timeout=1)
        except TimeoutError:
            if _has_workers(client):
                seen = time.monotonic()
            elif time.monotonic() - seen > PATIENCE_SECONDS:
                raise StepError(
                    f"no worker of the Dask cluster has been left for {PATIENCE_SECONDS} s: start "
                    f"some ({start}), then run the same command again"
                ) from None
        except StepError:
            raise
        except KilledWorker as error:
            raise StepError(
                f"the same rows ended several workers, the last one {error.last_worker}: its log "
                "says why (mostly lack of memory)"
            ) from None
        except (CancelledError, OSError) as error:
            raise StepError(
                f"the Dask scheduler was lost ({error}): run the same command again"
            ) from None
        else:
            return found


def _has_workers(client: Any) -> bool:
    try:
        return bool(client.nthreads())
    except (OSError, RuntimeError, ValueError):
        return False

"""Scorers in processes of this machine."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from scoring.plan import Plan
from scoring.scorer import Scored, score_rows
from training.console import StepError

type Rows = list[tuple[int, Any]]
type Submit = Callable[[Rows], Callable[[], Scored]]


@contextmanager
def use_processes(plan: Plan, count: int) -> Iterator[Submit]:
    """While it is open, rows are scored by `count` processes; by this one, where that is 0.

    Returns:
        A function that takes rows, and returns one that waits for what became of them. That one
        raises StepError where the model cannot be served, or a process was ended.
    """
    if not count:
        yield lambda rows: lambda: score_rows(plan, rows)
        return
    # Not forked: a process that was would hold this one's lock, and go on after its end.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, context, initializer=_begin)

    def submit(rows: Rows) -> Callable[[], Scored]:
        with _telling():
            future = pool.submit(score_rows, plan, rows)
        return lambda: _wait(future)

    try:
        yield submit
    finally:
        pool.shutdown(cancel_futures=True)


def _wait(future: Future[Scored]) -> Scored:
    with _telling():
        return future.result()


@contextmanager
def _telling() -> Iterator[None]:
    """Say what has happened where a process was ended: asking for more meets it, too."""
    try:
        yield
    except BrokenProcessPool:
        raise StepError(
            "a scoring process was ended (mostly by lack of memory): the rows written so far are "
            "kept; run the same command again to continue"
        ) from None


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one that started us ends us
    threading.Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    """End with the process that started us, however that ends."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)

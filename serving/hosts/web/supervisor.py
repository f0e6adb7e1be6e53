"""Keeps a number of worker processes alive, and ends them together.

By fork: what was loaded before is in memory once for all of them. uvicorn's own supervisor starts
each worker from nothing, and cannot be given another server than its own.
"""

import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from serving.hosts.gateway import say

STOP_SECONDS = 9.5  # until workers that do not end are killed
RESTART_SECONDS = 0.5  # so that one that ends at once does not keep a processor busy
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM)


class Supervisor:
    """Runs `work` in `count` processes until a signal ends it. The process may have one thread.

    Args:
        count: How many.
        work: What each does; it ends on SIGTERM.
        stop: Called once when this process is told to stop, before the workers are.
    """

    def __init__(self, count: int, work: Callable[[], None], stop: Callable[[], None]) -> None:
        self._count, self._work, self._on_stop = count, work, stop
        self._workers: set[int] = set()
        self._stopping = False

    def run(self) -> None:
        for number in SIGNALS:
            signal.signal(number, self._kill if number == signal.SIGALRM else self._stop)
        for _ in range(self._count):
            self._start()
        while self._workers:
            process, status = os.wait()
            if process not in self._workers:  # the first process of a container has others' orphans
                continue
            self._workers.discard(process)
            if not self._stopping:
                say(f"a worker ended ({tell_end(status)}): another takes its place")
                time.sleep(RESTART_SECONDS)
                self._start()

    def _start(self) -> None:
        with blocked():
            if self._stopping:
                return
            if process := os.fork():
                self._workers.add(process)
                return
            for number in SIGNALS:
                signal.signal(number, signal.SIG_DFL)
        try:
            self._work()
        except BaseException:  # noqa: BLE001 - nothing of this process may go on in the parent's code
            traceback.print_exc()
            os._exit(1)
        os._exit(0)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        if not self._stopping:
            self._stopping = True
            self._on_stop()
            signal.setitimer(signal.ITIMER_REAL, STOP_SECONDS)
        self._send(signal.SIGTERM)

    def _kill(self, _number: int, _frame: FrameType | None) -> None:
        say(f"{len(self._workers)} workers did not end in {STOP_SECONDS} s: they are killed")
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        for process in self._workers:
            os.kill(process, number)  # one that has ended is there until it was waited for


@contextmanager
def blocked() -> Iterator[None]:
    """Signals wait until the end of this: in a process that is forked here, too."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def tell_end(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with status {code}"

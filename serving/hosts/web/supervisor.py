"""Keeps a number of worker processes alive, and ends them together.

By fork: what was loaded before is in memory once for all of them. uvicorn's own supervisor starts
each worker from nothing, and cannot be given another server than its own.
"""

import os
import signal
import time
import traceback
from collections.abc import Callable

from serving.hosts.gateway import say

STOP_SECONDS = 9.5  # until workers that do not end are killed
RESTART_SECONDS = 0.5  # so that one that ends at once does not keep a processor busy
STOPPING = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


class Supervisor:
    """Runs `work` in `count` processes until a signal ends it. The process may have one thread.

    Signals are blocked and waited for, not handled: one that came just before a wait for workers
    would be heard of when the next worker ends.

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
        # What is ignored, as nohup has it of SIGHUP, would be waited for all the same.
        stopping = {one for one in STOPPING if signal.getsignal(one) != signal.SIG_IGN}
        awaited = stopping | {signal.SIGALRM, signal.SIGCHLD}
        before: set[int] = {*signal.pthread_sigmask(signal.SIG_BLOCK, awaited)}
        try:
            for _ in range(self._count):
                self._start(before)
            while self._workers:
                number = signal.sigwait(awaited)
                if number == signal.SIGCHLD:
                    self._replace(before)
                elif number == signal.SIGALRM:
                    say(f"{len(self._workers)} workers did not end in {STOP_SECONDS} s: killed")
                    self._send(signal.SIGKILL)
                else:
                    self._stop()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _start(self, mask: set[int]) -> None:
        if process := os.fork():
            self._workers.add(process)
            return
        try:
            # A terminal sends it to all; what ends workers in order is their parent's SIGTERM.
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            self._work()
        except BaseException:  # noqa: BLE001 - nothing of this process may go on in the parent's code
            traceback.print_exc()
            os._exit(1)
        os._exit(0)

    def _replace(self, mask: set[int]) -> None:
        """Start another one for each worker that has ended, unless all are to end."""
        while self._workers:
            process, status = os.waitpid(-1, os.WNOHANG)
            if not process:
                return
            if process not in self._workers:  # the first process of a container has others' orphans
                continue
            self._workers.remove(process)
            if not self._stopping:
                say(f"a worker ended ({tell_end(status)}): another takes its place")
                time.sleep(RESTART_SECONDS)
                self._start(mask)

    def _stop(self) -> None:
        if not self._stopping:
            self._stopping = True
            self._on_stop()
            signal.setitimer(signal.ITIMER_REAL, STOP_SECONDS)
        self._send(signal.SIGTERM)

    def _send(self, number: signal.Signals) -> None:
        for process in self._workers:
            os.kill(process, number)  # one that has ended is there until it was waited for


def tell_end(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with status {code}"

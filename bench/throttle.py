"""A quarter of a processor, as cgroups would give it: 5 ms of processor time in each 20 ms.

Lambda gives that much to a function of about 440 MB. Here signals do it, which needs no privilege.
"""

import signal
import subprocess
import sys
import time
from threading import Event, Thread
from typing import Self

PERIOD = 0.020  # seconds
QUOTA = 0.005
AVAILABLE = sys.platform == "linux"  # elsewhere one process cannot read another one's clock


class Throttle:
    """Stops and continues a process until this is left; then the process runs.

    Args:
        process: Popen's own send_signal never hits another process that got the same id.
        phase: From 0 to 1: where in a period it begins.
    """

    def __init__(self, process: subprocess.Popen[bytes], phase: float) -> None:
        self._process = process
        self._clock = ~process.pid << 3 | 2  # glibc's clock_getcpuclockid: of all its threads
        self._end = time.perf_counter() + (1 - phase) * PERIOD
        self._over = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._process.send_signal(signal.SIGCONT)

    def _run(self) -> None:
        allowed = 0.0
        while not self._over.is_set():
            # As the kernel has it: what was not used is lost, what was overdrawn is owed.
            allowed = min(allowed, self._spent()) + QUOTA
            self._process.send_signal(signal.SIGCONT)
            while (left := min(allowed - self._spent(), self._end - time.perf_counter())) > 0:
                time.sleep(left)
            if (rest := self._end - time.perf_counter()) > 0:
                self._process.send_signal(signal.SIGSTOP)
                time.sleep(rest)
            self._end += PERIOD

    def _spent(self) -> float:
        """Seconds of processor time; of a process that has ended, more than it may have."""
        try:
            return time.clock_gettime(self._clock)
        except OSError:
            return float("inf")

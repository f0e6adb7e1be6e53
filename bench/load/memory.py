"""Whether a service's memory stays flat: `make load MEMORY=1`.

The real server, a process of its own, answers so many requests of the mix, each another one, and
its memory is read on the way. What it needs to warm up (the full app, memos that fill) is not
counted; of the rest nothing may stay. Linux alone: it looks into /proc.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from bench.load.generator import send_busily
from bench.load.mix import Mixer
from bench.load.target import Target, TargetError, find_address
from serving.deployment.stack import say
from tools.runtime_api import read_memory

REQUESTS = 100_000
WARM = 0.1  # of them, before memory counts
PARTS = 10
WORKERS = 4
START_SECONDS = 60
SERVER = (sys.executable, "-m", "serving.hosts.serve", "--port", "0")
SERVING = re.compile(r"^Serving on (\S+)$", re.MULTILINE)


class Memory(NamedTuple):
    """Bytes that were resident: when warm, and after each further part of the requests."""

    warm: int
    parts: list[int]
    errors: dict[str, int]

    @property
    def gained(self) -> int:
        """Bytes, from when it was warm to the end: what was freed again does not count."""
        return self.parts[-1] - self.warm


def measure(
    bundle: Path, mixer: Mixer, requests: int = REQUESTS, command: Sequence[str] = SERVER
) -> Memory:
    """Serve a bundle, send so many requests, and read the server's memory on the way.

    Raises:
        TargetError: The server does not start, or ended.
    """
    errors: dict[str, int] = {}
    with serve(bundle, command) as (server, target):
        stream = mixer.stream(requests)

        def send(count: int) -> int:
            for error, times in send_busily(target, islice(stream, count), WORKERS).items():
                errors[error] = errors.get(error, 0) + times
            return read_resident(server.pid)

        warm = send(round(requests * WARM))
        say(f"warm after {requests * WARM:,.0f} requests: {warm / 1e6:.1f} MB")
        parts = []
        for number in range(1, PARTS + 1):
            parts.append(send(round(requests * (1 - WARM) / PARTS)))
            say(f"{number / PARTS:4.0%} of the others: {parts[-1] / 1e6:.1f} MB")
    return Memory(warm, parts, errors)


def read_resident(pid: int) -> int:
    """Bytes of a process that are resident.

    Raises:
        TargetError: It has ended.
    """
    if found := read_memory(pid):
        return found
    raise TargetError("the server ended, or this is no Linux: no memory to be read")


@contextmanager
def serve(bundle: Path, command: Sequence[str]) -> Iterator[tuple[subprocess.Popen[bytes], Target]]:
    """A server of its own, and where it listens.

    Raises:
        TargetError: It does not start.
    """
    environment = {**os.environ, "QUICKTHAW_BUNDLE": str(bundle)}
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=said, env=environment
        ) as server,
    ):
        try:
            yield server, find_address(_wait(server, said.fileno()))
        finally:
            server.terminate()


def _wait(server: subprocess.Popen[bytes], said: int) -> str:
    """The address that a server says it listens on."""
    until = time.monotonic() + START_SECONDS
    while True:
        text = os.pread(said, 65_536, 0).decode(errors="replace")
        if found := SERVING.search(text):
            return found[1]
        if server.poll() is not None or time.monotonic() > until:
            raise TargetError(f"the server does not start: {text.strip()}")
        time.sleep(0.05)

"""A host on a port of its own, the web process or another; and a bundle of each kind of input."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from serving.tests.images import INPUT as PICTURE
from serving.tests.images import write_images
from serving.tests.records import EXAMPLE, write_regression
from serving.tests.sample import write_bundle

ROOT = Path(__file__).parents[2]
BODIES = {
    "text": {"text": "hoist the sail"},
    "record": EXAMPLE,
    "image": {"image": PICTURE["example"]},
}


def write_bundles(folder, pipeline):
    """The folder of a bundle by its kind of input."""
    found = {kind: folder / kind for kind in BODIES}
    for one in found.values():
        one.mkdir()
    write_bundle(found["text"], pipeline, "frozen")
    write_regression(found["record"])
    write_images(found["image"])
    return found


class Process:
    """The web process on a port of its own, or another of serving/hosts."""

    def __init__(self, folder, log, host="web", **environ):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"serving.hosts.{host}", "--host", "127.0.0.1"],
                cwd=ROOT,
                env={**os.environ, "QUICKTHAW_BUNDLE": str(folder), "PORT": str(self.port)}
                | environ,
                stdout=file,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        until = time.monotonic() + 60
        while not self._answers():
            assert self.process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)

    def _answers(self):
        with suppress(OSError, http.client.HTTPException):
            return self.ask("GET", "/health")[0] in (200, 503)
        return False

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def ask(self, *request):
        client = self.connect()
        try:
            client.request(*request)
            answer = client.getresponse()
            return answer.status, answer.read()
        finally:
            client.close()

    def workers(self):
        """The ids of those who answer."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(one) for one in path.read_text().split()]

    def stop(self, number=signal.SIGTERM, *, group=False):
        """End it: what it said, its exit status, and the seconds that it took.

        To the group a signal goes as a terminal sends it.
        """
        started = time.monotonic()
        if group:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        _, said = self.process.communicate(timeout=30)
        return said, self.process.returncode, time.monotonic() - started

    def documents(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()]

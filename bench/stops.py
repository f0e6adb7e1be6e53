"""What is lost where the web process is stopped or killed under load: `make bench STOPS=1`.

Clients ask as fast as they are answered: half of them on a connection that they keep, half on a new
one each time. One that cannot connect ends: it has lost a request, unless the process is over. An
answer names its request, and so does its line of metrics (EMF): one that is missing is seen.
"""

import argparse
import http.client
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import Any, NamedTuple

from bench.inputs import Request, ask_example
from bench.report import to_markdown
from bench.results import describe_machine, save
from bench.web import Server, list_processes, running
from serving.bundle.manifest import read_manifest
from tools.runtime_api import ROOT
from training.console import StepError, run_step, say
from training.paths import find_paths

LOADED = 2.0  # seconds under load before
PATIENCE = 30.0  # seconds until a killed worker's place is taken
KIND = {"Content-Type": "application/json"}
HEADS = ("What", "Times", "Sent", "Answered", "Lost", "Lines missing", "Seconds (p50 / most)")


class Counts(NamedTuple):
    """Of one run: requests sent, answered, lost; answers without their line; seconds it took."""

    sent: int
    answered: int
    lost: int
    missing: int
    seconds: float


class Client(Thread):
    """Asks until it is told that it is over, or nobody listens any more."""

    def __init__(self, port: int, request: Request, over: Event, *, keeps: bool) -> None:
        super().__init__()
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self._request, self._over, self._keeps = request, over, keeps
        self.sent = self.lost = self.refused = 0
        self.answered: list[str] = []

    def run(self) -> None:
        while not self._over.is_set():
            try:
                if self._connection.sock is None:
                    self._connection.connect()
            except OSError:
                self.refused = 1
                return
            self.sent += 1
            try:
                self.answered.append(self._ask())
            except (OSError, http.client.HTTPException):
                self.lost += 1
                self._connection.close()
        self._connection.close()

    def _ask(self) -> str:
        self._connection.request("POST", self._request.path, self._request.body, KIND)
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise http.client.HTTPException(answer.status)
        if not self._keeps:
            self._connection.close()
        return answer.headers["X-Request-Id"]


def stop(process: int) -> None:
    """As a platform does at a deployment."""
    os.kill(process, signal.SIGTERM)
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)  # whoever started it takes its status


def kill(process: int) -> None:
    """As a platform does whose patience is over."""
    os.killpg(process, signal.SIGKILL)
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)


def kill_worker(process: int) -> None:
    """As the kernel does for lack of memory, until another one is started in its place.

    Raises:
        StepError: None did.
    """
    before = list_processes(process)
    os.kill(before[-1], signal.SIGKILL)
    until = time.monotonic() + PATIENCE
    while len({*list_processes(process)} - {before[-1]}) < len(before):
        if time.monotonic() > until:
            raise StepError("a worker was killed, and no other one took its place")
        time.sleep(0.01)


WAYS: dict[str, Callable[[int], None]] = {
    "Stopped (SIGTERM)": stop,
    "One worker killed (SIGKILL)": kill_worker,
    "All killed (SIGKILL)": kill,
}


def run_once(
    way: Callable[[int], None], server: Server, port: int, request: Request, count: int
) -> Counts:
    """Start the process, have so many clients load it, and end it so."""
    over = Event()
    clients = [Client(port, request, over, keeps=one % 2 == 0) for one in range(count)]
    with tempfile.TemporaryDirectory() as name:
        log = Path(name, "log")
        with running(server, port, request, log) as process:
            for one in clients:
                one.start()
            try:
                time.sleep(LOADED)
                began = time.monotonic()
                way(process)
                seconds = time.monotonic() - began
                goes_on = len(list_processes(process)) > 1  # itself, and workers
            finally:
                over.set()
                for one in clients:
                    one.join()
        lines = [json.loads(one) for one in log.read_text().splitlines() if one.startswith("{")]
    answered = {name for one in clients for name in one.answered}
    sent, lost, refused = (
        sum(getattr(one, what) for one in clients) for what in ("sent", "lost", "refused")
    )
    if goes_on:
        sent, lost = sent + refused, lost + refused
    missing = answered - {one["requestId"] for one in lines}
    return Counts(sent, len(answered), lost, len(missing), seconds)


def measure(bundle: Path, port: int, times: int, workers: int, clients: int) -> dict[str, Any]:
    """All ways, so many times each."""
    settings = {"QUICKTHAW_BUNDLE": str(bundle), "WEB_CONCURRENCY": str(workers)}
    command = f"{sys.executable} -m serving.hosts.web --host 127.0.0.1 --port {port}"
    server = Server("the web process", command.split(), ROOT, settings)
    found: dict[str, Any] = {}
    for name, way in WAYS.items():
        say(f"{name}: {times} times")
        runs = [run_once(way, server, port, ask_example(bundle), clients) for _ in range(times)]
        *counts, seconds = zip(*runs, strict=True)
        found[name] = dict(zip(Counts._fields, map(sum, counts), strict=False))
        found[name]["seconds"] = sorted(seconds)
    model = read_manifest(bundle).name
    about = {"model": model, "times": times, "workers": workers, "clients": clients}
    return {"settings": about, "machine": describe_machine(), "ways": found}


def to_table(results: dict[str, Any]) -> str:
    """The results in Markdown."""
    table = [[*HEADS]]
    for name, one in results["ways"].items():
        counts = [f"{one[what]:,}" for what in Counts._fields[:-1]]
        seconds = f"{median(one['seconds']):.2f} / {max(one['seconds']):.2f}"
        table.append([name, f"{results['settings']['times']}", *counts, seconds])
    return "\n".join(to_markdown(table))


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="make bench STOPS=1", description=__doc__)
    parser.add_argument("model", help="its name")
    parser.add_argument("--port", type=int, default=18_432)
    parser.add_argument("--times", type=int, default=10, help="of each way")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--out", type=Path, help="default .local/bench/MODEL/stops.json")
    asked = parser.parse_args()
    bundle = find_paths(asked.model).bundle
    results = measure(bundle, asked.port, asked.times, asked.workers, asked.clients)
    path = asked.out or Path(".local/bench", asked.model, "stops.json")
    save(results, path)
    print(f"{to_table(results)}\n\n{path}")


if __name__ == "__main__":
    run_step(main)

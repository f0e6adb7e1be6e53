"""The web process beside other servers of Python models: `make bench WEB=1`.

Each has the same number of workers and the same requests, from wrk (Debian's package), which keeps
1, 16 or 64 connections busy on the same machine. They take turns; of the rounds the median counts.
Processor time and memory are those of all processes of a server: proportional memory (PSS), in
which what they share counts once.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench.environment import copy_app, make_environment, merge
from bench.footprint import FULL_APP
from bench.inputs import Request, ask_example
from bench.models import check_ready, copy_bundle, write_sklearn_bundle
from bench.report import to_markdown
from bench.results import save
from serving.bundle.manifest import MODEL_NAME, read_manifest
from tools.runtime_api import ROOT
from training.console import StepError, run_step, say
from training.paths import find_paths

PYTHON = ROOT / ".local/servers/bin/python"
CONNECTIONS = (1, 16, 64)
PATIENCE = 120.0  # seconds to start
TICKS = os.sysconf("SC_CLK_TCK")
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


class Server(NamedTuple):
    """Who takes part: its name, its command and its variables, once the port is known."""

    name: str
    command: list[str]
    root: Path
    environ: dict[str, str]


class Load(NamedTuple):
    """What one run of wrk found, in requests a second and milliseconds."""

    rate: float
    p50: float
    p99: float
    cpu: float


def list_servers(folder: Path, model: str, port: int, workers: int) -> list[Server]:
    """All of them: ours from copies of what its image holds, the others as their guides start them.

    Raises:
        StepError: The model takes pictures, which the others have no form for.
    """
    bundle = copy_bundle(folder / "frozen", find_paths(model).bundle)
    if read_manifest(bundle).input["kind"] == "image":
        raise StepError(f"{model} takes pictures: only texts and records are measured")
    sklearn = write_sklearn_bundle(folder / "sklearn", bundle)
    ours = make_environment(folder / "web", (*FULL_APP, "uvicorn"))
    root = copy_app(folder / "app", kernel=True)
    merge(root, ours, bundle)
    shutil.copytree(ROOT / "serving/hosts", root / "serving/hosts")
    plain = {"MODEL_PATH": str(sklearn / MODEL_NAME), "OPENBLAS_NUM_THREADS": "1"}
    bento = {"WORKERS": str(workers), "BENTOML_DO_NOT_TRACK": "true", "BENTOML_HOME": str(folder)}
    web = f"{ours} -m serving.hosts.web --host 127.0.0.1 --port {port}"
    fastapi = f"-m uvicorn bench.fastapi_app:app --port {port} --workers {workers}"
    litserve = f"-m bench.servers.litserve_app {port} {workers}"
    bentoml = f"-m bentoml serve bench.servers.bentoml_app:Service --host 127.0.0.1 --port {port}"
    settings = {"QUICKTHAW_BUNDLE": str(bundle), "WEB_CONCURRENCY": str(workers)}
    return [
        Server("Quickthaw, web process", web.split(), root, settings),
        Server("FastAPI", f"{PYTHON} {fastapi} --no-access-log".split(), ROOT, plain),
        Server("LitServe", f"{PYTHON} {litserve}".split(), ROOT, plain),
        Server("BentoML", f"{PYTHON} {bentoml} --working-dir {ROOT}".split(), ROOT, plain | bento),
    ]


@contextmanager
def running(server: Server, port: int, request: Request, log: Path) -> Iterator[int]:
    """Its process, once it answers.

    Raises:
        StepError: It does not.
    """
    with log.open("wb") as file:
        process = subprocess.Popen(
            server.command,
            cwd=server.root,
            env={"PATH": os.environ["PATH"], "HOME": str(log.parent)} | server.environ,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + PATIENCE
        while not answers(port, request):
            if process.poll() is not None or time.monotonic() > until:
                raise StepError(f"{server.name} does not answer: {log.read_text()[-2000:]}")
            time.sleep(0.1)
        yield process.pid
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def answers(port: int, request: Request) -> bool:
    """Whether the request is answered with a prediction."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}{request.path}",
        request.body,
        {"Content-Type": "application/json"},
    )
    with suppress(OSError, ValueError), urllib.request.urlopen(asked, timeout=5) as answer:  # noqa: S310 - loopback
        found = json.load(answer)
        return "label" in found or "value" in found
    return False


def list_processes(root: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for one in found:
        found += children.get(one, [])
    return found


def read_cpu(root: int) -> float:
    """Seconds of processor time that a process and its descendants have used."""
    total = 0
    for process in list_processes(root):
        with suppress(OSError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / TICKS


def read_memory(root: int) -> float:
    """Proportional memory of a process and its descendants, in MB."""
    total = 0
    for process in list_processes(root):
        with suppress(OSError):
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
            total += int(re.findall(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)[0])
    return total * 1024 / 1e6


def ask_many(port: int, script: Path, connections: int, seconds: int, root: int) -> Load:
    """Run wrk.

    Raises:
        StepError: A request was not answered with 200.
    """
    before = read_cpu(root)
    options = (
        f"--threads 1 --connections {connections} --duration {seconds}s --timeout 30s --latency"
    )
    address = f"http://127.0.0.1:{port}/predict"
    done = subprocess.run(
        ["wrk", *options.split(), "--script", script, address],  # noqa: S607 - wherever it is
        capture_output=True,
        text=True,
        check=True,
    )
    cpu = read_cpu(root) - before
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise StepError(f"requests failed:\n{done.stdout}")
    return read_load(done.stdout, cpu)


def read_load(said: str, cpu: float) -> Load:
    """What wrk prints, and the seconds of processor time that the server took meanwhile."""
    (rate,) = re.findall(r"Requests/sec:\s+([\d.]+)", said)
    (count,) = re.findall(r"(\d+) requests in", said)
    p50, p99 = (read_latency(said, share) for share in (50, 99))
    return Load(float(rate), p50, p99, cpu * 1000 / int(count))


def read_latency(said: str, share: int) -> float:
    """A percentile as wrk prints it, in milliseconds."""
    number, unit = re.findall(rf"^\s+{share}%\s+([\d.]+)(us|ms|s|m) *$", said, re.MULTILINE)[0]
    return float(number) * UNITS[unit]


def write_script(path: Path, request: Request) -> Path:
    """What wrk is to send."""
    body = json.dumps(request.body.decode())
    if not body.isascii() or "\\u" in body:
        raise StepError("the example of the model is not ASCII: wrk's script cannot hold it")
    kind = 'wrk.headers["Content-Type"] = "application/json"'
    path.write_text(f'wrk.method = "POST"\nwrk.body = {body}\n{kind}\n')
    return path


def measure(model: str, port: int, rounds: int, seconds: int, workers: int) -> dict[str, Any]:
    """All servers in all rounds.

    Raises:
        StepError: wrk or the other servers are not installed, or one of them does not answer.
    """
    if not shutil.which("wrk"):
        raise StepError("wrk is not installed: 'apt-get install wrk'")
    check_ready(find_paths(model).bundle)
    found: dict[str, dict[str, list[Any]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        servers = list_servers(folder, model, port, workers)
        request = ask_example(find_paths(model).bundle)
        script = write_script(folder / "ask.lua", request)
        for number in range(rounds):
            for server in servers if number % 2 == 0 else reversed(servers):
                say(f"round {number + 1} of {rounds}: {server.name}")
                kept = found.setdefault(
                    server.name, {"memory": [], **{str(c): [] for c in CONNECTIONS}}
                )
                with running(server, port, request, folder / "log") as process:
                    ask_many(port, script, 16, 1, process)  # warm
                    for connections in CONNECTIONS:
                        kept[str(connections)].append(
                            ask_many(port, script, connections, seconds, process)
                        )
                    kept["memory"].append(read_memory(process))
    settings = {"model": model, "rounds": rounds, "seconds": seconds, "workers": workers}
    return {"settings": settings, "servers": {name: sum_up(one) for name, one in found.items()}}


def sum_up(rounds: dict[str, list[Any]]) -> dict[str, Any]:
    """The medians of a server's rounds."""
    loads = {
        name: dict(zip(Load._fields, map(median, zip(*rounds[name], strict=True)), strict=True))
        for name in map(str, CONNECTIONS)
    }
    return {"memory": median(rounds["memory"]), **loads}


def to_table(results: dict[str, Any]) -> str:
    """The results in Markdown."""
    heads = [
        "Server",
        *(f"{what} at {c}" for what in ("Requests/s", "p50 / p99 (ms)") for c in CONNECTIONS),
    ]
    heads += ["CPU a request (ms)", "Memory (MB)"]
    table = [heads]
    for name, one in results["servers"].items():
        cells = [name, *(f"{one[str(c)]['rate']:,.0f}" for c in CONNECTIONS)]
        cells += [f"{one[str(c)]['p50']:.3g} / {one[str(c)]['p99']:.3g}" for c in CONNECTIONS]
        cells += [f"{one['16']['cpu']:.2f}", f"{one['memory']:.0f}"]
        table.append(cells)
    return "\n".join(to_markdown(table))


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="make bench WEB=1", description=__doc__)
    parser.add_argument("model", help="its name")
    parser.add_argument("--port", type=int, default=18_431)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of each load")
    parser.add_argument("--workers", type=int, default=2, help="of each server")
    parser.add_argument("--out", type=Path, help="default .local/bench/MODEL/web.json")
    options = parser.parse_args()
    results = measure(options.model, options.port, options.rounds, options.seconds, options.workers)
    path = options.out or Path(".local/bench", options.model, "web.json")
    save(results, path)
    print(f"{to_table(results)}\n\n{path}")


if __name__ == "__main__":
    run_step(main)

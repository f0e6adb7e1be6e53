"""Ours beside other ways to serve scikit-learn's models of records: `make bench PEERS=1`.

No Lambda here, for most peers have none: a process each, which reads records from a pipe and writes
numbers to another (`bench/peer.py`). Cold is from the start of the process to its first answer;
runs take turns. A peer that takes the last step alone has the others done by scikit-learn in the
same process, and that is in its time, as it would be in its user's.
"""

import hashlib
import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Self

from bench.environment import copy_app, has_kernel, make_environment
from bench.inputs import draw
from bench.peer import FAILED, TOLD
from serving.bundle.manifest import read_manifest
from tools.runtime_api import ROOT, read_peak
from training.console import StepError, say
from training.paths import Paths

HOME = Path(".local/peers")
PYTHON = HOME / "bin/python"
REFERENCE = "sklearn"
OTHERS = (REFERENCE, "first", "onnx", "treelite", "tl2cgen", "m2cgen", "timber")
BATCH = 1_000
BLOCK = 50
PATIENCE = 1_800  # seconds to convert a model: a forest as C is compiled for minutes


@dataclass(frozen=True)
class Peer:
    """Who takes part: its command, where it runs, what it said when it took the model."""

    name: str
    command: tuple[str, ...]
    root: Path
    told: dict[str, Any]


@dataclass
class Times:
    """Milliseconds by round: cold starts, one record (a median a block), batches."""

    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    batch: list[float] = field(default_factory=list)


class Process:
    """A peer's process."""

    def __init__(self, peer: Peer) -> None:
        self._name = peer.name
        self.started = time.perf_counter()
        self._process = subprocess.Popen(
            peer.command,
            cwd=peer.root,
            env={"OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, records: list[Any]) -> tuple[float, list[list[float]]]:
        """Milliseconds, and the answers.

        Raises:
            StepError: It has ended.
        """
        to, back = self._process.stdin, self._process.stdout
        if to is None or back is None:
            raise TypeError("a process without pipes")
        line = json.dumps(records) + "\n"
        start = time.perf_counter()
        to.write(line)
        to.flush()
        found = back.readline()
        if not found:
            raise StepError(f"a peer ended: {self._name}")
        return (time.perf_counter() - start) * 1000, json.loads(found)

    def peak(self) -> int:
        return read_peak(self._process.pid)


def is_here() -> bool:
    """Whether the peers' environment was made."""
    return PYTHON.exists()


def measure_peers(
    paths: Paths, bundle: Path, folder: Path, rng: random.Random, *, quick: bool
) -> dict[str, dict[str, Any]]:
    """By name what each peer said and took: medians in milliseconds, sizes in bytes, ratios.

    Args:
        paths: Of the model.
        bundle: A copy of its bundle.
        folder: For what is needed while it is measured.
        rng: Chooses records and turns.
        quick: Few rounds.

    Raises:
        StepError: A peer ends while it is measured.
    """
    cold, warm, batches = (3, 100, 3) if quick else (9, 1_000, 9)
    single, pieces = draw(rng, paths, read_manifest(bundle).input, warm, BATCH)
    records, batch = mix(rng, single, warm), mix(rng, pieces, BATCH)
    say("other compilers: each takes the model, which is kept in .local/peers; some need minutes")
    peers = [*enter_ours(bundle, folder), *(enter(name, bundle) for name in OTHERS)]
    able = [one for one in peers if FAILED not in one.told]
    say(f"other compilers: {cold} cold starts, {warm:,} records, {batches} batches of {BATCH:,}")
    times = {one.name: Times() for one in able}
    time_cold(able, records[0], rng, times, cold)
    answers, peaks = time_steady(able, records, [batch] * batches, rng, times)
    return {
        one.name: one.told
        | (
            sum_up(times[one.name], times[REFERENCE])
            | peaks[one.name]
            | agree(answers[one.name], answers[REFERENCE])
            if one in able
            else {}
        )
        for one in peers
    }


def mix(rng: random.Random, records: list[Any], count: int) -> list[Any]:
    """New records, each field of which is of a record of its own: none is asked twice."""
    return [{name: rng.choice(records)[name] for name in records[0]} for _ in range(count)]


def enter_ours(bundle: Path, folder: Path) -> list[Peer]:
    """The frozen model, from a copy of what its image holds; with the kernel and without."""
    python = make_environment(folder / "bare", ())
    kernels = {"quickthaw": True} if has_kernel() else {}
    found = []
    for name, kernel in (kernels | {"quickthaw, python": False}).items():
        root = copy_app(folder / name, kernel=kernel)
        (root / "bench").mkdir()
        for one in ("__init__.py", "peer.py"):
            shutil.copy(ROOT / "bench" / one, root / "bench")
        place = folder / f"{name}, model"
        place.mkdir()
        found.append(take(name, python, root, bundle, place))
    return found


def enter(name: str, bundle: Path) -> Peer:
    """A peer, with the model as it has it: as it was converted before, or converted now."""
    code = hashlib.sha256((ROOT / "bench/peer.py").read_bytes()).hexdigest()[:8]
    place = (HOME / "models" / f"{read_manifest(bundle).version}-{code}" / name).absolute()
    place.mkdir(parents=True, exist_ok=True)
    return take(name, PYTHON.absolute(), ROOT, bundle, place)


def take(name: str, python: Path, root: Path, bundle: Path, place: Path) -> Peer:
    """Let a peer take the model into a folder, unless it has done so."""
    command = (str(python), "-m", "bench.peer", "{}", name, str(bundle), str(place))
    told = place.with_name(f"{place.name}.json")
    if not told.exists():
        found = convert([one.format("convert") for one in command], root, place)
        told.write_text(json.dumps(found), encoding="utf-8")
    said = json.loads(told.read_text(encoding="utf-8"))
    if FAILED in said:
        say(f"{name} cannot: {said[FAILED]}")
    return Peer(name, tuple(one.format("serve") for one in command), root, said)


def convert(command: Sequence[str], root: Path, place: Path) -> dict[str, Any]:
    try:
        subprocess.run(command, cwd=root, timeout=PATIENCE, check=True, stdout=sys.stderr)
    except subprocess.TimeoutExpired:
        return {FAILED: f"it took more than {PATIENCE:,} s"}
    except subprocess.CalledProcessError as error:
        return {FAILED: f"its process ended with status {error.returncode}"}
    said: dict[str, Any] = json.loads((place / TOLD).read_text(encoding="utf-8"))
    (place / TOLD).unlink()
    return said


def time_cold(
    peers: list[Peer], record: Any, rng: random.Random, times: dict[str, Times], rounds: int
) -> None:
    """From the start of a process to its first answer; a round before it counts."""
    for number in range(rounds + 1):
        for one in rng.sample(peers, len(peers)):
            with Process(one) as process:
                process.ask([record])
                milliseconds = (time.perf_counter() - process.started) * 1000
            if number:
                times[one.name].cold.append(milliseconds)


def time_steady(
    peers: list[Peer],
    records: list[Any],
    batches: list[list[Any]],
    rng: random.Random,
    times: dict[str, Times],
) -> tuple[dict[str, list[list[float]]], dict[str, dict[str, int]]]:
    """Records one by one, then batches, asked of processes that all run from the start.

    Returns:
        The records' answers; the most memory after the records ("peak_one") and after the batches.
    """
    answers: dict[str, list[list[float]]] = {one.name: [] for one in peers}
    with ExitStack() as stack:
        running = [(one.name, stack.enter_context(Process(one))) for one in peers]
        for _, process in running:
            process.ask(records[:1])
        for place in range(0, len(records), BLOCK):
            for name, process in rng.sample(running, len(running)):
                found = [process.ask([record]) for record in records[place : place + BLOCK]]
                times[name].warm.append(median(milliseconds for milliseconds, _ in found))
                answers[name] += [answer for _, (answer,) in found]
        after_one = {name: process.peak() for name, process in running}
        for number, batch in enumerate([batches[0], *batches]):
            for name, process in rng.sample(running, len(running)):
                milliseconds, _ = process.ask(batch)
                if number:
                    times[name].batch.append(milliseconds)
        peaks = {
            name: {"peak_one": after_one[name], "peak_batches": process.peak()}
            for name, process in running
        }
    return answers, peaks


def sum_up(times: Times, others: Times) -> dict[str, Any]:
    """Medians; and how many times as fast it is as the other: the median of the rounds' ratios."""
    ratios = {
        name: median(other / one for one, other in zip(found, vars(others)[name], strict=True))
        for name, found in vars(times).items()
    }
    return {name: median(found) for name, found in vars(times).items()} | {"ratios": ratios}


def agree(answers: list[list[float]], expected: list[list[float]]) -> dict[str, float | None]:
    """How many answers are scikit-learn's to the last bit; how far the others are at most.

    None of what gives no answers, but features.
    """
    if len(answers[0]) != len(expected[0]):
        return {"equal": None, "worst": None}
    pairs = list(zip(answers, expected, strict=True))
    worst = max(abs(a - b) / max(abs(b), 1.0) for x, y in pairs for a, b in zip(x, y, strict=True))
    return {"equal": sum(x == y for x, y in pairs) / len(pairs), "worst": worst}

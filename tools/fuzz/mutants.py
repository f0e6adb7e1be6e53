"""Many mutants to the handler, on all processors, both paths held against each other."""

import contextlib
import os
import signal
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

from tools.fuzz.attack import Weak, attack
from tools.fuzz.findings import Findings, progress
from tools.fuzz.mutate import Mutator

CHUNK = 5_000
PATIENCE = 30.0  # seconds for an event
LARGEST = ("slowest", "largest")  # of these the maximum counts


def attack_all(count: int, seed: int, findings: Findings, described: dict) -> dict:
    """Attack with `count` mutants of events for the input that a manifest describes.

    Returns:
        How many were tried, reached the handler, were answered by both paths, came through; the
        slowest refusal in milliseconds, the largest reply in bytes.
    """
    total = Counter(tried=0, delivered=0, fast=0, failed=0)
    sizes = [min(CHUNK, count - start) for start in range(0, count, CHUNK)]
    seeds = range(seed + 1, seed + 1 + len(sizes))
    with tempfile.TemporaryDirectory() as folder, progress(count, "mutants") as bar:
        try:
            with ProcessPoolExecutor() as pool:
                job = partial(attack_chunk, folder=Path(folder), described=described)
                for size, (found, failures) in zip(sizes, pool.map(job, seeds, sizes), strict=True):
                    maxima = {name: max(total[name], found[name]) for name in LARGEST}
                    total.update(found)
                    total.update(failed=len(failures))
                    for name, value in maxima.items():
                        total[name] = value
                    for reason, payload in failures:
                        findings.add(reason, payload)
                    bar.update(size)
        except BrokenProcessPool:
            total.update(failed=1)
            for path in Path(folder).iterdir():  # each process's last one
                findings.add("a process ended, perhaps by this event", path.read_bytes())
    return dict(total)


def attack_chunk(
    seed: int, count: int, folder: Path, described: dict
) -> tuple[Counter, list[tuple[str, bytes]]]:
    """Counts, and what came through with its reason.

    Args:
        seed: Of the mutants.
        count: How many.
        folder: Where the event lies that is being sent, if the process ends by it.
        described: The model's input, as its manifest has it.
    """
    with contextlib.suppress(Weak):  # imports are no cost of the first mutant
        attack(b'{"httpMethod": "GET", "path": "/health"}')
    signal.signal(signal.SIGALRM, _hangs)
    mutator, outcomes, failures = Mutator(seed, described), [], []
    current = folder / str(os.getpid())
    with current.open("wb", buffering=0) as file:
        for _ in range(count):
            payload = mutator.mutate()
            os.pwrite(file.fileno(), payload, 0)
            os.ftruncate(file.fileno(), len(payload))
            signal.setitimer(signal.ITIMER_REAL, PATIENCE)
            try:
                outcomes.append(attack(payload))
            except Weak as weak:
                failures.append((str(weak), payload))
            signal.setitimer(signal.ITIMER_REAL, 0)
    current.unlink()
    counts = {
        "tried": count,
        "delivered": sum(one.status > 0 for one in outcomes),
        "fast": sum(one.path == "fast" for one in outcomes),
        "slowest": 1000 * max((one.seconds for one in outcomes if one.status >= 400), default=0),
        "largest": max((one.size for one in outcomes), default=0),
    }
    return Counter(counts), failures


def _hangs(*_: object) -> None:
    raise Weak(f"no answer within {PATIENCE:.0f} s")

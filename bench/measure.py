"""The measurements. Contenders take turns, in another order each time, so that noise is shared."""

import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field

from bench.contenders import Answer, Contender, Running
from bench.inputs import Request
from bench.throttle import Throttle
from tools.runtime_api import read_peak

Rounds = dict[str, dict[int, float]]  # milliseconds by contender and round


@contextmanager
def running(contender: Contender) -> Iterator[Running]:
    process = contender.start()
    try:
        yield process
    finally:
        process.stop()


def time_cold(contender: Contender, request: Request, phase: float | None = None) -> float:
    """Milliseconds from starting the process to having its first answer.

    With a `phase`, at a quarter of a processor; see `Throttle`.
    """
    with running(contender) as process:
        throttle = nullcontext() if phase is None else Throttle(process.process, phase)
        with throttle:
            answer = process.send(request)
    return (answer.at - process.started) * 1000


def time_cold_rounds(  # noqa: PLR0913 - named where it is called
    contenders: Sequence[Contender],
    request: Request,
    rng: random.Random,
    *,
    rounds: int,
    slow_every: int,
    throttled: bool = False,
) -> Rounds:
    """Cold starts; the slow ones take part in every `slow_every`-th round."""
    found: Rounds = {contender.name: {} for contender in contenders}
    for number in range(rounds):
        present = [one for one in contenders if not one.slow or number % slow_every == 0]
        rng.shuffle(present)
        phase = rng.random() if throttled else None  # the same for all of a round
        for one in present:
            found[one.name][number] = time_cold(one, request, phase)
    return found


@dataclass
class Steady:
    """What was measured of running processes, by contender.

    Attributes:
        warm: Milliseconds of each request for one input, block by block.
        batches: Milliseconds of each batch, by number of inputs.
        peak: The most memory in bytes, after "one" input at a time and after the "batches".
        answers: To the requests of `warm`.
        kernels: What did the frozen engine's arithmetic.
    """

    warm: dict[str, list[list[float]]] = field(default_factory=dict)
    batches: dict[str, dict[int, list[float]]] = field(default_factory=dict)
    peak: dict[str, dict[str, int]] = field(default_factory=dict)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    kernels: dict[str, str | None] = field(default_factory=dict)


def time_steady(
    contenders: Sequence[Contender],
    blocks: list[list[Request]],
    batches: list[tuple[int, Request]],
    rng: random.Random,
) -> Steady:
    """Warm requests and batches, asked of processes that all run from the start.

    The first block and the first batch are not timed.
    """
    found = Steady()
    with ExitStack() as stack:
        everyone = [(one.name, stack.enter_context(running(one))) for one in contenders]
        _time_warm(everyone, blocks, rng, found)
        found.kernels = {name: process.tell_kernel() for name, process in everyone}
        after_one = _read_peaks(everyone)
        _time_batches(everyone, batches, rng, found)
        after_batches = _read_peaks(everyone)
    if all(after_one.values()):  # elsewhere than on Linux it cannot be told
        found.peak = {
            name: {"one": peak, "batches": after_batches[name]} for name, peak in after_one.items()
        }
    return found


def _read_peaks(everyone: list[tuple[str, Running]]) -> dict[str, int]:
    return {name: read_peak(process.process.pid) for name, process in everyone}


def _time_warm(
    everyone: list[tuple[str, Running]],
    blocks: list[list[Request]],
    rng: random.Random,
    found: Steady,
) -> None:
    for number, block in enumerate(blocks):
        for name, process in rng.sample(everyone, len(everyone)):
            answers = [process.send(request) for request in block]
            if number:
                times = [answer.seconds * 1000 for answer in answers]
                found.warm.setdefault(name, []).append(times)
                found.answers.setdefault(name, []).extend(answers)


def _time_batches(
    everyone: list[tuple[str, Running]],
    batches: list[tuple[int, Request]],
    rng: random.Random,
    found: Steady,
) -> None:
    for number, (size, request) in enumerate(batches):
        for name, process in rng.sample(everyone, len(everyone)):
            seconds = process.send(request).seconds
            if number:
                by_size = found.batches.setdefault(name, {})
                by_size.setdefault(size, []).append(seconds * 1000)

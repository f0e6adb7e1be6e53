"""Chooses the function's memory by measurement: `python -m bench.memory`, two to three minutes.

This model's image in hardened containers, each with the share of a processor that Lambda gives
with its memory. The emulator runs within that share, too, so times are upper bounds. On Lambda an
init may get more than the share, which nothing here can show.
"""

import json
import math
import random
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean, median, quantiles
from typing import Any

from bench.contenders import Failed
from bench.images import BASE, is_docker_here
from bench.inputs import ask, ask_batch, ask_example, draw_texts, fits
from serving.app.limits import MAX_BODY_BYTES
from serving.bundle.inputs import MAX_BATCH
from serving.deployment.costs import cost_of_million
from serving.deployment.image import builder
from serving.hosts.gateway import INTEGRATION_SECONDS
from tools.image.container import Container, ContainerDied, docker, share_of
from training.console import StepError, say
from training.paths import Paths, run_for_model

MEMORIES = (256, 512, 1024, 1769)  # MB
SEED = 13
ROUNDS = 5
WARM = 60  # texts a round
PAUSE = 0.025  # seconds before each: every 20 ms the share is new, whatever the one before took
PIECES = 15  # of twelve words each, in a text of a full batch
TEXTS = {"kind": "text"}
MARGIN = 4  # a full batch has a quarter of the gateway's time
COLD_RATIO = 2
HEADS = (
    *("Memory (MB)", "vCPU", "Cold (ms)", "Warm p50 (ms)", "Warm p99 (ms)"),
    *("Full batch (ms)", "Peak memory (MB)", "A million requests ($)"),
)
# The most that the function's process has held, in KiB; the emulator is no part of a function.
PEAK = (
    "import glob\n"
    "for one in glob.glob('/proc/[0-9]*'):\n"
    "    line = open(one + '/cmdline', 'rb').read()\n"
    "    if b'.lambda_handler' in line and b'lambda-rie' not in line:\n"
    "        print(open(one + '/status').read().partition('VmHWM:')[2].split()[0])\n"
)


@dataclass
class Found:
    """What was measured at one memory: milliseconds, and bytes of `peak`, a value a round."""

    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    batch: list[float] = field(default_factory=list)
    peak: list[int] = field(default_factory=list)

    @property
    def billed(self) -> float:
        """Milliseconds that Lambda would charge for a warm request."""
        return fmean(map(math.ceil, self.warm))


def main(paths: Paths) -> None:
    """Measure, print the table and the choice.

    Raises:
        StepError: There is no Docker or no image, or a container does not answer.
    """
    if not is_docker_here():
        raise StepError("Docker's engine does not answer: start it")
    try:
        name = find_image(paths.name)
        found = measure(paths, name)
    except (Failed, ContainerDied, builder.ImageError) as error:
        raise StepError(str(error)) from None
    say("\n".join(tabulate(found)))
    say(f"\n{describe(choose(found))}")


def find_image(model: str) -> str:
    """The image that `make image` makes.

    Raises:
        Failed: There is no base image.
        ImageError: It cannot be built.
    """
    base = subprocess.run([BASE], stdout=subprocess.PIPE, text=True, check=False)
    if base.returncode:
        raise Failed("there is no base image (see above)")
    return builder.build(builder.ROOT, model, base.stdout.strip())


def measure(paths: Paths, name: str) -> dict[int, Found]:
    """By memory; containers of all take turns, in another order each round."""
    rng = random.Random(SEED)
    long, short = draw_texts(rng, paths, WARM, PIECES * MAX_BATCH)
    requests = [ask_example(paths.bundle), *(ask({"text": text}) for text in long)]
    events = [json.loads(one.event) for one in requests]
    batch = make_full_batch(short)
    found = {memory: Found() for memory in MEMORIES}
    for _ in range(ROUNDS):
        for memory in rng.sample(MEMORIES, len(MEMORIES)):
            measure_one(name, memory, events, batch, found[memory])
    return found


def make_full_batch(pieces: list[str]) -> Any:
    """An event of as many texts as a batch may have, as long as the body's limit lets them be."""
    texts = [" ".join(pieces[start::MAX_BATCH]) for start in range(MAX_BATCH)]
    size = MAX_BODY_BYTES // MAX_BATCH
    while True:
        request = ask_batch(TEXTS, [{"text": text[:size]} for text in texts])
        if fits(TEXTS, request):
            return json.loads(request.event)
        size -= 1


def measure_one(name: str, memory: int, events: list[Any], batch: Any, found: Found) -> None:
    """One container: its first event, warm ones, a full batch."""
    with Container(name, memory) as container:
        found.cold.append(invoke(container, events[0]))
        for event in events[1:]:
            time.sleep(PAUSE)
            found.warm.append(invoke(container, event))
        found.batch.append(invoke(container, batch))
        found.peak.append(1024 * int(docker("exec", container.id, "python3", "-c", PEAK)))


def invoke(container: Container, event: Any) -> float:
    """Milliseconds to the answer.

    Raises:
        Failed: It is not 200.
    """
    seconds, answer = container.invoke(event)
    if answer.get("statusCode") != 200:  # noqa: PLR2004
        raise Failed(f"the image answers {str(answer)[:500]}")
    return seconds * 1000


def best_cold(found: Mapping[int, Found]) -> float:
    return min(median(one.cold) for one in found.values())


def choose(found: Mapping[int, Found]) -> int | None:
    """The least memory that keeps the rule; none where none does."""
    best = best_cold(found)
    for memory in sorted(found):
        one = found[memory]
        quick = median(one.batch) <= INTEGRATION_SECONDS * 1000 / MARGIN
        if quick and median(one.cold) <= COLD_RATIO * best and max(one.peak) <= memory * 2**20 / 2:
            return memory
    return None


def describe(memory: int | None) -> str:
    return (
        f"The rule: the least memory at which a full batch ({MAX_BATCH:,} texts in a body of "
        f"{MAX_BODY_BYTES:,} bytes) takes at most {INTEGRATION_SECONDS / MARGIN:g} s, that is a "
        f"quarter of what API Gateway waits, a cold start at most {COLD_RATIO}× the best, and the "
        f"process at most half the memory. Chosen: {f'{memory:,} MB' if memory else 'none'}."
    )


def tabulate(found: Mapping[int, Found]) -> list[str]:
    """The table in Markdown: medians, of memory the most."""
    rows = [f"| {' | '.join(HEADS)} |", "|---" * len(HEADS) + "|"]
    best = best_cold(found)
    for memory, one in found.items():
        tail = quantiles(one.warm, n=100, method="inclusive")[-1]
        cold = median(one.cold)
        times = f"{cold:,.0f} ({cold / best:.1f}×) | {median(one.warm):.2f} | {tail:.1f}"
        more = f"{median(one.batch):,.0f} | {max(one.peak) / 1e6:.1f}"
        cost = cost_of_million(memory, one.billed)
        rows.append(f"| {memory:,} | {share_of(memory):.2f} | {times} | {more} | {cost:.2f} |")
    return rows


if __name__ == "__main__":
    run_for_model(main)

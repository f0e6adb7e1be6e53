"""`make score MODEL=houses IN=file.csv OUT=scored.csv`: a model's answers to a whole file."""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack

from scoring.asking import Job, plan_job, read_arguments
from scoring.part import Part
from scoring.plan import list_added
from scoring.processes import Submit, use_processes
from scoring.progress import Progress
from scoring.run import finish, score
from scoring.writing import write_header
from serving.app.native import tell_kernel
from training.console import run_step, say

AHEAD = 3  # chunks a process that wait or are done: they are all that memory holds of a file
BAD_ROWS = 3  # the exit status where a row has an error


def main(arguments: Sequence[str] | None = None) -> int:
    """Score a file; the exit status.

    Raises:
        StepError: It cannot be scored, or not to its end; what was written is kept.
    """
    began = time.monotonic()
    asked = read_arguments(arguments)
    job = plan_job(asked)
    header = write_header(job.plan, list_added(job.plan.prefix, job.manifest.task))
    with Part(job.out, job.words, header, job.source.start, fresh=asked.fresh) as part:
        before = part.count
        tell_start(job, before)
        with ExitStack() as stack:
            submit, count = _start(stack, asked.dask, asked.processes, job)
            with Progress(job.source.total, part.place.position, before) as progress:
                score(job, part, submit, AHEAD * max(1, count), progress.show)
        finish(job, part)
        count, bad = part.count, part.bad
    seconds = time.monotonic() - began
    rate = (count - before) / seconds
    say(f"{job.out}: {count:,} rows in {seconds:,.1f} s, {rate:,.0f} a second")
    if bad:
        say(f"rows with an error: {bad:,}; the column {job.plan.prefix}error says what is wrong")
    return BAD_ROWS if bad else 0


def tell_start(job: Job, before: int) -> None:
    """Say what is scored with what."""
    manifest = job.manifest
    kernel = tell_kernel() if manifest.engine == "frozen" else ""
    say(f"scoring {job.path} with {manifest.name} {manifest.version} ({manifest.engine})")
    if kernel == "python":
        say("the kernel is not built: with it this is several times as fast ('make kernel')")
    if before:
        say(f"going on after {before:,} rows, where the run before was cut off")


def _start(stack: ExitStack, address: str, processes: int | None, job: Job) -> tuple[Submit, int]:
    if address:
        from scoring.cluster import use_cluster  # noqa: PLC0415 - Dask

        return stack.enter_context(use_cluster(address, job.plan))
    count = (os.process_cpu_count() or 1) if processes is None else processes
    return stack.enter_context(use_processes(job.plan, count)), count


if __name__ == "__main__":
    run_step(lambda: sys.exit(main()))

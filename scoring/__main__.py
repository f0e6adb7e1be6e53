"""`make score MODEL=houses IN=file.csv OUT=scored.csv`: a model's answers to a whole file."""

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from scoring.asking import Job, plan_job, read_arguments
from scoring.parquet import make_parquet
from scoring.part import Part
from scoring.plan import list_added
from scoring.processes import Submit, use_processes
from scoring.progress import Progress
from scoring.scorer import Scored
from scoring.sources import CHUNK_PICTURES, CHUNK_ROWS, Chunk, cut
from scoring.writing import write_header
from serving.app.engines.frozen.native import tell_kernel
from training.console import StepError, run_step, say
from training.data.table import find_format

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
            _score(job, part, submit, AHEAD * max(1, count))
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


def _score(job: Job, part: Part, submit: Submit, ahead: int) -> None:
    source = job.source
    known = _look(job.path)
    most = CHUNK_PICTURES if job.manifest.input["kind"] == "image" else CHUNK_ROWS
    chunks = cut(source.read(part.place), most)
    with Progress(source.total, part.place.position, part.count) as progress:
        for chunk, scored in _follow(chunks, submit, ahead):
            part.add(scored, chunk.end)
            progress.show(chunk.end.position, part.count, part.bad)
    part.save()
    if _look(job.path) != known:
        raise StepError(f"{job.path} was changed while it was read: FRESH=1 starts over")


def _follow(chunks: Iterator[Chunk], submit: Submit, ahead: int) -> Iterator[tuple[Chunk, Scored]]:
    """Each chunk with what became of it, in order; at most `ahead` of them are under way."""
    waiting: deque[tuple[Chunk, Callable[[], Scored]]] = deque()
    for chunk in chunks:
        waiting.append((chunk, submit(chunk.rows)))
        if len(waiting) > ahead:
            first, wait = waiting.popleft()
            yield first, wait()
    for first, wait in waiting:
        yield first, wait()


def _look(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def finish(job: Job, part: Part) -> None:
    """Put what was written in the place of OUT."""
    made = None
    if find_format(job.out.name) == "parquet":
        source = job.path if job.beside else None
        made = make_parquet(part.path, job.kinds, source, job.beside)
    part.finish(made)


if __name__ == "__main__":
    run_step(lambda: sys.exit(main()))

"""A run, from its part's last checkpoint to its end."""

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from scoring.asking import Job
from scoring.parquet import make_parquet
from scoring.part import Part
from scoring.processes import Submit
from scoring.scorer import Scored
from scoring.sources import CHUNK_PICTURES, CHUNK_ROWS, Chunk, cut
from training.console import StepError
from training.data.table import find_format

type Show = Callable[[int, int, int], None]


def score(job: Job, part: Part, submit: Submit, ahead: int, show: Show) -> None:
    """Score the rows that are not written yet.

    Args:
        job: The run.
        part: What takes the rows.
        submit: What scores them.
        ahead: How many chunks may be under way.
        show: Is told how far it is after each chunk: the place in the input, rows, bad ones.

    Raises:
        StepError: It cannot be done to its end; what was written is kept.
    """
    source = job.source
    known = _look(job.path)
    most = CHUNK_PICTURES if job.manifest.input["kind"] == "image" else CHUNK_ROWS
    chunks = cut(source.read(part.place), most)
    for chunk, scored in _follow(chunks, submit, ahead):
        part.add(scored, chunk.end)
        show(chunk.end.position, part.count, part.bad)
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

"""The unfinished output file, and beside it a checkpoint of how far it is.

`OUT.part` takes the place of OUT at the end, so OUT is whole or not there. `OUT.part.json` says up
to which byte it counts, and from where in the input to go on; what stands after that byte, or half
of it, was written as the run was cut off, and is cut away. Both reach the disk in that order.
"""

import contextlib
import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any, Self

from scoring.scorer import Scored
from scoring.sources import Place
from training.console import StepError

CHECKPOINT_SECONDS = 1.0


class Part:
    """What is written of a run, from its last checkpoint on.

    Attributes:
        path: The file.
        place: Where in the input the next row starts.
        count: Rows that are written.
        bad: How many of them have an error.

    Args:
        out: The file that it becomes.
        job: What decides what is written, by words for people.
        header: What a file starts with.
        start: The place of the first row.
        fresh: Whether to begin anew, whatever is there.

    Raises:
        StepError: Another run writes it, or it was begun with something else.
    """

    def __init__(
        self, out: Path, job: dict[str, str], header: bytes, start: Place, *, fresh: bool
    ) -> None:
        self.path = Path(f"{out}.part")
        self._out, self._job = out, job
        self._state = Path(f"{out}.part.json")
        self._file = os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        try:
            self._lock()
            found = None if fresh else self._read_state()
            size, self.place, self.count, self.bad = found or (0, start, 0, 0)
            self._file.truncate(size)
            self._file.seek(size)
            if not found:
                self._file.write(header)
                self.save()
        except BaseException:
            self._file.close()
            raise
        self._saved = time.monotonic()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StepError(f"another run writes {self.path}: wait for its end") from None

    def _read_state(self) -> tuple[int, Place, int, int] | None:
        """Size, place and counts of the last checkpoint; None where there is none."""
        try:
            found = json.loads(self._state.read_text(encoding="utf-8"))
            size, place = found["size"], Place(*found["place"])
            counts, job = (found["count"], found["bad"]), dict(found["job"])
        except (OSError, ValueError, TypeError, KeyError):
            if os.fstat(self._file.fileno()).st_size:
                raise StepError(
                    f"{self.path} exists, but its checkpoint is missing: FRESH=1 starts over"
                ) from None
            return None
        if differing := [name for name in self._job if job.get(name) != self._job[name]]:
            raise StepError(
                f"{self.path} was begun with another {' and another '.join(differing)}: "
                "FRESH=1 starts over, or name another OUT"
            )
        if os.fstat(self._file.fileno()).st_size < size:
            raise StepError(f"{self.path} has lost its end: FRESH=1 starts over")
        return size, place, *counts

    def add(self, scored: Scored, place: Place) -> None:
        """Write what became of the next chunk, and where the one after it starts."""
        self._file.write(scored.data)
        self.place = place
        self.count += scored.rows
        self.bad += scored.bad
        if time.monotonic() - self._saved >= CHECKPOINT_SECONDS:
            self.save()

    def save(self) -> None:
        """Make a checkpoint: whatever ends the run, it goes on from here."""
        self._file.flush()
        os.fsync(self._file.fileno())
        state: dict[str, Any] = {
            "size": self._file.tell(),
            "place": self.place,
            "count": self.count,
            "bad": self.bad,
            "job": self._job,
        }
        new = Path(f"{self._state}.new")
        with new.open("w", encoding="utf-8") as file:
            json.dump(state, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._state)
        self._saved = time.monotonic()

    def finish(self, made: Path | None = None) -> None:
        """Put it in the place that it is for; `made`, where the file is made of it."""
        (made or self.path).replace(self._out)
        if made:
            self.path.unlink()
        self._state.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._state.exists():
            with contextlib.suppress(OSError):
                self.save()
        self._file.close()

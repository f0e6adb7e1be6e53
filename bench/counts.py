"""Instructions instead of times: what a start and a request cost, whatever else runs meanwhile.

Valgrind's callgrind runs the real awslambdaric and counts. It writes a count each time the client
asks for the next event, so one process tells what its start, its first event and each later one
took. Hashes are Python's constant, and the packages are those of an image; what still differs
between two runs (addresses, ports, the clock) is some in a thousand of a request, and of a cold
start some in a hundred thousand.

Instructions are no times: what waits for memory or the disk counts nothing. How many there are
depends on how Python was built, so they are told beside those of an empty handler.
"""

import shutil
import signal
import tempfile
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from bench.contenders import EMF, Failed, read_kernel
from bench.environment import Place
from bench.inputs import Request
from tools.runtime_api import Runtime

# What awslambdaric's extension calls to ask for an event.
TRIGGER = "aws::lambda_runtime::runtime::get_next()"
# Nothing changes code while it runs, and nobody debugs it: both cost time to provide for.
OPTIONS = ("--tool=callgrind", f"--dump-before={TRIGGER}", "--smc-check=none", "--vgdb=no", "-q")
TOTALS = "totals:"
NO_VALGRIND = "valgrind is not installed (on Debian: apt-get install valgrind)"


class Counted(NamedTuple):
    """What a contender takes, in instructions.

    Attributes:
        cold: From the start of the process until it has posted its first answer and asks for the
            second event.
        warm: An event, where each has been sent once before; their mean.
        kernel: What did the frozen engine's arithmetic; None of another engine.
    """

    cold: int
    warm: int
    kernel: str | None


def can_count() -> bool:
    """Whether valgrind is here."""
    return shutil.which("valgrind") is not None


def count(
    handler: str, place: Place, environ: Mapping[str, str], requests: Sequence[Request]
) -> Counted:
    """Count what a handler takes for requests, each of which is sent twice.

    Raises:
        Failed: It does not answer one of them, or nothing was counted.
    """
    start(handler, place, environ, requests[:1])
    with tempfile.TemporaryDirectory() as folder:
        command = ("valgrind", *OPTIONS, f"--callgrind-out-file={folder}/counts", place.python)
        said = start(handler, place, environ, [*requests, *requests], command)
        totals = list(accumulate(read_totals(Path(folder))))
    number = len(requests)
    if len(totals) != 2 * number + 1:
        raise Failed(f"valgrind counted {len(totals)} calls of {TRIGGER} for {2 * number} events")
    warm = (totals[2 * number] - totals[number]) / number
    return Counted(totals[1], round(warm), read_kernel(said))


def start(
    handler: str,
    place: Place,
    environ: Mapping[str, str],
    requests: Sequence[Request],
    command: Sequence[str | Path] = (),
) -> bytes:
    """Send a new process some requests, and end it once it asks for more.

    Returns:
        What it wrote to standard output.

    Raises:
        Failed: It does not answer one of them.
    """
    fixed = {"PYTHONHASHSEED": "0", **EMF, **environ}
    with Runtime(
        handler, fixed, interpreter=command or (place.python,), root=place.root
    ) as runtime:
        for request in requests:
            found = runtime.invoke(request.event)
            if found.kind != "response" or found.json.get("statusCode") != 200:  # noqa: PLR2004
                raise Failed(f"{found.kind}: {found.body[:2000].decode(errors='replace')}")
        runtime.wait()
        runtime.process.send_signal(signal.SIGTERM)  # killed, it would write no last count
        runtime.process.wait()
        return runtime.output()[0]


def read_totals(folder: Path) -> list[int]:
    """What was counted before each call of `TRIGGER`, since the one before it."""
    # counts.1, counts.2 …; what came after the last of them is in counts.
    parts = sorted(folder.glob("counts.*"), key=lambda path: int(path.suffix[1:]))
    return [_read_total(path) for path in parts]


def _read_total(path: Path) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(int(line.removeprefix(TOTALS)) for line in lines if line.startswith(TOTALS))

"""DVC's command line as it is run here: it waits for DVC's lock, and gives no hints.

`python -m training.run_dvc repro bundle` takes the place of `dvc repro bundle`. DVC's own setting
against hints is --quiet, which also leaves out its errors and the names of the steps.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psutil

from training.console import StepError

PATIENCE = 600  # seconds: what another terminal trains may take minutes
POLL_SECONDS = 1
FAILED, LOCKED = 255, os.EX_TEMPFAIL  # the first one is DVC's own status


def dvc(*arguments: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
    """Run DVC in a process of its own, its output passed on or captured.

    Raises:
        StepError: Another command holds its lock, and does not end.
    """
    command = [sys.executable, "-m", "training.run_dvc", *arguments]
    done = subprocess.run(command, capture_output=capture, text=True, check=False)
    if done.returncode == LOCKED:
        # Of what it has said while it waited, the last part is its error.
        said = (done.stderr or "").rpartition("ERROR: ")[2].strip()
        raise StepError(f"DVC did not run: {said or 'its lock is held (see above)'}")
    return done


def wait_for_lock[T](work: Callable[[], T]) -> T:
    """Do something with DVC; again, while another command holds its lock.

    Raises:
        DvcException: DVC's own, whatever is wrong; a LockError after `PATIENCE` seconds.
    """
    from dvc.exceptions import DvcException  # noqa: PLC0415 - DVC takes a second to import
    from dvc.lock import LockError  # noqa: PLC0415

    until, told = time.monotonic() + PATIENCE, False
    while True:
        try:
            return work()
        except DvcException as error:
            lock = next((one for one in list_causes(error) if isinstance(one, LockError)), None)
            if lock is None:
                raise
        holder, _, _ = str(lock).partition("\n\n")  # what follows is advice for a broken lock
        if time.monotonic() >= until:
            raise LockError(
                f"another command has held DVC's lock (.dvc/tmp) for {PATIENCE} s: {holder}\n"
                "Wait for it to end, or end it; then run the same command again"
            )
        if not told:
            print(f"waiting for DVC's lock, which another command holds: {holder}", file=sys.stderr)
            told = True
        time.sleep(POLL_SECONDS)


def list_causes(error: BaseException | None) -> list[BaseException]:
    """An error, and what led to it."""
    return [error, *list_causes(error.__cause__)] if error else []


def end_steps(number: int, _: FrameType | None) -> None:
    """End what DVC has started, and then DVC: it passes no signal on to the steps.

    Their workers, too: they would go on with nobody to take what they find.
    """
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
    sys.exit(128 + number)


def main() -> None:
    """Run one command; end with its status."""
    signal.signal(signal.SIGTERM, end_steps)
    from dvc.cli import parse_args  # noqa: PLC0415 - see above
    from dvc.lock import LockError  # noqa: PLC0415
    from dvc.repo.open_repo import clean_repos  # noqa: PLC0415
    from dvc.ui import ui  # noqa: PLC0415

    # The steps' "python" must be this one, in a shell that has not activated .venv, too.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    options = parse_args(sys.argv[1:])
    if options.cmd != "repro":  # of which the log tells all but one line: a hint
        ui.enable()
    logging.getLogger("dvc.repo.scm_context").setLevel(logging.WARNING)  # hints about git
    try:
        status = wait_for_lock(lambda: options.func(options).do_run())
    except Exception as error:
        logging.getLogger("dvc").exception("")  # which prints its causes, and no traceback
        status = LOCKED if isinstance(error, LockError) else FAILED
    finally:
        clean_repos()
    sys.exit(status)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("interrupted: what was finished is kept; run the same command again to go on")

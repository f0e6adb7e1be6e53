"""The model of another commit, from DVC's cache or its remote."""

import hashlib
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from serving.app.manifest import MANIFEST_NAME, installed_versions
from training.console import StageError
from training.paths import BUNDLE, MODEL

MANIFEST = BUNDLE / MANIFEST_NAME


class NotComparable(Exception):
    """There is no other model to predict with; the message says why."""


def read_manifest_of(rev: str) -> dict[str, Any] | None:
    """The manifest of a commit; None where it has none.

    Raises:
        StageError: There is no such commit.
    """
    if run("git", "rev-parse", "--verify", "--quiet", f"{rev}^{{commit}}").returncode:
        raise StageError(f"there is no commit {rev}: 'git fetch', or name another one with BASE=")
    shown = run("git", "show", f"{rev}:{MANIFEST}")
    found: dict[str, Any] | None = None if shown.returncode else json.loads(shown.stdout)
    return found


def read_model_of(rev: str, manifest: dict[str, Any] | None) -> bytes:
    """What is in a commit's model.joblib, which is what its manifest pins: it may be unpickled.

    Raises:
        NotComparable: The commit has no model, or one of other versions of the packages.
        StageError: It cannot be had, or is another one.
    """
    if manifest is None:
        raise NotComparable(f"{rev} has no model yet")
    there = manifest["versions"]
    for name, here in installed_versions().items():
        if there.get(name) != here:
            raise NotComparable(f"the model of {rev} was made with another {name} than {here}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, MODEL.name)
        done = run("dvc", "get", "--quiet", "--rev", rev, "--out", str(path), ".", str(MODEL))
        if done.returncode:
            raise StageError(
                f"the model of {rev} is neither in DVC's cache nor in its remote "
                f"({done.stderr.strip()}): 'make train' in a checkout of it, then 'dvc push'"
            )
        data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != manifest["files"][MODEL.name]["sha256"]:
        raise StageError(
            f"what DVC has as the model of {rev} is not what its manifest pins, so it is not "
            "unpickled: 'rm -r .dvc/cache', then the same command again"
        )
    return data


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)

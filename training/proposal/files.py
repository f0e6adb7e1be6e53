"""The files of a proposed model: taken from a job that ran other people's packages, so looked at.

`make take` puts them into their places, to be tested; what is committed is what was tested.
"""

import hashlib
import json
import math
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from training.proposal.github import GitHubError, write_outputs

PROPOSAL = Path(".local/proposal")  # where the artifact is unpacked
MODEL_SUFFIXES = (".joblib", ".frozen")
MAX_BYTES = 1_000_000  # of a file that is committed


class Files:
    """A model's files.

    Attributes:
        manifest: One of those that are committed.
        committed, tested: What goes into git; what comes from DVC.
        report: Of `make judge`.
    """

    def __init__(self, model: str) -> None:
        bundle, reports = f"serving/app/data/{model}", f"reports/{model}"
        self.manifest = f"{bundle}/manifest.json"
        self.scores = f"{reports}/metrics.json"
        self.committed = ("dvc.lock", self.manifest, self.scores)
        self.tested = (f"{bundle}/model.joblib", f"{bundle}/model.frozen")
        self.report = PROPOSAL / reports / "judge.md"


class Model(NamedTuple):
    """What a manifest says of its model, in so far as it is passed on."""

    name: str
    version: str
    macro_f1: float


def take(names: Iterable[str], proposal: Path = PROPOSAL) -> None:
    """Copy files of the proposal to their places.

    Raises:
        GitHubError: One of them is not there, is no file, or is too large to be what it should be.
    """
    for name in names:
        source = proposal / name
        if not source.is_file() or source.resolve() != proposal.resolve() / name:
            raise GitHubError(f"{source} is no file: the job that trains is to make it")
        if not name.endswith(MODEL_SUFFIXES) and source.stat().st_size > MAX_BYTES:
            raise GitHubError(f"{source} is too large for what it should be")
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, name)


def hash_files(files: Files) -> str:
    """A sha256, in hex, over the files that are committed."""
    found = hashlib.sha256()
    for name in files.committed:
        found.update(hashlib.sha256(Path(name).read_bytes()).digest())
    return found.hexdigest()


def read_model(files: Files) -> Model:
    """What the manifest says: no more than a name, a version and a score can be.

    Raises:
        GitHubError: It, or the scores, are not what the pipeline writes.
    """
    try:
        manifest, _ = (
            json.loads(Path(name).read_bytes()) for name in (files.manifest, files.scores)
        )
        found = Model(manifest["name"], manifest["version"], manifest["metrics"]["macro_f1"])
        fits = (
            re.fullmatch("[a-z0-9][a-z0-9-]{0,39}", found.name)
            and re.fullmatch("[0-9a-f]{12}", found.version)
            and math.isfinite(found.macro_f1)
        )
    except (KeyError, TypeError, ValueError) as error:
        raise GitHubError(
            f"{files.manifest} or {files.scores} is not what the pipeline writes: {error}"
        ) from None
    if not fits:
        raise GitHubError(
            f"{files.manifest}: its name, version or score cannot be what the pipeline writes"
        )
    return found


def main() -> None:
    """Put a proposed model into its place, and say what it was."""
    files = Files(sys.argv[1])
    try:
        there = [name for name in files.tested if (PROPOSAL / name).exists()]
        take([*files.committed, *there])
        write_outputs(digest=hash_files(files))
    except GitHubError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()

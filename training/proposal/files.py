"""The files of proposed models: checked, since the job that made them ran third-party packages.

`make take` puts them into their places, to be tested; exactly the tested files are committed.
"""

import hashlib
import json
import math
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from serving.bundle.names import check_name
from training.proposal.github import GitHubError, write_outputs

PROPOSAL = Path(".local/proposal")  # where the artifact is unpacked
LOCK = "dvc.lock"  # of all models
MODEL_SUFFIXES = (".joblib", ".frozen")
MAX_BYTES = 4 * 1024 * 1024  # of a file that is committed: a manifest's bound
VERSION = re.compile("[0-9a-f]{12}")
SCORE = re.compile("[a-z][a-z0-9_]{0,39}")


class Files:
    """A model's files.

    Attributes:
        manifest, scores: What goes into git, beside the lock.
        tested: What comes from DVC.
        report: Of `make judge`.
    """

    def __init__(self, model: str) -> None:
        bundle, reports = f"serving/app/data/{model}", f"reports/{model}"
        self.model = model
        self.manifest = f"{bundle}/manifest.json"
        self.scores = f"{reports}/metrics.json"
        self.tested = (f"{bundle}/model.joblib", f"{bundle}/model.frozen")
        self.report = PROPOSAL / reports / "judge.md"


class Model(NamedTuple):
    """What a manifest says of its model, in so far as it is passed on."""

    name: str
    version: str
    scores: Mapping[str, float]


def find_files(names: str) -> list[Files]:
    """The files of each model of a list as it is handed from job to job.

    Args:
        names: Words.

    Raises:
        GitHubError: No model can be called so: a file would be anywhere.
    """
    try:
        for name in names.split():
            check_name(name)
    except ValueError as error:
        raise GitHubError(str(error)) from None
    return [Files(name) for name in names.split()]


def list_committed(models: Iterable[Files]) -> list[str]:
    """What of several models goes into git."""
    return [LOCK, *(name for one in models for name in (one.manifest, one.scores))]


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


def hash_files(names: Iterable[str]) -> str:
    """A sha256, in hex, over files and their names."""
    found = hashlib.sha256()
    for name in names:
        found.update(f"{name}\0".encode() + hashlib.sha256(Path(name).read_bytes()).digest())
    return found.hexdigest()


def read_model(files: Files) -> Model:
    """What the manifest says: no more than a version and scores can be.

    Raises:
        GitHubError: It, or the scores, are not what the pipeline writes.
    """
    try:
        manifest, _ = (
            json.loads(Path(name).read_bytes()) for name in (files.manifest, files.scores)
        )
        found = Model(manifest["name"], manifest["version"], dict(manifest["metrics"]))
        fits = (
            found.name == files.model
            and VERSION.fullmatch(found.version)
            and all(map(SCORE.fullmatch, found.scores))
            and all(map(math.isfinite, found.scores.values()))
        )
    except (KeyError, TypeError, ValueError) as error:
        raise GitHubError(
            f"{files.manifest} or {files.scores} is not what the pipeline writes: {error}"
        ) from None
    if not fits:
        raise GitHubError(
            f"{files.manifest}: its name, version or scores cannot be what the pipeline writes"
        )
    return found


def main(names: Sequence[str]) -> None:
    """Put proposed models into their places, and say what they were."""
    try:
        models = find_files(" ".join(names))
        committed = list_committed(models)
        pinned = [name for one in models for name in one.tested if (PROPOSAL / name).exists()]
        take([*committed, *pinned])
        write_outputs(digest=hash_files(committed))
    except GitHubError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])

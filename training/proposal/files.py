"""The files of a proposed model: taken from a job that ran other people's packages, so looked at.

`make take` puts them into their places, to be tested; what is committed is what was tested.
"""

import hashlib
import json
import math
import re
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from training.proposal.github import GitHubError, write_outputs

PROPOSAL = Path(".local/proposal")  # where the artifact is unpacked
REPORT = PROPOSAL / "reports/judge.md"
MANIFEST = "serving/app/data/manifest.json"
SCORES = "reports/metrics.json"
FILES = ("dvc.lock", MANIFEST, SCORES)  # what is committed
MODELS = ("serving/app/data/model.joblib", "serving/app/data/model.frozen")  # what is tested
MAX_BYTES = 1_000_000  # of a file that is committed


class Model(NamedTuple):
    """What a manifest says of its model, in so far as it is passed on."""

    name: str
    version: str
    macro_f1: float


def take(names: tuple[str, ...] = FILES, proposal: Path = PROPOSAL) -> None:
    """Copy files of the proposal to their places.

    Raises:
        GitHubError: One of them is not there, is no file, or is too large to be what it should be.
    """
    for name in names:
        source = proposal / name
        if not source.is_file() or source.resolve() != proposal.resolve() / name:
            raise GitHubError(f"{source} is no file: the job that trains is to make it")
        if name in FILES and source.stat().st_size > MAX_BYTES:
            raise GitHubError(f"{source} is too large for what it should be")
        shutil.copyfile(source, name)


def hash_files() -> str:
    """A sha256, in hex, over the files that are committed."""
    found = hashlib.sha256()
    for name in FILES:
        found.update(hashlib.sha256(Path(name).read_bytes()).digest())
    return found.hexdigest()


def read_model() -> Model:
    """What the manifest says: no more than a name, a version and a score can be.

    Raises:
        GitHubError: It, or the scores, are not what the pipeline writes.
    """
    try:
        manifest, _ = (json.loads(Path(name).read_bytes()) for name in (MANIFEST, SCORES))
        found = Model(manifest["name"], manifest["version"], manifest["metrics"]["macro_f1"])
        fits = (
            re.fullmatch("[a-z0-9][a-z0-9-]{0,39}", found.name)
            and re.fullmatch("[0-9a-f]{12}", found.version)
            and math.isfinite(found.macro_f1)
        )
    except (KeyError, TypeError, ValueError) as error:
        raise GitHubError(
            f"{MANIFEST} or {SCORES} is not what the pipeline writes: {error}"
        ) from None
    if not fits:
        raise GitHubError(
            f"{MANIFEST}: its name, version or score cannot be what the pipeline writes"
        )
    return found


def main() -> None:
    """Put a proposed model into its place, and say what it was."""
    try:
        there = tuple(name for name in MODELS if (PROPOSAL / name).exists())
        take((*FILES, *there))
        write_outputs(digest=hash_files())
    except GitHubError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()

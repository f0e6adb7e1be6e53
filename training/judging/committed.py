"""The model of another commit: what its manifest records, and the model from DVC."""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from serving.bundle.manifest import MANIFEST_NAME, MODEL_NAME
from serving.bundle.versions import installed_versions
from training.console import StepError
from training.inputs import Input
from training.paths import Paths
from training.run_dvc import dvc

PREDICT = """
import json, sys, joblib, numpy
model, asked = joblib.load(sys.argv[1]), json.load(sys.stdin)
values = asked["inputs"]
if asked["fields"]:
    from serving.app.engines.frame import build_frame
    names = [field["name"] for field in asked["fields"]]
    values = build_frame(asked["fields"], [tuple(map(one.get, names)) for one in values])
found = {"predicted": model.predict(values)}
if hasattr(model, "classes_"):
    found = {"predicted": found["predicted"].astype(str), "classes": model.classes_.astype(str)}
if hasattr(model, "predict_proba"):
    found["probabilities"] = model.predict_proba(values)
numpy.savez(sys.argv[2], **found)
"""


class NotComparable(Exception):
    """There is no other model to predict with; the message says why."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Pin(_Part):
    """A file of the bundle: size in bytes, sha256 in hex."""

    sha256: str
    size: int


class Recorded(_Part):
    """What is read of a manifest: of any format that there has been, and without its checksum.

    Git vouches for it, and the service of this tree does not serve it.
    """

    version: str
    engine: Literal["frozen", "sklearn"]
    files: dict[str, Pin]
    frozen: dict[str, Any] = {}
    versions: dict[str, str]
    dataset_sha256: str
    metrics: dict[str, float]

    @field_validator("files")
    @classmethod
    def _has_the_model(cls, value: dict[str, Pin]) -> dict[str, Pin]:
        if MODEL_NAME not in value:
            raise ValueError(f"{MODEL_NAME} is missing")
        return value


def read_manifest_of(rev: str, paths: Paths) -> Recorded | None:
    """The manifest of a commit; None where it has none.

    Raises:
        StepError: There is no such commit, or what it has is no manifest, or git refuses.
    """
    path = paths.bundle / MANIFEST_NAME
    if not git("rev-parse", "--verify", "--quiet", f"{rev}^{{commit}}"):
        raise StepError(f"there is no commit {rev}: 'git fetch', or name another one with BASE=")
    if not git("ls-tree", rev, "--", str(path)):
        return None
    try:
        return Recorded.model_validate_json(git("show", f"{rev}:{path}"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise StepError(
            f"{path} of {rev} is not a manifest ({where}: {first['msg']}): name another "
            "commit with BASE="
        ) from None


def was_before(rev: str, version: str, paths: Paths) -> bool:
    """Whether a commit, or one before it, had a model: to go back to it is a revert."""
    entry = f'"version": "{version}"'
    return bool(
        git("log", "--format=%h", f"-S{entry}", rev, "--", str(paths.bundle / MANIFEST_NAME))
    )


def read_model_of(rev: str, manifest: Recorded | None, paths: Paths) -> bytes:
    """The content of a commit's model.joblib, checked by its manifest: it may be unpickled.

    Raises:
        NotComparable: The commit has no model, or one of other versions of the packages.
        StepError: It cannot be fetched, or is another file than the manifest pins.
    """
    if manifest is None:
        raise NotComparable(f"{rev} has no model yet")
    for name, here in installed_versions().items():
        if manifest.versions.get(name) != here:
            raise NotComparable(f"the model of {rev} was made with another {name} than {here}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, MODEL_NAME)
        done = dvc("get", "--rev", rev, "--out", str(path), ".", str(paths.model), capture=True)
        if done.returncode:
            raise StepError(
                f"the model of {rev} is neither in DVC's cache nor in its remote "
                f"({done.stderr.strip()}): {paths.make('train')} in a checkout of it, then "
                f"{paths.make('push')}; or {paths.make('judge SCORES=1')}, which compares with its "
                "recorded scores alone"
            )
        data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != manifest.files[MODEL_NAME].sha256:
        raise StepError(
            f"what DVC has as the model of {rev} is not what its manifest pins, so it is not "
            "unpickled: 'rm -r .dvc/cache', then the same command again"
        )
    return data


def predict_as(
    rev: str, data: bytes, kind: Input, inputs: Sequence[Any]
) -> dict[str, NDArray[Any]]:
    """What a commit's model says of inputs, in a process that runs the commit's own code.

    A pickle has functions by their names: `features.normalize` is to be the one that it was
    trained with.

    Args:
        rev: The commit.
        data: Its model.joblib, as of `read_model_of`.
        kind: This tree's kind of input.
        inputs: To be predicted.

    Returns:
        `predicted` and, of a classifier, `classes` and perhaps `probabilities`.

    Raises:
        NotComparable: It cannot be loaded, or does not predict.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tar = subprocess.run(
            ["git", "archive", rev, "serving", "training"],  # noqa: S607 - whichever git there is
            capture_output=True,
            check=False,
        )
        if tar.returncode:
            raise NotComparable(f"{rev} has no code that its model could run with")
        with tarfile.open(fileobj=io.BytesIO(tar.stdout)) as archive:
            archive.extractall(folder, filter="data")
        (folder / MODEL_NAME).write_bytes(data)
        asked = {"fields": kind.described.get("fields"), "inputs": [*inputs]}
        done = subprocess.run(
            [sys.executable, "-c", PREDICT, MODEL_NAME, "found.npz"],
            cwd=folder,
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = done.stderr.strip().splitlines() or ["it says nothing"]
            raise NotComparable(f"the model of {rev} does not predict: {said[-1]}")
        with np.load(folder / "found.npz") as found:
            return dict(found)


def git(*arguments: str) -> str:
    """Run git; what it prints, which is nothing where it finds nothing.

    Raises:
        StepError: It refuses, and says why.
    """
    done = subprocess.run(
        ["git", *arguments],  # noqa: S607 - whichever git there is
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and done.stderr:
        raise StepError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout

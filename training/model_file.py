"""The model between the steps: unpickled only if it is what the step `train` wrote."""

import hashlib
import io
from pathlib import Path
from typing import Any

import joblib
import yaml

from training.console import StepError
from training.paths import Paths

LOCK = Path("dvc.lock")


def load_model(paths: Paths) -> Any:
    """Unpickle model.joblib, which is to run what is in it; StepError as of `read_checked`."""
    return joblib.load(io.BytesIO(read_checked(paths)))


def read_checked(paths: Paths) -> bytes:
    """The bytes of model.joblib, which may be unpickled.

    DVC records the hash of what `train` wrote, but takes any file of its cache for it: one that
    was pulled without being verified, say. The record decides nothing of what a step makes, so it
    is no dependency of one.

    Raises:
        StepError: The file is not the one that DVC recorded, or it recorded none.
    """
    data = paths.model.read_bytes()
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    if read_record(paths) != md5:
        raise StepError(
            f"{paths.model} is not the file that {LOCK} records, so it is not unpickled: "
            f"{paths.make('train')} makes and records it; if DVC took it from its cache, first "
            f"remove it there with 'rm -r .dvc/cache {paths.bundle}/model.*'"
        )
    return data


def read_record(paths: Paths) -> str | None:
    """The md5 of the model that DVC recorded, if it did.

    Raises:
        StepError: Its record cannot be read.
    """
    if not LOCK.exists():
        return None
    try:
        train = yaml.safe_load(LOCK.read_text())["stages"].get(paths.name_step("train"), {})
        return {one["path"]: one["md5"] for one in train.get("outs", ())}.get(str(paths.model))
    except (AttributeError, KeyError, TypeError, yaml.YAMLError):
        raise StepError(f"{LOCK} is damaged: 'git checkout {LOCK}'") from None

"""The model between the steps: unpickled only if it is what the step `train` wrote."""

import hashlib
import io
from pathlib import Path
from typing import Any

import joblib
import yaml

from training.console import StepError
from training.paths import BUNDLE, MODEL

LOCK = Path("dvc.lock")


def load_model() -> Any:
    """Unpickle model.joblib, which is to run what is in it.

    DVC records the hash of what `train` wrote, but takes any file of its cache for it: one that
    was pulled without being verified, say. The record decides nothing of what a step makes, so it
    is no dependency of one.

    Raises:
        StepError: The file is not the one that DVC recorded, or it recorded none.
    """
    data = MODEL.read_bytes()
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    if read_record() != md5:
        raise StepError(
            f"{MODEL} is not the file that {LOCK} records, so it is not unpickled: 'make train' "
            "makes and records it; if DVC took it from its cache, first remove it there with "
            f"'rm -r .dvc/cache {BUNDLE}/model.*'"
        )
    return joblib.load(io.BytesIO(data))


def read_record() -> str | None:
    """The md5 of the model that DVC recorded, if it did.

    Raises:
        StepError: Its record cannot be read.
    """
    if not LOCK.exists():
        return None
    try:
        train = yaml.safe_load(LOCK.read_text())["stages"].get("train", {})
        return {one["path"]: one["md5"] for one in train.get("outs", ())}.get(str(MODEL))
    except (AttributeError, KeyError, TypeError, yaml.YAMLError):
        raise StepError(f"{LOCK} is damaged: 'git checkout {LOCK}'") from None

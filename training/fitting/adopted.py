"""A model that was fitted elsewhere, as the one candidate of a model here: never fitted again."""

import hashlib
import io
import warnings
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import joblib
import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.frozen import FrozenEstimator

from training.console import StepError


def adopt(path: str, sha256: str) -> Callable[[int], FrozenEstimator]:
    """What makes a candidate of a file of joblib's or pickle's; to fit it changes nothing.

    Args:
        path: In the repository.
        sha256: Of its bytes, in hex: nothing else is unpickled.
    """

    def make(_: int) -> FrozenEstimator:
        return Adopted(unpickle(read_pinned(Path(path), sha256), path))

    return make


class Adopted(FrozenEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A fitted model, whose labels are texts as those of examples are."""

    def predict(self, values: Any) -> Any:
        found = np.asarray(self.estimator.predict(values))
        return found.astype(str) if is_classifier(self.estimator) else found

    @property
    def classes_(self) -> Any:
        return np.asarray(self.estimator.classes_).astype(str)


def read_pinned(path: Path, sha256: str) -> bytes:
    """The bytes of a file.

    Raises:
        StepError: It is missing, or its bytes are not the pinned ones.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StepError(
            f"{path} cannot be read ({error.strerror}): '.venv/bin/dvc pull {path}' gets it"
        ) from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise StepError(
            f"{path} is not the file whose sha256 stands in model.py, so it is not unpickled: take "
            f"it back with '.venv/bin/dvc checkout {path}', or adopt the new one under another name"
        )
    return data


def unpickle(data: bytes, where: str) -> Any:
    """The model in bytes that are trusted: unpickling runs what is in them.

    Raises:
        StepError: It is none, or another scikit-learn made it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", InconsistentVersionWarning)
            model = joblib.load(io.BytesIO(data))
    except InconsistentVersionWarning as warning:
        raise StepError(
            f"{where} was pickled by scikit-learn {warning.original_sklearn_version}, and here is "
            f"{warning.current_sklearn_version}: scikit-learn does not promise the same answers. "
            "Pickle it again with this version, or hold this repository to that one "
            "(pyproject.toml, 'make lock')"
        ) from None
    except (EOFError, IndexError, KeyError, UnpicklingError, ValueError) as error:
        raise StepError(
            f"{where} is no file of joblib's or pickle's, or is cut off ({type(error).__name__})"
        ) from None
    except Exception as error:  # noqa: BLE001 - whatever its code raises
        raise StepError(
            f"{where} cannot be unpickled ({type(error).__name__}: {error}). If it needs code of "
            "its own, train it in this repository instead ('make new'), with that code in "
            "features.py of the model's folder"
        ) from None
    if not hasattr(model, "predict"):
        raise StepError(f"{where} has a {type(model).__name__}, which does not predict")
    return model

"""The sklearn engine: serves the fitted pipeline of model.joblib itself."""

from __future__ import annotations

import io
import os
import sys
import warnings
from functools import cached_property
from typing import Any

# One request at a time on less than two processors: threads of its own cost numpy's BLAS 80 ms of
# a cold start. Before numpy is imported, for that is when it starts them.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
# scikit-learn imports pandas wherever it is installed, for nothing that predicts: 0.4 s that only
# records are worth (frame.py imports it).
_without_pandas = "pandas" not in sys.modules
if _without_pandas:
    sys.modules["pandas"] = None  # type: ignore[assignment]

import joblib
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import Pipeline

from serving.app.engines.base import Scores
from serving.app.engines.shape import shape
from serving.app.engines.terms import Terms, transform
from serving.app.inputs import find_input
from serving.bundle.errors import BundleDamaged, VersionMismatch
from serving.bundle.files import name_command
from serving.bundle.inputs import list_columns, make_example
from serving.bundle.manifest import MODEL_NAME, Manifest

if _without_pandas:
    del sys.modules["pandas"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from serving.app.engines.explain import FieldWeights, TermWeights


class SklearnEngine:
    """Scores texts, records or images with a fitted model of scikit-learn's.

    Args:
        model: A classifier or a regression. Terms are counted, and explained, where it is a
            pipeline that has a CountVectorizer or TfidfVectorizer among its steps.
        described: What it takes, as the manifest describes the input.
    """

    kernel = None

    def __init__(self, model: Any, described: dict[str, Any]) -> None:
        self._pipeline = model if isinstance(model, Pipeline) else Pipeline([("model", model)])
        self._described = described
        self._classifier = self._pipeline[-1]
        self._terms = Terms.find(self._pipeline)
        self._index = {label: index for index, label in enumerate(self.classes)}

    @property
    def classes(self) -> list[str]:
        """The classifier's classes, in its order; none of a regression."""
        return [str(label) for label in getattr(self._classifier, "classes_", ())]

    def score(self, values: Sequence[Any]) -> list[Scores]:
        features, counts = self._look_at(values)
        if not self._index:
            found = self._classifier.predict(features).tolist()
            return [
                Scores(terms=terms, unknown_terms=unknown, value=value)
                for value, (terms, unknown) in zip(found, counts, strict=True)
            ]
        probabilities: list[Any] = [None] * len(values)
        if hasattr(self._classifier, "predict_proba"):
            probabilities = self._classifier.predict_proba(features).tolist()
        if isinstance(self._classifier, CalibratedClassifierCV):  # its predict is this, and twice
            labels = [row.index(max(row)) for row in probabilities]
        else:
            # Not of the probabilities: they can tie, by rounding, where scores do not.
            labels = [self._index[str(label)] for label in self._classifier.predict(features)]
        return [
            Scores(label, row, *count)
            for label, row, count in zip(labels, probabilities, counts, strict=True)
        ]

    def check(self) -> None:
        """Nothing: the model is in memory since it was loaded."""

    def explain(self, value: Any, label: int) -> list[tuple[str, float]] | None:
        if self._weights is None:
            return None
        return self._weights.weigh(self._look_at([value])[0], label)

    def _look_at(self, values: Sequence[Any]) -> tuple[Any, list[Any]]:
        """The last step's features, and of each value what `Terms.count` says, or twice None."""
        if self._terms is None:
            table = shape(self._described, values)
            return transform(self._pipeline[:-1], table), [(None, None)] * len(values)
        terms = self._terms.analyze(values)
        matrix = self._terms.vectorize(values, terms)
        features = transform(self._pipeline[self._terms.place + 1 : -1], matrix)
        return features, [self._terms.count(one) for one in terms]

    @cached_property
    def _weights(self) -> TermWeights | FieldWeights | None:
        """What explains the model; None where it cannot be done exactly. Costly to find."""
        from serving.app.engines.explain import FieldWeights, TermWeights  # noqa: PLC0415 - models

        if self._described["kind"] == "text":
            return TermWeights.find(self._pipeline, self._terms)
        return FieldWeights.find(self._pipeline, list_columns(self._described))


def use_one_thread(model: Any) -> Any:
    """A fitted model that predicts on one thread.

    The sums of a forest that several threads predict with differ from run to run.
    """
    if hasattr(model, "get_params"):
        names = [name for name in model.get_params() if name.split("__")[-1] == "n_jobs"]
        model.set_params(**dict.fromkeys(names, 1))
    return model


def load(data: bytes, manifest: Manifest) -> SklearnEngine:
    """Load the model that the manifest pins.

    Args:
        data: The bytes of model.joblib, whose hash was checked: unpickling runs code in them.
        manifest: The model's.

    Raises:
        BundleDamaged: It is not a model that this code can serve.
        VersionMismatch: Another scikit-learn made it, whatever the manifest says.
    """
    again = name_command("train", manifest.name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", InconsistentVersionWarning)
            model = use_one_thread(joblib.load(io.BytesIO(data)))
        engine = SklearnEngine(model, manifest.input)
        engine.score([find_input(manifest.input).read(make_example(manifest.input))])
    except InconsistentVersionWarning as warning:
        raise VersionMismatch(
            f"{MODEL_NAME} was pickled by scikit-learn {warning.original_sklearn_version} "
            f"(installed: {warning.current_sklearn_version}): train it again with {again}"
        ) from None
    except ModuleNotFoundError as error:
        raise BundleDamaged(
            f"{MODEL_NAME} needs the module {error.name}, which is not here: take it back with "
            f"'git checkout', or train the model again with {again}"
        ) from error
    except Exception as error:
        # The file is the right one, so it is the code or the manifest that does not fit it: a
        # function that the pickle refers to has gone, or it takes something else than the example.
        raise BundleDamaged(
            f"{MODEL_NAME} cannot be loaded by this code ({type(error).__name__}): "
            f"{again} writes both again"
        ) from error
    if engine.classes != [label.id for label in manifest.labels]:
        raise BundleDamaged(
            f"the labels of {MODEL_NAME} are not the manifest's: {again} writes both again"
        )
    return engine

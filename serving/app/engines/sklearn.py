"""The sklearn engine: serves the fitted pipeline of model.joblib itself."""

from __future__ import annotations

import io
import os
import warnings
from copy import copy
from functools import cached_property
from typing import Any

# One request at a time on less than two processors: threads of its own cost numpy's BLAS 80 ms of
# a cold start. Before numpy is imported, for that is when it starts them.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import joblib
import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB

from serving.app.engines.base import Scores
from serving.bundle.errors import BundleDamaged, VersionMismatch
from serving.bundle.manifest import MODEL_NAME, Manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class SklearnEngine:
    """Scores texts with a pipeline of a text vectorizer and a classifier.

    Args:
        pipeline: Fitted; its first step is a CountVectorizer or TfidfVectorizer, its last one
            a classifier.
    """

    def __init__(self, pipeline: Any) -> None:
        self._vectorizer = pipeline[0]
        self._analyze = self._vectorizer.build_analyzer()
        # Texts are analyzed once, for the counts of terms and for the matrix.
        self._count = copy(self._vectorizer).set_params(analyzer=list)
        self._middle = pipeline[1:-1]
        self._classifier = pipeline[-1]
        self._weights = linear_weights(self._classifier)
        self._index = {label: index for index, label in enumerate(self.classes)}

    @property
    def classes(self) -> list[str]:
        """The classifier's classes, in its order."""
        return [str(label) for label in self._classifier.classes_]

    def score(self, texts: Sequence[str]) -> list[Scores]:
        terms = [self._analyze(text) for text in texts]
        matrix = self._transform(terms)
        probabilities: list[Any] = [None] * len(texts)
        if hasattr(self._classifier, "predict_proba"):
            probabilities = self._classifier.predict_proba(matrix).tolist()
        if isinstance(self._classifier, CalibratedClassifierCV):  # its predict is this, and twice
            labels = [row.index(max(row)) for row in probabilities]
        else:
            # Not of the probabilities: they can tie, by rounding, where scores do not.
            labels = [self._index[str(label)] for label in self._classifier.predict(matrix)]
        vocabulary = self._vectorizer.vocabulary_
        return [
            Scores(label, row, len(found), sum(term not in vocabulary for term in found))
            for label, row, found in zip(labels, probabilities, terms, strict=True)
        ]

    def check(self) -> None:
        """Nothing: the model is in memory since it was loaded."""

    def explain(self, text: str, label: int) -> list[tuple[str, float]] | None:
        if self._weights is None:
            return None
        values = self._transform([self._analyze(text)])
        weights = values.data * self._weights[label, values.indices]
        order = np.argsort(-weights, kind="stable")
        return [(str(self._names[values.indices[i]]), float(weights[i])) for i in order]

    @cached_property
    def _names(self) -> NDArray[np.object_]:
        """The vocabulary in the order of the matrix's columns: costly, and for explaining only."""
        names: NDArray[np.object_] = self._vectorizer.get_feature_names_out()
        return names

    def _transform(self, terms: list[list[str]]) -> Any:
        matrix = self._count.transform(terms)
        return self._middle.transform(matrix) if len(self._middle) else matrix


def linear_weights(classifier: Any) -> NDArray[np.float64] | None:
    """The weight of each term for each label, of shape (n_labels, n_terms).

    A linear classifier's `coef_`; naive Bayes' `feature_log_prob_` less its mean over the
    labels, which moves all labels' scores by the same amount and makes the sign tell for from
    against; the mean over the calibrated classifiers of a CalibratedClassifierCV; those of the
    parts of a OneVsRestClassifier. None for any other classifier, and for Bernoulli naive Bayes,
    where the terms that a text lacks count too.
    """
    if isinstance(classifier, BernoulliNB):
        return None
    if hasattr(classifier, "calibrated_classifiers_"):
        parts = _parts([one.estimator for one in classifier.calibrated_classifiers_])
        return None if parts is None else parts.mean(axis=0)
    if isinstance(classifier, OneVsRestClassifier):
        parts = _parts(classifier.estimators_)
        if parts is None or len(parts) == 1:
            return None if parts is None else parts[0]
        return parts[:, 1]  # each has two rows, against and for its label
    weights = getattr(classifier, "coef_", None)
    if weights is None:
        logs = getattr(classifier, "feature_log_prob_", None)
        return None if logs is None else logs - logs.mean(axis=0)
    # A binary classifier has one row, the second label's; a RidgeClassifier's is not even a row.
    weights = np.atleast_2d(weights)
    return np.vstack([-weights, weights]) if len(weights) == 1 else weights


def _parts(classifiers: list[Any]) -> NDArray[np.float64] | None:
    """The weights of several classifiers, of shape (n_classifiers, n_labels, n_terms)."""
    weights = [linear_weights(one) for one in classifiers]
    return None if any(one is None for one in weights) else np.stack(weights)  # type: ignore[arg-type]


def load(data: bytes, manifest: Manifest) -> SklearnEngine:
    """Load the model that the manifest pins.

    Args:
        data: model.joblib, already held against the manifest: unpickling runs what is in it.
        manifest: The model's passport.

    Raises:
        BundleDamaged: It is nothing that this code can serve.
        VersionMismatch: Another scikit-learn made it, whatever the manifest says.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", InconsistentVersionWarning)
            engine = SklearnEngine(joblib.load(io.BytesIO(data)))
    except InconsistentVersionWarning as warning:
        raise VersionMismatch(
            f"{MODEL_NAME} was pickled by scikit-learn {warning.original_sklearn_version} "
            f"(installed: {warning.current_sklearn_version}): train it again with 'make train'"
        ) from None
    except Exception as error:
        # The file is the right one, so it is the code that does not fit it: a function that the
        # pickle refers to has gone, or it is no text pipeline.
        raise BundleDamaged(
            f"{MODEL_NAME} cannot be loaded by this code ({type(error).__name__}): "
            "write both again with 'make train'"
        ) from error
    if engine.classes != [label.id for label in manifest.labels]:
        raise BundleDamaged(
            f"the labels of {MODEL_NAME} are not the manifest's: write both again with 'make train'"
        )
    return engine

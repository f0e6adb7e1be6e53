"""The sklearn engine: serves the fitted pipeline of model.joblib itself."""

from __future__ import annotations

import io
import os
import warnings
from functools import cached_property
from typing import Any

# One request at a time on less than two processors: threads of its own cost numpy's BLAS 80 ms of
# a cold start. Before numpy is imported, for that is when it starts them.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import joblib
import numpy as np
from scipy.sparse import csr_array
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import Pipeline

from serving.app.engines.base import Scores
from serving.app.engines.terms import Terms, transform
from serving.bundle.errors import BundleDamaged, VersionMismatch
from serving.bundle.manifest import MODEL_NAME, Manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class SklearnEngine:
    """Scores texts with a fitted model of scikit-learn's.

    Args:
        model: Takes texts and has `classes_`. Terms are counted, and explained, where it is a
            pipeline that has a CountVectorizer or TfidfVectorizer among its steps.
    """

    def __init__(self, model: Any) -> None:
        self._pipeline = model if isinstance(model, Pipeline) else Pipeline([("model", model)])
        self._classifier = self._pipeline[-1]
        self._terms = Terms.find(self._pipeline)
        self._index = {label: index for index, label in enumerate(self.classes)}

    @property
    def classes(self) -> list[str]:
        """The classifier's classes, in its order."""
        return [str(label) for label in self._classifier.classes_]

    def score(self, texts: Sequence[str]) -> list[Scores]:
        features, counts = self._look_at(texts)
        probabilities: list[Any] = [None] * len(texts)
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

    def explain(self, text: str, label: int) -> list[tuple[str, float]] | None:
        if self._explained is None:
            return None
        names, coefficients = self._explained
        values = csr_array(self._look_at([text])[0])
        weights = values.data * coefficients[label, values.indices]
        order = np.argsort(-weights, kind="stable")
        return [(str(names[values.indices[i]]), float(weights[i])) for i in order]

    def _look_at(self, texts: Sequence[str]) -> tuple[Any, list[Any]]:
        """The classifier's features, and of each text what `Terms.count` says, or twice None."""
        if self._terms is None:
            return transform(self._pipeline[:-1], texts), [(None, None)] * len(texts)
        terms = self._terms.analyze(texts)
        matrix = self._terms.vectorize(texts, terms)
        features = transform(self._pipeline[self._terms.place + 1 : -1], matrix)
        return features, [self._terms.count(one) for one in terms]

    @cached_property
    def _explained(self) -> tuple[NDArray[np.object_], NDArray[np.float64]] | None:
        """The term of each column, and its weight for each label; None where columns are no terms.

        Costly, and for explaining only.
        """
        weights = linear_weights(self._classifier)
        if weights is None or self._terms is None:
            return None
        try:
            names = self._pipeline[self._terms.place : -1].get_feature_names_out()
        except AttributeError:  # a step after the vectorizer does not say what its columns are
            return None
        if not self._terms.vocabulary.keys() >= set(names) or len(names) != weights.shape[1]:
            return None
        return names, weights


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

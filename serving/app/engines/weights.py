"""The weights of a linear model of scikit-learn's, for explaining what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.linear_model import SGDRegressor
from sklearn.linear_model._base import LinearModel
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB
from sklearn.svm import SVC, NuSVC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from numpy.typing import NDArray


def linear_weights(classifier: Any) -> NDArray[np.float64] | None:
    """The weight of each feature for each label, of shape (n_labels, n_features).

    A linear classifier's `coef_`; naive Bayes' `feature_log_prob_` less its mean over the
    labels, which moves all labels' scores by the same amount and makes the sign tell for from
    against; the mean over the calibrated classifiers of a CalibratedClassifierCV; those of the
    parts of a OneVsRestClassifier. None for any other classifier, for Bernoulli naive Bayes, where
    the terms that a text lacks count too, and for SVC, whose rows are pairs of labels. Of a
    regression whose value is the sum there is one row; of one with a link function None.
    """
    if not hasattr(classifier, "classes_"):
        linear = isinstance(classifier, LinearModel | SGDRegressor)
        return np.atleast_2d(classifier.coef_) if linear else None
    if isinstance(classifier, BernoulliNB | SVC | NuSVC):
        return None
    if hasattr(classifier, "calibrated_classifiers_"):
        parts = _parts([one.estimator for one in classifier.calibrated_classifiers_])
        return None if parts is None else parts.mean(axis=0)
    if isinstance(classifier, OneVsRestClassifier):
        parts = _parts(classifier.estimators_)
        if parts is not None:  # each has two rows, against and for its label
            parts = parts[0] if len(parts) == 1 else parts[:, 1]
        return parts
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

"""Take from a fitted model what only training needs; its predictions stay the same, bit for bit.

What it saves is time and bytes: numpy integers in a vocabulary unpickle slowly, a cross-validated
classifier keeps the coefficients of every fold, and scipy copies a C-ordered coefficient matrix
on each request. And it makes the file the same on each run: a vectorizer remembers an address.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer

ADDRESS = "_stop_words_id"
TRAINING_ONLY = ("coefs_paths_", "scores_", "n_iter_")


def strip(model: Any, values: Any) -> None:
    """Strip a fitted model, in place; `values` are any inputs that it takes."""
    sparse = _has_sparse_features(model, values)  # first, for it leaves an address
    for estimator in find_estimators(model):
        vars(estimator).pop(ADDRESS, None)
        if isinstance(estimator, CountVectorizer) and hasattr(estimator, "vocabulary_"):
            terms = estimator.vocabulary_.items()
            estimator.vocabulary_ = {term: int(index) for term, index in terms}
        if isinstance(estimator, ClassifierMixin):
            for name in TRAINING_ONLY:
                vars(estimator).pop(name, None)
    if sparse:  # of dense ones numpy would sum otherwise, to another bit
        for estimator in find_estimators(model[-1]):
            _reorder(estimator)


def _has_sparse_features(model: Any, values: Any) -> bool:
    """Whether a model is a pipeline whose last step gets a sparse matrix."""
    return len(getattr(model, "steps", ())) > 1 and issparse(model[:-1].transform(values))


def find_estimators(value: Any) -> Iterator[Any]:
    """The estimators that a fitted one consists of, itself included, and those of lists."""
    if isinstance(value, BaseEstimator):
        yield value
        for part in [*vars(value).values()]:
            yield from find_estimators(part)
        for calibrated in vars(value).get("calibrated_classifiers_", ()):
            yield from find_estimators(calibrated.estimator)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from find_estimators(part)


def _reorder(estimator: Any) -> None:
    for name in ("coef_", "feature_log_prob_"):
        if name in vars(estimator):
            setattr(estimator, name, np.asfortranarray(getattr(estimator, name)))

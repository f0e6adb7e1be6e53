"""Why a fitted pipeline says what it says: the weights of the terms of a text, or of fields."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.sparse import csr_array, issparse

from serving.app.engines.columns import trace
from serving.app.engines.paths import find_paths
from serving.app.engines.weights import linear_weights

TYPE_CHECKING = False
if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    from serving.app.engines.paths import Weigh
    from serving.app.engines.terms import Terms


class TermWeights:
    """Weighs the terms of a text: coefficient × value in the last step's features."""

    def __init__(self, names: NDArray[np.object_], coefficients: NDArray[np.float64]) -> None:
        self._names = names
        self._coefficients = coefficients

    @classmethod
    def find(cls, pipeline: Pipeline, terms: Terms | None) -> Self | None:
        """Of a pipeline whose last step is linear in terms; None of any other."""
        coefficients = linear_weights(pipeline[-1])
        if coefficients is None or terms is None:
            return None
        try:
            names = pipeline[terms.place : -1].get_feature_names_out()
        except AttributeError:  # a step after the vectorizer does not say what its columns are
            return None
        if not terms.vocabulary.keys() >= set(names) or len(names) != coefficients.shape[1]:
            return None
        return cls(names, coefficients)

    def weigh(self, features: Any, label: int) -> list[tuple[str, float]]:
        """The terms of a row of features with their weights, heaviest first."""
        row = csr_array(features)
        weights = row.data * self._coefficients[label, row.indices]
        order = np.argsort(-weights, kind="stable")
        return [(str(self._names[row.indices[i]]), float(weights[i])) for i in order]


class FieldWeights:
    """Weighs the fields of a record: a field's weight is the sum over the columns made of it.

    Attributes:
        owners: Of each column the field that it is made of, by its place.
    """

    def __init__(self, names: list[str], owners: list[int], weigh: Weigh) -> None:
        self._names = names
        self.owners = owners
        self._weigh = weigh

    @classmethod
    def find(cls, pipeline: Pipeline, names: list[str]) -> Self | None:
        """Of a linear model, or one of trees, whose every column is one field's; else None."""
        owners = trace(pipeline[:-1], list(range(len(names))))
        weigh = find_paths(pipeline[-1]) or _find_linear(pipeline[-1])
        width = getattr(pipeline[-1], "n_features_in_", None)
        if owners is None or weigh is None or len(owners) != width:
            return None
        return cls(names, owners, weigh)

    def weigh(self, features: Any, label: int) -> list[tuple[str, float]]:
        """Each field with its weight, heaviest first, whatever its sign."""
        dense = features.toarray() if issparse(features) else features
        columns = self._weigh(np.asarray(dense, dtype=np.float64)[0], label)
        weights = np.bincount(self.owners, columns, len(self._names))
        order = np.argsort(-np.abs(weights), kind="stable")
        return [(self._names[i], float(weights[i])) for i in order]


def _find_linear(model: Any) -> Weigh | None:
    coefficients = linear_weights(model)
    return None if coefficients is None else lambda row, label: row * coefficients[label]

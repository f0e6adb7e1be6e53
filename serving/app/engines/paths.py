"""What each column adds to a prediction of trees, along the paths that an input takes.

A node's value is what its tree would say without asking further. So a prediction is the root's
value plus the change at each question on the way to the leaf, and the change is the asked
column's: A. Saabas, "Interpreting random forests" (2014). The changes of one tree add up to its
prediction exactly, but for rounding, and so do those of a mean or of a sum of trees.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.ensemble._forest import BaseForest
from sklearn.tree import BaseDecisionTree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Weigh = Callable[[NDArray[np.float64], int], NDArray[np.float64]]


def find_paths(model: Any) -> Weigh | None:
    """What weighs the columns of a row for a label of a fitted tree, forest or gradient boosting.

    The sum is that of the value of a regression, of the label's probability of a tree or a forest,
    of the label's raw score of boosting; less what the model says before it asks anything. None for
    any other model: where several values are predicted, where boosting begins with another model,
    and histogram-based boosting, whose nodes above the leaves keep values of another scale.
    """
    if isinstance(model, BaseDecisionTree | BaseForest) and model.n_outputs_ == 1:
        trees = [one.tree_ for one in getattr(model, "estimators_", [model])]
        return lambda row, label: _add(trees, row, label) / len(trees)
    if isinstance(model, GradientBoostingRegressor | GradientBoostingClassifier):
        if not (model.init_ == "zero" or isinstance(model.init_, DummyRegressor | DummyClassifier)):
            return None
        rounds = [[one.tree_ for one in column] for column in model.estimators_.T]
        return lambda row, label: model.learning_rate * _add_rounds(rounds, row, label, model)
    return None


def _add_rounds(
    rounds: list[list[Any]], row: NDArray[np.float64], label: int, model: Any
) -> NDArray[np.float64]:
    if len(rounds) > 1:  # the trees of each label
        return _add(rounds[label], row, 0)
    # One row of trees is for the second of two labels, or for a value.
    turned = hasattr(model, "classes_") and label == 0
    return _add(rounds[0], row, 0) * (-1 if turned else 1)


def _add(trees: list[Any], row: NDArray[np.float64], output: int) -> NDArray[np.float64]:
    """The sum of the changes on the paths of a row, by column.

    Args:
        trees: Of scikit-learn, each as its arrays (sklearn.tree._tree.Tree): `value` is of the
            shape (n_nodes, 1, n_values), and of a classifier the shares of its labels.
        row: The columns' values, which trees read in float32.
        output: The index of the value in its node.
    """
    rows = row.astype(np.float32).reshape(1, -1)
    weights = np.zeros(row.size)
    for tree in trees:
        nodes = tree.decision_path(rows).indices  # from the root to the leaf
        np.add.at(weights, tree.feature[nodes[:-1]], np.diff(tree.value[nodes, 0, output]))
    return weights

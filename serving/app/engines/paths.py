"""What each column adds to a prediction of trees, along the paths that an input takes.

A node's value is what its tree would say without asking further. So a prediction is the root's
value plus the change at each question on the way to the leaf, and the change is the asked
column's: A. Saabas, "Interpreting random forests" (2014). The changes of one tree add up to its
prediction exactly, but for rounding, and so do those of a mean or of a sum of trees.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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


class Tree(NamedTuple):
    """A fitted tree.

    Attributes:
        arrays: Scikit-learn's (sklearn.tree._tree.Tree).
        values: Of each node, of the shape (n_nodes, n_values); of a classifier the shares of its
            labels.
    """

    arrays: Any
    values: NDArray[np.float64]


def find_paths(model: Any) -> Weigh | None:
    """What weighs the columns of a row for a label of a fitted tree, forest or gradient boosting.

    The sum is that of the value of a regression, of the label's probability of a tree or a forest,
    of the label's raw score of boosting; less what the model says before it asks anything. None for
    any other model: where several values are predicted, where boosting begins with another model,
    and histogram-based boosting, whose nodes above the leaves keep values of another scale.
    """
    if isinstance(model, BaseDecisionTree | BaseForest) and model.n_outputs_ == 1:
        trees = [
            Tree(one.tree_, one.tree_.value[:, 0]) for one in getattr(model, "estimators_", [model])
        ]
        return lambda row, label: _add(trees, row, label) / len(trees)
    if isinstance(model, GradientBoostingRegressor | GradientBoostingClassifier):
        if not (model.init_ == "zero" or isinstance(model.init_, DummyRegressor | DummyClassifier)):
            return None
        rounds = [[settle(one.tree_) for one in column] for column in model.estimators_.T]
        return lambda row, label: model.learning_rate * _add_rounds(rounds, row, label, model)
    return None


def settle(tree: Any) -> Tree:
    """A tree of gradient boosting, each node with the mean of what its leaves say.

    After fitting, scikit-learn writes the leaves anew for most losses, and leaves the nodes above
    as they were, of another scale. Children come after their parents.
    """
    values, weights = tree.value[:, 0].copy(), tree.weighted_n_node_samples
    for node in reversed(range(tree.node_count)):
        children = [tree.children_left[node], tree.children_right[node]]
        if children[0] >= 0:
            values[node] = np.average(values[children], axis=0, weights=weights[children])
    return Tree(tree, values)


def _add_rounds(
    rounds: list[list[Tree]], row: NDArray[np.float64], label: int, model: Any
) -> NDArray[np.float64]:
    if len(rounds) > 1:  # the trees of each label
        return _add(rounds[label], row, 0)
    # One row of trees is for the second of two labels, or for a value.
    turned = hasattr(model, "classes_") and label == 0
    return _add(rounds[0], row, 0) * (-1 if turned else 1)


def _add(trees: list[Tree], row: NDArray[np.float64], output: int) -> NDArray[np.float64]:
    """The sum of the changes on the paths of a row, by column.

    Args:
        trees: Of one model.
        row: The columns' values, which trees read in float32.
        output: The index of the value in its node.
    """
    rows = row.astype(np.float32).reshape(1, -1)
    weights = np.zeros(row.size)
    for tree, values in trees:
        nodes = tree.decision_path(rows).indices  # from the root to the leaf
        np.add.at(weights, tree.feature[nodes[:-1]], np.diff(values[nodes, output]))
    return weights

"""AdaBoost over trees: each tree is one of many voters, and has a weight."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import AdaBoostClassifier, AdaBoostRegressor
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from training.freezing.file import Op
from training.freezing.registry import Given, Predictor, Step, rule
from training.freezing.rounding import EPSILON
from training.freezing.rules.linear import decide, predict
from training.freezing.rules.trees import grow, prepare, read_tree

TREES = (DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor)


def _list_trees(step: Step) -> list[Any]:
    """The trees within, and nothing else."""
    model = step.estimator
    trees = list(model.estimators_)
    for number, one in enumerate(trees, start=1):
        part = step.at(f"model {number} within it", one)
        part.check_part(one, *TREES)
        part.refuse(**{"several outputs": one.n_outputs_ != 1})
    step.refuse(estimator_weights_=not np.isfinite(model.estimator_weights_).all())
    return trees


@rule(AdaBoostClassifier, scores=decide)
def freeze_classifier(step: Step) -> Predictor:
    """Each leaf says for each label what a vote of its tree adds to the label."""
    model = step.estimator
    trees, labels = _list_trees(step), len(model.classes_)
    step.refuse(
        classes_=labels < 2  # noqa: PLR2004
        or not all(np.array_equal(one.classes_, model.classes_) for one in trees)
    )
    read = []
    for one, weight in zip(trees, model.estimator_weights_.tolist(), strict=False):
        values = np.full((one.tree_.node_count, labels), -1 / (labels - 1) * weight)
        chosen = one.tree_.value[:, 0].argmax(axis=1)
        values[np.arange(len(values)), chosen] = weight
        read.append(read_tree(one.tree_, values))
    total = float(model.estimator_weights_.sum())
    step.refuse(estimator_weights_=total == 0)
    ops = [*prepare(step), grow(read, [0.0] * labels, divisor=total)]
    if labels == 2:  # noqa: PLR2004
        ops.append(Op("margin", {}, {}))
    return Predictor(ops, [Op("classify", {"link": "ada_boost"}, {})], decides=True)


def _bound_median(model: AdaBoostRegressor, given: Given) -> NDArray[np.float64]:
    """Nothing; where the sum of weights is all but half, as far as to the next value.

    numpy sorts equal values in an order that depends on the processor, so that sums of their
    weights round otherwise; that counts only where the sum at the end of equal values is half of
    all but for rounding.
    """
    said = np.array([one.predict(given.rows) for one in model.estimators_]).T
    order = np.argsort(said, axis=1, kind="stable")
    values = np.take_along_axis(said, order, axis=1)
    sums = np.cumsum(model.estimator_weights_[order], axis=1)
    total = sums[:, -1:]
    near = np.abs(sums - total / 2) <= sums.shape[1] * EPSILON * total
    ends = np.diff(values, axis=1, append=np.inf)  # to the next value
    gaps = np.where(near & (ends > 0), ends, 0.0).sum(axis=1)
    return gaps.reshape(-1, 1)


@rule(AdaBoostRegressor, bound=_bound_median, scores=predict)
def freeze_regressor(step: Step) -> Predictor:
    step.refuse(**{"inexact numbers": step.given.errors is not None})
    model = step.estimator
    trees = _list_trees(step)
    read = [read_tree(one.tree_, one.tree_.value[:, 0]) for one in trees]
    op = grow(read, [0.0] * len(read))
    weights = model.estimator_weights_[: len(read)].tolist()
    step.refuse(estimator_weights_=min(weights) < 0 or not any(weights))
    return Predictor([*prepare(step), op, Op("median", {"weights": weights}, {})], [])

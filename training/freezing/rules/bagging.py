"""Bagging: the mean of models, each of which is given some of the columns."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.ensemble import BaggingClassifier, BaggingRegressor

from training.freezing.file import Op
from training.freezing.registry import (
    CannotFreeze,
    Given,
    Predictor,
    Step,
    find_errors,
    has_numbers,
    rule,
)
from training.freezing.rounding import EPSILON
from training.freezing.rules.boosting import TREES
from training.freezing.rules.columns import name_rows
from training.freezing.rules.combine import (
    LABEL,
    average,
    bound_average,
    bound_probabilities,
    freeze_probabilities,
)
from training.freezing.rules.linear import predict
from training.freezing.rules.numbers import check_doubles
from training.freezing.rules.trees import SHARES, Tree, grow, prepare, read_tree

Errors = NDArray[np.float64] | None


def _choose(given: Given, features: Any) -> Given:
    """What one of the models is given."""
    rows = given.rows.tocsr() if issparse(given.rows) else np.asarray(given.rows)
    errors = None if given.errors is None else given.errors[:, features]
    return Given(rows[:, features], errors)


def _list_given(bagging: Any, given: Given) -> list[tuple[Any, Given]]:
    pairs = zip(bagging.estimators_, bagging.estimators_features_, strict=True)
    return [(one, _choose(given, features)) for one, features in pairs]


def _bound_mean(bagging: Any, errors: list[Errors], sizes: list[Any]) -> Errors:
    """The errors of a mean; of one in several processes, too, which add up by themselves."""
    if bagging.n_jobs in (None, 1) or any(one is not None for one in errors):
        return bound_average(errors, sizes, None)  # type: ignore[no-any-return]
    rounded = 2 * (len(sizes) + 2) * EPSILON
    return rounded * np.mean(np.abs(sizes), axis=0)


def _check(step: Step) -> None:
    bagging = step.estimator
    check_doubles(step)
    step.refuse(
        **{"rows that are not of numbers": not (step.is_sparse or has_numbers(step.given.rows))},
        n_estimators=bagging.n_estimators != len(bagging.estimators_),
    )


def _is_of_trees(bagging: Any) -> bool:
    return all(type(one) in TREES for one in bagging.estimators_)


def _freeze_trees(step: Step, labels: int) -> list[Op]:
    """One op for trees, whose questions are about the columns of whole rows."""
    if step.given.errors is not None:
        raise CannotFreeze(
            f"{step.name}: {type(step.estimator).__name__} of trees has no frozen form after a "
            "step whose numbers are scikit-learn's but for rounding"
        )
    bagging = step.estimator
    # A column that no tree is given may be anything.
    used = np.unique(np.concatenate(bagging.estimators_features_))
    read = []
    for one, features in zip(bagging.estimators_, bagging.estimators_features_, strict=True):
        step.check_part(one, *TREES)
        step.refuse(**{"several outputs": one.n_outputs_ != 1})
        values = one.tree_.value[:, 0]
        if labels > 1:
            values = _spread(values, one.classes_, labels)
        read.append(_rename(read_tree(one.tree_, values), np.searchsorted(used, features)))
    op = grow(read, [0.0] * labels, divisor=float(bagging.n_estimators))
    takes_nan = bool(bagging.__sklearn_tags__().input_tags.allow_nan)
    check = [] if step.is_sparse else [Op("finite", {"nan": takes_nan}, {})]
    chosen = Op("choose", {"columns": used.tolist()}, {})
    choose = [] if len(used) == step.width else [chosen]
    if step.is_sparse and choose:
        return [*step.densify(), chosen, Op("finite", {"nan": False}, {}), op]
    return [*choose, *check, *prepare(step), op]


def _spread(values: NDArray[np.float64], known: Any, labels: int) -> NDArray[np.float64]:
    """Shares of all labels, of those of the labels that a tree was shown."""
    found = np.zeros((len(values), labels))
    found[:, known] = values
    return found


def _rename(tree: Tree, columns: NDArray[np.intp]) -> Tree:
    """A tree that asks by other numbers of columns."""
    asks = tree.lefts >= 0
    return tree._replace(features=np.where(asks, columns[np.where(asks, tree.features, 0)], -1))


def _list_parts(step: Step) -> list[Step]:
    """The models within, each as a step."""
    listed = _list_given(step.estimator, step.given)
    # scipy chooses columns of sparse rows in an order of its own.
    every = np.arange(step.width)
    step.refuse(
        **{
            "sparse rows": step.is_sparse
            and not all(np.array_equal(one, every) for one in step.estimator.estimators_features_)
        }
    )
    return [
        step.at(f"model {number} within it", one, given)
        for number, (one, given) in enumerate(listed, start=1)
    ]


def _join(step: Step, parts: list[list[Op]], width: int) -> Op:
    columns = [
        None if np.array_equal(one, np.arange(step.width)) else one.tolist()
        for one in step.estimator.estimators_features_
    ]
    settings = {
        "takes": name_rows(step.given.rows),
        "columns": columns,
        "widths": [width] * len(parts),
        "factors": [None] * len(parts),
        "sparse": False,
    }
    return Op("join", settings, {}, parts)


def _bound_regressor(bagging: BaggingRegressor, given: Given) -> Errors:
    """Of trees nothing; else the mean of its models', and (m+2)·ε of what they say."""
    listed = _list_given(bagging, given)
    if _is_of_trees(bagging) and bagging.n_jobs in (None, 1):
        return None
    errors = [find_errors(one, part) for one, part in listed]
    return _bound_mean(bagging, errors, [predict(one, part.rows) for one, part in listed])


@rule(BaggingRegressor, bound=_bound_regressor, scores=predict)
def freeze_regressor(step: Step) -> Predictor:
    _check(step)
    if _is_of_trees(step.estimator):
        return Predictor(_freeze_trees(step, 1), [])
    found = []
    for part in _list_parts(step):
        model = part.freeze_model()
        part.refuse(labels=bool(model.answer))
        found.append(model.ops)
    return Predictor([_join(step, found, 1), average(len(found), None)], [])


def _probabilities(bagging: BaggingClassifier, rows: Any) -> NDArray[np.float64]:
    return bagging.predict_proba(rows)  # type: ignore[no-any-return]


def _bound_classifier(bagging: BaggingClassifier, given: Given) -> Errors:
    """Of trees nothing; else the mean of its models', and (m+2)·ε."""
    if _is_of_trees(bagging) and bagging.n_jobs in (None, 1):
        return None
    labels = len(bagging.classes_)
    errors: list[Errors] = []
    for one, part in _list_given(bagging, given):
        found = bound_probabilities(one, part) if hasattr(one, "predict_proba") else None
        errors.append(None if found is None else _spread(found, one.classes_, labels))
    sizes = [np.ones((given.rows.shape[0], labels))] * len(errors)
    return _bound_mean(bagging, errors, sizes)


@rule(BaggingClassifier, bound=_bound_classifier, scores=_probabilities)
def freeze_classifier(step: Step) -> Predictor:
    _check(step)
    labels = len(step.estimator.classes_)
    step.refuse(classes_=labels < 2)  # noqa: PLR2004
    if _is_of_trees(step.estimator):
        return Predictor(_freeze_trees(step, labels), [SHARES])
    parts = [_freeze_part(part, labels) for part in _list_parts(step)]
    return Predictor([_join(step, parts, labels), average(len(parts), None)], [SHARES])


def _freeze_part(part: Step, labels: int) -> list[Op]:
    """The ops of a model's probabilities, or of its vote where it has none."""
    known = part.estimator.classes_.tolist()
    if hasattr(part.estimator, "predict_proba"):
        ops = freeze_probabilities(part)
    else:
        if find_errors(part.estimator, part.given) is not None:
            raise CannotFreeze(
                f"{part.name}: {type(part.estimator).__name__} has no frozen form under bagging: "
                "it votes for a label, its scores are scikit-learn's but for rounding, and a near "
                "tie could be turned"
            )
        model = part.freeze_model()
        vote = Op("count", {"labels": len(known), "weights": [1.0]}, {})
        ops = [*model.ops, *model.answer, LABEL, vote]
    if known == list(range(labels)):
        return ops
    return [*ops, Op("place", {"columns": known, "width": labels}, {})]

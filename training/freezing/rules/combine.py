"""Models of models: votes, stacks, targets that were transformed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

from training.freezing.file import Op
from training.freezing.registry import (
    CannotFreeze,
    Given,
    Predictor,
    Step,
    find_errors,
    find_rule,
    rule,
)
from training.freezing.rounding import EPSILON, STEEPNESS
from training.freezing.rules.columns import name_rows
from training.freezing.rules.linear import decide, predict
from training.freezing.rules.numbers import (
    bound_function,
    bound_scaling,
    freeze_scaling,
    name_function,
)
from training.freezing.rules.trees import SHARING

# What links (exponentials and shares of them) round, at most, over all labels.
LINK_ROUNDING = 64 * EPSILON


def refuse_within(part: Step, *, predict_proba: bool = False, decides: bool = True) -> None:
    """Refuse a model in the place of a classifier that has not what is taken of it.

    Args:
        part: The model.
        predict_proba: Whether its probabilities are taken.
        decides: Whether the frozen form has its decision function.

    Raises:
        CannotFreeze: It has not.
    """
    lacks = predict_proba and not hasattr(part.estimator, "predict_proba")
    if lacks or not decides:
        why = "it has no probabilities" if lacks else "its frozen form has no decision function"
        raise CannotFreeze(
            f"{part.name}: {type(part.estimator).__name__} has no frozen form within another "
            f"model: {why}"
        )


def freeze_probabilities(part: Step) -> list[Op]:
    """The ops of a classifier's probabilities."""
    found = part.freeze_model()
    refuse_within(part, predict_proba=True)
    return [*found.ops, *found.answer, Op("probabilities", {}, {})]


def bound_probabilities(classifier: Any, given: Given) -> NDArray[np.float64] | None:
    """The errors of a classifier's probabilities: those of its scores, and of the link."""
    errors = find_errors(classifier, given)
    if errors is None and isinstance(classifier, SHARING):
        return None
    rows, labels = (
        given.rows.shape[0] if hasattr(given.rows, "shape") else len(given.rows),
        len(classifier.classes_),
    )
    moved = 0.0 if errors is None else STEEPNESS * errors.max(axis=1, keepdims=True)
    return np.broadcast_to(moved + LINK_ROUNDING, (rows, labels))


def respond(classifier: Any, rows: Any) -> NDArray[np.float64]:
    """What a classifier hands up to another model: its decision scores, or else probabilities.

    Of two labels it is one number a row, the second label's.
    """
    if hasattr(classifier, "decision_function"):
        return decide(classifier, rows)
    found = classifier.predict_proba(rows)
    return found[:, 1:] if found.shape[1] == 2 else found  # type: ignore[no-any-return]  # noqa: PLR2004


def bound_response(classifier: Any, given: Given) -> NDArray[np.float64] | None:
    """The errors of what `respond` gives."""
    if hasattr(classifier, "decision_function"):
        return find_errors(classifier, given)
    return _bound_handed(classifier, given)


def _bound_handed(classifier: Any, given: Given) -> NDArray[np.float64] | None:
    """The errors of probabilities; of two labels the second's."""
    errors = bound_probabilities(classifier, given)
    return errors[:, 1:] if errors is not None and errors.shape[1] == 2 else errors  # noqa: PLR2004


def freeze_response(part: Step) -> Predictor:
    """The ops of what `respond` gives; of a decision score those of the answer to it, too."""
    if hasattr(part.estimator, "decision_function"):
        model = part.freeze_model()
        refuse_within(part, decides=model.decides)
        return model
    return Predictor(_freeze_handed(part), [])


def _freeze_handed(part: Step) -> list[Op]:
    """The ops of probabilities; of two labels the second's."""
    ops = freeze_probabilities(part)
    binary = len(part.estimator.classes_) == 2  # noqa: PLR2004
    return [*ops, Op("choose", {"columns": [1]}, {})] if binary else ops


def join(step: Step, parts: list[list[Op]], widths: list[int]) -> Op:
    """The op that puts what parts make of the same row one after the other."""
    settings = {
        "takes": name_rows(step.given.rows),
        "columns": [None] * len(parts),
        "widths": widths,
        "factors": [None] * len(parts),
        "sparse": False,
    }
    return Op("join", settings, {}, parts)


def average(count: int, weights: Sequence[float] | None) -> Op:
    """The op of the mean of models."""
    total = float(count) if weights is None else float(np.sum(np.asarray(weights, np.float64)))
    listed = None if weights is None else [float(one) for one in weights]
    return Op("average", {"count": count, "weights": listed, "total": total}, {})


def bound_average(errors: list[Any], sizes: list[Any], weights: Any) -> Any:
    """The errors of a weighted mean: the mean of the parts', and a rounding for each."""
    if all(one is None for one in errors):
        return None
    shares = np.ones(len(errors)) if weights is None else np.asarray(weights, np.float64)
    shares = np.abs(shares / shares.sum())
    found = 0.0
    for share, error, size in zip(shares, errors, sizes, strict=True):
        found = found + share * (0.0 if error is None else error)
        found = found + share * (len(errors) + 2) * EPSILON * np.abs(size)
    return found


def _list_members(step: Step) -> list[Step]:
    """The models within one, each as a step."""
    names = [name for name, one in step.estimator.estimators if one != "drop"]
    fitted = step.estimator.estimators_
    return [step.at(repr(name), one) for name, one in zip(names, fitted, strict=True)]


def _bound_vote(voting: VotingRegressor, given: Given) -> Any:
    """The mean of its members', and (m+2)·ε of what they say; nothing if they have nothing."""
    members = voting.estimators_
    errors = [find_errors(one, given) for one in members]
    sizes = [predict(one, given.rows) for one in members]
    return bound_average(errors, sizes, voting._weights_not_none)


@rule(VotingRegressor, bound=_bound_vote, scores=predict)
def freeze_vote(step: Step) -> Predictor:
    parts = [one.freeze_model().ops for one in _list_members(step)]
    joined = join(step, parts, [1] * len(parts))
    return Predictor([joined, average(len(parts), step.estimator._weights_not_none)], [])


def _score_votes(voting: VotingClassifier, rows: Any) -> NDArray[np.float64]:
    """The mean probabilities; of a hard vote how many members say each label."""
    if voting.voting == "soft":
        return voting.predict_proba(rows)  # type: ignore[no-any-return]
    weights = voting._weights_not_none or np.ones(len(voting.estimators_))
    votes = np.zeros((len(voting.classes_), rows.shape[0] if hasattr(rows, "shape") else len(rows)))
    for member, weight in zip(voting.estimators_, weights, strict=True):
        votes[member.predict(rows), range(votes.shape[1])] += weight
    return votes.T


def _bound_votes(voting: VotingClassifier, given: Given) -> Any:
    """The mean of its members', and (m+2)·ε; of a hard vote nothing."""
    if voting.voting == "hard":
        return None
    errors = [bound_probabilities(one, given) for one in voting.estimators_]
    return bound_average(errors, [1.0] * len(errors), voting._weights_not_none)


@rule(VotingClassifier, bound=_bound_votes, scores=_score_votes)
def freeze_votes(step: Step) -> Predictor:
    voting = step.estimator
    members, weights = _list_members(step), voting._weights_not_none
    labels = len(voting.classes_)
    step.refuse(
        classes_=any(
            not np.array_equal(one.estimator.classes_, np.arange(labels)) for one in members
        )
    )
    if voting.voting == "soft":
        joined = join(step, list(map(freeze_probabilities, members)), [labels] * len(members))
        answer = Op("classify", {"link": "as_they_are"}, {})
        return Predictor([joined, average(len(members), weights)], [answer])
    for one in members:
        if find_errors(one.estimator, one.given) is not None:
            raise CannotFreeze(
                f"{one.name}: {type(one.estimator).__name__} has no frozen form under a hard vote: "
                "its scores are scikit-learn's but for rounding, and a near tie could be turned"
            )
    parts = [[*(found := one.freeze_model()).ops, *found.answer, LABEL] for one in members]
    counted = {
        "labels": labels,
        "weights": [1.0] * len(members) if weights is None else list(map(float, weights)),
    }
    joined = join(step, parts, [1] * len(members))
    return Predictor([joined, Op("count", counted, {})], [Op("classify", {"link": None}, {})])


LABEL = Op("label", {}, {})


def _list_stacked(step: Step) -> list[tuple[list[Op], int]]:
    """The ops of each model under a final one, and how many numbers it hands up."""
    stacking = step.estimator
    names = [name for name, one in stacking.estimators if one != "drop"]
    found = []
    for name, one, method in zip(names, stacking.estimators_, stacking.stack_method_, strict=True):
        part = step.at(repr(name), one)
        if method == "predict_proba":
            ops, width = _freeze_handed(part), _count_handed(stacking)
        else:
            model = part.freeze_model()
            part.refuse(
                stack_method=(method == "predict" and bool(model.answer))
                or (method == "decision_function" and not model.decides)
            )
            ops, width = model.ops, _count_handed(stacking)
        found.append((ops, width))
    return found


def _follow_stack(stacking: Any, given: Given) -> Given:
    """What the final model is given."""
    rows = np.asarray(stacking.transform(given.rows))
    methods = zip(stacking.estimators_, stacking.stack_method_, strict=True)
    errors = [
        _bound_handed(one, given) if method == "predict_proba" else find_errors(one, given)
        for one, method in methods
    ]
    widths = [_count_handed(stacking)] * len(errors)
    if stacking.passthrough:
        errors.append(given.errors)
        widths.append(rows.shape[1] - sum(widths))
    if all(one is None for one in errors):
        return Given(rows)
    columns = [
        np.zeros((len(rows), width)) if one is None else one
        for one, width in zip(errors, widths, strict=True)
    ]
    return Given(rows, np.hstack(columns))


def _count_handed(stacking: Any) -> int:
    """How many numbers each model hands up: one a label, but one of two labels or of a value."""
    labels = len(getattr(stacking, "classes_", ()))
    return labels if labels > 2 else 1  # noqa: PLR2004


def _score_stack(stacking: Any, rows: Any) -> Any:
    found = find_rule(stacking.final_estimator_)
    if found is None or found.scores is None:
        raise CannotFreeze("the final model has no frozen form")
    return found.scores(stacking.final_estimator_, np.asarray(stacking.transform(rows)))


def _bound_stack(stacking: Any, given: Given) -> Any:
    """The final model's, of its members' errors."""
    return find_errors(stacking.final_estimator_, _follow_stack(stacking, given))


@rule(StackingClassifier, StackingRegressor, bound=_bound_stack, scores=_score_stack)
def freeze_stack(step: Step) -> Predictor:
    stacking = step.estimator
    parts = _list_stacked(step)
    if stacking.passthrough:
        step.refuse(passthrough=name_rows(step.given.rows) != "values")
        parts.append(([], step.width))
    final = step.at(
        "its final model", stacking.final_estimator_, _follow_stack(stacking, step.given)
    )
    step.refuse(passthrough=issparse(stacking.transform(step.given.rows)))
    model = final.freeze_model()
    joined = join(step, [ops for ops, _ in parts], [width for _, width in parts])
    return model._replace(ops=[joined, *model.ops], weighs=False)


def _list_inverse(scaler: Any) -> list[tuple[str, Any]]:
    """What takes back what a scaler does, in its own order."""
    if isinstance(scaler, StandardScaler):
        steps = [
            ("multiply", scaler.scale_ if scaler.with_std else None),
            ("add", scaler.mean_ if scaler.with_mean else None),
        ]
    elif isinstance(scaler, MinMaxScaler):
        steps = [("subtract", scaler.min_), ("divide", scaler.scale_)]
    elif isinstance(scaler, RobustScaler):
        steps = [
            ("multiply", scaler.scale_ if scaler.with_scaling else None),
            ("add", scaler.center_ if scaler.with_centering else None),
        ]
    else:
        steps = [("multiply", scaler.scale_)]
    return [(name, operands) for name, operands in steps if operands is not None]


def _bound_target(model: TransformedTargetRegressor, given: Given) -> Any:
    """The model's, and that of the inverse transformation."""
    regressor, transformer = model.regressor_, model.transformer_
    predicted = Given(predict(regressor, given.rows), find_errors(regressor, given))
    if not isinstance(transformer, FunctionTransformer):
        return bound_scaling(_list_inverse(transformer), predicted)
    if transformer.inverse_func is None:
        return predicted.errors
    return bound_function(name_function(transformer.inverse_func), predicted)


@rule(TransformedTargetRegressor, bound=_bound_target, scores=predict)
def freeze_target(step: Step) -> Predictor:
    model, transformer = step.estimator, step.estimator.transformer_
    step.check_part(
        transformer, FunctionTransformer, MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
    )
    step.refuse(**{"target of several columns": model._training_dim != 1})
    inner = step.at("its regressor", model.regressor_).freeze_model()
    if not isinstance(transformer, FunctionTransformer):
        after = freeze_scaling(_list_inverse(transformer))
    elif transformer.inverse_func is None:
        after = []
    else:
        step.refuse(inv_kw_args=bool(transformer.inv_kw_args))
        try:
            name = name_function(transformer.inverse_func)
        except CannotFreeze as error:
            raise CannotFreeze(f"{step.name}, its inverse_func: {error}") from None
        after = [Op("function", {"name": name}, {})]
    return Predictor([*inner.ops, *after], [])

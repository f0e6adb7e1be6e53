"""Models of how labels are distributed; and generalized linear models, of how values are."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn._loss.link import IdentityLink, LogLink
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.linear_model import GammaRegressor, PoissonRegressor, TweedieRegressor
from sklearn.naive_bayes import CategoricalNB, GaussianNB

from training.freezing.file import Op
from training.freezing.registry import CannotFreeze, Given, Predictor, Step, rule
from training.freezing.rounding import EPSILON, ROUNDED
from training.freezing.rules.kernels import TINY, densify, limit
from training.freezing.rules.linear import bound_products, decide, freeze_classifier, predict, score
from training.freezing.rules.numbers import bound_function, check_doubles, doubles

Errors = NDArray[np.float64] | None
GLMS = (GammaRegressor, PoissonRegressor, TweedieRegressor)


def make_plain(step: Step) -> Step:
    """A step that is given an array, where it was given a table."""
    if step.is_sparse:
        return step
    check_doubles(step)
    rows = densify(step.given.rows)
    return Step(step.name, step.estimator, step.given._replace(rows=rows))


def _bound_linear(model: Any, given: Given) -> Errors:
    """As of linear models."""
    return bound_products(np.atleast_2d(model.coef_), model.intercept_, given)


@rule(LinearDiscriminantAnalysis, bound=_bound_linear, scores=decide)
def freeze_linear(step: Step) -> Predictor:
    found: Predictor = freeze_classifier(make_plain(step))
    return found


def _score_jointly(bayes: Any, rows: Any) -> NDArray[np.float64]:
    """The joint log-likelihoods, of the shape (n_rows, n_labels)."""
    try:
        return bayes.predict_joint_log_proba(rows)  # type: ignore[no-any-return]
    except IndexError as error:  # of a category that CategoricalNB does not know
        raise ValueError(str(error)) from error


def _list_constants(bayes: GaussianNB) -> NDArray[np.float64]:
    """As its _joint_log_likelihood has them."""
    logs = np.log(2.0 * np.pi * bayes.var_)
    return np.log(bayes.class_prior_) - 0.5 * logs.sum(axis=1)  # type: ignore[no-any-return]


def _bound_gaussian(bayes: GaussianNB, given: Given) -> Errors:
    """(n+8)·ε·Σ(x-μ)²/σ², the roundings of logarithms, and what e moves the squares.

    The order of the sums is that of the rows in memory.
    """
    rows = densify(given.rows)
    logs = np.abs(np.log(bayes.class_prior_)) + np.abs(np.log(2.0 * np.pi * bayes.var_)).sum(axis=1)
    columns = []
    with np.errstate(all="ignore"):
        for mean, variances in zip(bayes.theta_, bayes.var_, strict=True):
            far = np.abs(rows - mean)
            sums = (far**2 / variances).sum(axis=1)
            off = (rows.shape[1] + 8) * EPSILON * sums + (TINY / variances).sum()
            if given.errors is not None:
                moved = given.errors * (2 * far + given.errors)
                off = off + (moved / variances).sum(axis=1) * (1 + rows.shape[1] * EPSILON)
            columns.append(off)
        found = np.stack(columns, axis=1) + (rows.shape[1] + ROUNDED + 2) * EPSILON * logs
    return limit(found)


@rule(GaussianNB, bound=_bound_gaussian, scores=_score_jointly)
def freeze_gaussian(step: Step) -> Predictor:
    bayes = step.estimator
    check_doubles(step)
    with np.errstate(divide="ignore"):  # refused below
        constants, weights = _list_constants(bayes), 0.5 / bayes.var_
    step.refuse(
        **{"sparse rows": step.is_sparse},
        theta_=bayes.theta_.dtype != np.float64 or bayes.theta_.shape[1] != step.width,
        var_=not np.isfinite(weights).all(),
        class_prior_=not np.isfinite(constants).all(),
    )
    settings = {"constants": constants.tolist(), "inputs": step.width}
    sections = {"means": doubles(bayes.theta_), "weights": doubles(weights)}
    answer = Op("classify", {"link": "bayes"}, {})
    return Predictor([Op("gaussian", settings, sections)], [answer])


@rule(CategoricalNB, scores=_score_jointly)
def freeze_categorical(step: Step) -> Predictor:
    bayes = step.estimator
    logs = bayes.feature_log_prob_
    step.refuse(
        **{"sparse rows": step.is_sparse},
        feature_log_prob_=not all(np.isfinite(one).all() for one in logs),
        class_log_prior_=not np.isfinite(bayes.class_log_prior_).all(),
    )
    settings = {
        "counts": [one.shape[1] for one in logs],
        "intercept": bayes.class_log_prior_.tolist(),
    }
    section = b"".join(doubles(one.T) for one in logs)
    answer = Op("classify", {"link": "bayes"}, {})
    return Predictor([Op("category_logs", settings, {"logs": section})], [answer])


def _score_quadratic(model: Any, rows: Any) -> NDArray[np.float64]:
    """The log posteriors but for a constant, of the shape (n_rows, n_labels)."""
    return model._decision_function(rows)  # type: ignore[no-any-return]


def _list_axes(model: Any) -> list[NDArray[np.float64]]:
    """Of each label the axes, of the shape (n_columns, n_axes), each as long as it counts."""
    return [
        rotation * scaling ** (-0.5)
        for rotation, scaling in zip(model.rotations_, model.scalings_, strict=True)
    ]


def _bound_quadratic(model: QuadraticDiscriminantAnalysis, given: Given) -> Errors:
    """(n+6)·ε of the sums, of their squares, and of the logarithms; and what e moves them."""
    rows = densify(given.rows)
    terms = (rows.shape[1] + 6) * EPSILON
    columns = []
    with np.errstate(all="ignore"):
        for mean, axes, prior, scaling in zip(
            model.means_, _list_axes(model), model.priors_, model.scalings_, strict=True
        ):
            far = rows - mean
            off = terms * np.abs(far) @ np.abs(axes)
            if given.errors is not None:
                off = off + (1 + terms) * given.errors @ np.abs(axes)
            along = np.abs(far @ axes)
            squares = np.square(along).sum(axis=1)
            logs = np.abs(np.log(scaling)).sum() + np.abs(np.log(prior))
            moved = (off * (2 * along + off)).sum(axis=1)
            columns.append(0.5 * moved + terms * squares + 2 * terms * logs)
    return limit(np.stack(columns, axis=1))


@rule(QuadraticDiscriminantAnalysis, bound=_bound_quadratic, scores=_score_quadratic)
def freeze_quadratic(step: Step) -> Predictor:
    model = step.estimator
    check_doubles(step)
    axes = _list_axes(model)
    logs = np.array([np.sum(np.log(one)) for one in model.scalings_])
    with np.errstate(divide="ignore"):  # refused below
        constants = np.log(model.priors_) - 0.5 * logs
    step.refuse(
        **{"sparse rows": step.is_sparse},
        rotations_=any(one.shape != (step.width, step.width) for one in axes)
        or any(one.dtype != np.float64 for one in axes)
        or not np.isfinite(axes).all(),
        priors_=not np.isfinite(constants).all(),
    )
    settings = {"constants": constants.tolist(), "inputs": step.width}
    sections = {
        "means": doubles(model.means_),
        "axes": b"".join(doubles(one.T) for one in axes),
    }
    answer = Op("classify", {"link": "softmax"}, {})
    return Predictor([Op("quadratic", settings, sections)], [answer])


def _follow_sums(model: Any, given: Given) -> Given:
    """What the link function of a generalized linear model is given."""
    weights = model.coef_.reshape(1, -1)
    values = np.asarray(given.rows @ model.coef_ + model.intercept_).reshape(-1, 1)
    return Given(values, bound_products(weights, model.intercept_, given))


def _bound_glm(model: Any, given: Given) -> Errors:
    """As of linear models; with a logarithmic link what that moves exp, and 4ε of the value."""
    found = _follow_sums(model, given if hasattr(given.rows, "indptr") else _as_array(given))
    return found.errors if _has_identity(model) else bound_function("exp", found)


def _as_array(given: Given) -> Given:
    return given._replace(rows=densify(given.rows))


def _has_identity(model: Any) -> bool:
    """Whether the link function leaves sums as they are.

    Raises:
        CannotFreeze: It is neither that nor the logarithm.
    """
    link = type(model._base_loss.link)
    if link not in (IdentityLink, LogLink):
        raise CannotFreeze(f"{type(model).__name__}: there is no frozen form for its link")
    return link is IdentityLink


@rule(*GLMS, bound=_bound_glm, scores=predict)
def freeze_glm(step: Step) -> Predictor:
    model = step.estimator
    step.refuse(coef_=type(model.coef_) is not np.ndarray or model.coef_.ndim != 1)
    weights, intercept = model.coef_.reshape(1, -1), np.reshape(model.intercept_, 1)
    ops = [score(make_plain(step), weights, intercept, explain=None)]
    if not _has_identity(model):
        ops.append(Op("function", {"name": "exp"}, {}))
    return Predictor(ops, [])

"""Linear models, naive Bayes among them: scores are sums of what a row has, times weights."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.linear_model import (
    ARDRegression,
    BayesianRidge,
    ElasticNet,
    ElasticNetCV,
    HuberRegressor,
    Lars,
    LarsCV,
    Lasso,
    LassoCV,
    LassoLars,
    LassoLarsCV,
    LassoLarsIC,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    OrthogonalMatchingPursuit,
    OrthogonalMatchingPursuitCV,
    PassiveAggressiveClassifier,
    PassiveAggressiveRegressor,
    Perceptron,
    QuantileRegressor,
    Ridge,
    RidgeClassifier,
    RidgeClassifierCV,
    RidgeCV,
    SGDClassifier,
    SGDRegressor,
    TheilSenRegressor,
)
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.svm import LinearSVC, LinearSVR

from training.freezing.file import Op
from training.freezing.registry import CannotFreeze, Given, Predictor, Step, find_errors, rule
from training.freezing.rounding import EPSILON

CLASSIFIERS = (
    LogisticRegression,
    LogisticRegressionCV,
    LinearSVC,
    PassiveAggressiveClassifier,
    Perceptron,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
)
REGRESSIONS = (
    ARDRegression,
    BayesianRidge,
    ElasticNet,
    ElasticNetCV,
    HuberRegressor,
    Lars,
    LarsCV,
    Lasso,
    LassoCV,
    LassoLars,
    LassoLarsCV,
    LassoLarsIC,
    LinearRegression,
    LinearSVR,
    OrthogonalMatchingPursuit,
    OrthogonalMatchingPursuitCV,
    PassiveAggressiveRegressor,
    QuantileRegressor,
    Ridge,
    RidgeCV,
    SGDRegressor,
    TheilSenRegressor,
)

Weights = tuple[NDArray[np.float64], NDArray[np.float64]]


def bound_products(
    weights: NDArray[np.float64], intercept: Any, given: Given
) -> NDArray[np.float64] | None:
    """How far the sums of products of rows and weights may be from BLAS's.

    A sum of n products in any order is within n·u·Σ|wx| of the exact one (Higham, "Accuracy and
    Stability of Numerical Algorithms", 3.1), u the unit roundoff; the frozen one, math.sumprod's,
    is within 2·u·Σ|wx|.
    Products of sparse rows are summed in one order, here and there.

    Args:
        weights: Of the shape (n_outputs, n_columns).
        intercept: A number an output, or one.
        given: The rows.

    Returns:
        Of the shape (n_rows, n_outputs).
    """
    if issparse(given.rows) and given.errors is None:
        return None
    size = np.abs(np.asarray(given.rows, np.float64)) @ np.abs(weights).T
    errors = EPSILON * ((weights.shape[1] + 3) * size + np.abs(intercept))
    if given.errors is not None:
        errors = errors + given.errors @ np.abs(weights).T * (1 + weights.shape[1] * EPSILON)
    return errors  # type: ignore[no-any-return]


def decide(classifier: Any, rows: Any) -> NDArray[np.float64]:
    """The classifier's own decision function, of the shape (n_rows, n_scores)."""
    found: NDArray[np.float64] = classifier.decision_function(rows)
    return found.reshape(len(found), -1)


def predict(regressor: Any, rows: Any) -> NDArray[np.float64]:
    """The regression's own values, of the shape (n_rows, 1)."""
    return np.asarray(regressor.predict(rows), np.float64).reshape(-1, 1)


def bound_linear(model: Any, given: Given) -> NDArray[np.float64] | None:
    """ε·((n+3)·Σ|wx| + |b|), and Σ|w|e; of sparse rows nothing.

    See `bound_products`.
    """
    return bound_products(np.atleast_2d(model.coef_), model.intercept_, given)


@rule(*CLASSIFIERS, bound=bound_linear, scores=decide)
def freeze_classifier(step: Step) -> Predictor:
    weights, intercept = _read(step)
    refuse_clipped(step, [[Op("classify", {"link": name_link(step.estimator)}, {})]], len(weights))
    link = Op("classify", {"link": name_link(step.estimator)}, {})
    return Predictor([score(step, weights, intercept)], [link], decides=True, weighs=True)


@rule(*REGRESSIONS, bound=bound_linear, scores=predict)
def freeze_regression(step: Step) -> Predictor:
    weights, intercept = step.estimator.coef_, step.estimator.intercept_
    step.refuse(coef_=type(weights) is not np.ndarray or weights.ndim != 1)
    weights, intercept = weights.reshape(1, -1), np.reshape(intercept, 1)
    return Predictor([score(step, weights, intercept, explain="value")], [], weighs=True)


def _read(step: Step) -> Weights:
    """Coefficients of the shape (n_scores, n_columns) and intercepts of the shape (n_scores,)."""
    classifier = step.estimator
    scores = len(classifier.classes_) if len(classifier.classes_) > 2 else 1  # noqa: PLR2004
    weights = classifier.coef_
    step.refuse(
        coef_=type(weights) is not np.ndarray,
        classes_=_is_multilabel(classifier)
        or np.atleast_2d(weights).shape[0] != scores
        or len(classifier.classes_) < 2,  # noqa: PLR2004
    )
    return np.atleast_2d(weights), np.broadcast_to(classifier.intercept_, scores)


def read_part(step: Step, classifier: Any) -> Weights:
    """The same of a classifier within another one."""
    part = Step(f"{step.name}, within it", classifier, step.given)
    part.check_part(classifier, *CLASSIFIERS)
    return _read(part)


def _is_multilabel(classifier: Any) -> bool:
    """Whether a RidgeClassifier, alone among these, was fitted to several labels a text."""
    binarizer = getattr(classifier, "_label_binarizer", None)
    return binarizer is not None and binarizer.y_type_.startswith("multilabel")


def name_link(classifier: Any) -> str | None:
    """How the classifier makes probabilities of its scores, if it does."""
    if not hasattr(classifier, "predict_proba"):
        return None
    binary = len(classifier.classes_) == 2  # noqa: PLR2004
    if isinstance(classifier, SGDClassifier):
        if classifier.loss == "modified_huber":
            return "modified_huber"
        return "logistic" if binary else "one_vs_rest"
    return "logistic" if binary else "softmax"


def refuse_clipped(step: Step, parts: list[list[Op]], scores: int) -> None:
    """Refuse the shares of several clipped scores, where these are not exact.

    All of them can be next to zero, and a rounding of one is then a large share. Of other links
    what is next to zero is as exact as what is not.

    Args:
        step: Of the classifier whose probabilities are shares.
        parts: Ops that make scores and answers of what it is given.
        scores: How many there are.

    Raises:
        CannotFreeze: It is so.
    """
    clips = any(_has_link(ops, "modified_huber") for ops in parts)
    if scores > 1 and clips and find_errors(step.estimator, step.given) is not None:
        step.refuse(**{"loss modified_huber over dense rows": True})


def _has_link(ops: list[Op], link: str) -> bool:
    return any(
        op.settings.get("link") == link or any(_has_link(part, link) for part in op.parts)
        for op in ops
    )


def join_errors(errors: list[NDArray[np.float64] | None]) -> NDArray[np.float64] | None:
    """The errors of numbers side by side, some of which may have none."""
    known = next((one for one in errors if one is not None), None)
    if known is None:
        return None
    return np.hstack([np.zeros_like(known) if one is None else one for one in errors])


def _join_log_likelihood(classifier: Any, rows: Any) -> NDArray[np.float64]:
    return classifier.predict_joint_log_proba(rows)  # type: ignore[no-any-return]


def _bound_naive_bayes(classifier: Any, given: Given) -> NDArray[np.float64] | None:
    """ε·((n+3)·Σ|wx| + |b|), and Σ|w|e; of sparse rows nothing.

    See `bound_products`.
    """
    intercept = getattr(classifier, "class_log_prior_", np.zeros(1))
    return bound_products(classifier.feature_log_prob_, intercept, given)


@rule(
    BernoulliNB,
    ComplementNB,
    MultinomialNB,
    bound=_bound_naive_bayes,
    scores=_join_log_likelihood,
)
def freeze_naive_bayes(step: Step) -> Predictor:
    classifier = step.estimator
    logs, threshold = classifier.feature_log_prob_, None
    step.refuse(classes_=len(classifier.classes_) < 2)  # noqa: PLR2004
    intercept = np.zeros(len(logs))
    if not isinstance(classifier, ComplementNB):
        intercept = classifier.class_log_prior_
    if isinstance(classifier, BernoulliNB):
        # As in its _joint_log_likelihood, so that each rounding is the same.
        with np.errstate(invalid="ignore", divide="ignore"):  # refused below
            absent = np.log(1 - np.exp(logs))
        intercept = intercept + absent.sum(axis=1)
        logs, threshold = logs - absent, _threshold(step)
    explain = None if isinstance(classifier, BernoulliNB) else "centred"
    ops = [score(step, logs, intercept, threshold=threshold, explain=explain)]
    return Predictor(ops, [Op("classify", {"link": "bayes"}, {})], weighs=explain is not None)


def _threshold(step: Step) -> float | None:
    """Over which a value counts for a BernoulliNB, if it is not taken as it is."""
    binarize = step.estimator.binarize
    if binarize is None:
        return None
    step.refuse(binarize=not _is_double(binarize) or not step.is_sparse)
    return float(binarize)


def _is_double(value: Any) -> bool:
    """Whether a number of any type is, exactly, a finite double."""
    try:
        return math.isfinite(value) and bool(float(value) == value)
    except OverflowError:
        return False


def score(  # noqa: PLR0913 - named where it is called
    step: Step,
    weights: NDArray[np.float64],
    intercept: NDArray[np.float64],
    *,
    models: int = 1,
    threshold: float | None = None,
    explain: str | None = "weights",
) -> Op:
    """The op that makes scores of a row: weights times values, plus an intercept.

    Args:
        step: Of the model; its examples say whether rows are sparse.
        weights: Of the shape (n_scores, n_columns).
        intercept: A number a score.
        models: Of how many classifiers the scores are, one after the other.
        threshold: Over which a value counts as 1 and else as 0, or None.
        explain: How weights explain an answer, as `Linear` has it; None if they do not.
    """
    # With alpha=0, say, a term that a class never had has the logarithm of zero.
    step.refuse(
        weights=weights.dtype != np.float64
        or not np.isfinite(weights).all()
        or weights.shape[1] != step.width,
        intercept=not np.can_cast(intercept.dtype, np.float64) or not np.isfinite(intercept).all(),
    )
    if not step.is_sparse:
        return _score_dense(step, weights, intercept, models=models, explain=explain)
    settings = {
        "intercept": intercept.tolist(),
        "threshold": threshold,
        "models": models,
        "explain": explain,
    }
    return Op("linear", settings, {"weights": weights.T.astype("<f8").tobytes()})


def _score_dense(
    step: Step,
    weights: NDArray[np.float64],
    intercept: NDArray[np.float64],
    *,
    models: int,
    explain: str | None,
) -> Op:
    kinds = getattr(step.given.rows, "dtypes", None)
    kinds = [step.given.rows.dtype] if kinds is None else list(kinds)
    single = [kind for kind in kinds if kind in (np.float16, np.float32)]
    if single:
        raise CannotFreeze(
            f"{step.name}: there is no frozen form for rows of {single[0]}: have the steps before "
            "it give double precision (float64)"
        )
    op = make_matrix(weights, intercept, models)
    if explain is not None:
        per_label = _explain(weights, models, explain)
        op.sections["coefficients"] = per_label.astype("<f8").tobytes()
    return op


def make_matrix(
    weights: NDArray[np.float64], intercept: NDArray[np.float64], models: int = 1
) -> Op:
    """The op of a product of dense rows and weights, of the shape (n_outputs, n_columns)."""
    settings = {
        "intercept": np.asarray(intercept).tolist(),
        "inputs": weights.shape[1],
        "models": models,
    }
    return Op("matrix", settings, {"weights": weights.T.astype("<f8").tobytes()})


def _explain(weights: NDArray[np.float64], models: int, explain: str) -> NDArray[np.float64]:
    """The weight of each column for each label, as engines/weights.py has it."""
    mean = weights.reshape(models, -1, weights.shape[1]).mean(axis=0)
    if explain == "centred":
        return mean - mean.mean(axis=0)
    return np.vstack([-mean, mean]) if len(mean) == 1 and explain == "weights" else mean

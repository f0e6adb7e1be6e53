"""Networks of layers: multi-layer perceptrons."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.neural_network._base import ACTIVATIONS
from sklearn.utils.extmath import safe_sparse_dot

from training.freezing.file import Op
from training.freezing.registry import Given, Predictor, Step, rule
from training.freezing.rounding import EPSILON, ROUNDED
from training.freezing.rules.linear import bound_products, predict, score

# How much of what goes into an activation comes out, at most.
SLOPES = {"identity": 1.0, "logistic": 0.25, "relu": 1.0, "tanh": 1.0}
OUTPUTS = {"logistic": "logistic", "softmax": "softmax"}


def _follow_layers(model: Any, rows: Any) -> NDArray[np.float64]:
    """What comes out of the last layer, before the output's own activation: (n_rows, n_scores)."""
    found = rows
    for number, (weights, intercept) in enumerate(
        zip(model.coefs_, model.intercepts_, strict=True)
    ):
        if number:
            ACTIVATIONS[model.activation](found)
        found = safe_sparse_dot(found, weights)
        found += intercept
    return found  # type: ignore[no-any-return]


def _bound_layers(model: Any, given: Given) -> NDArray[np.float64] | None:
    """As of linear models, layer by layer, and 4ε of what an activation gives."""
    for number, (weights, intercept) in enumerate(
        zip(model.coefs_, model.intercepts_, strict=True)
    ):
        errors = bound_products(weights.T, intercept, given)
        found = safe_sparse_dot(given.rows, weights)
        found += intercept
        if number < len(model.coefs_) - 1:
            ACTIVATIONS[model.activation](found)
            errors = _bound_activation(model.activation, found, errors)
        given = Given(found, errors)
    return given.errors


def _bound_activation(name: str, found: NDArray[np.float64], errors: Any) -> Any:
    if name in ("identity", "relu"):  # which only pass on
        return errors
    rounded = ROUNDED * EPSILON * np.abs(found)
    return rounded if errors is None else SLOPES[name] * errors + rounded


def _freeze_layers(step: Step) -> list[Op]:
    model = step.estimator
    step.refuse(activation=model.activation not in SLOPES)
    ops: list[Op] = []
    given = step.given
    for number, (weights, intercept) in enumerate(
        zip(model.coefs_, model.intercepts_, strict=True)
    ):
        if number and model.activation != "identity":
            ops.append(Op("activate", {"function": model.activation}, {}))
        layer = Step(step.name, model, given)
        ops.append(score(layer, weights.T, intercept, explain=None))
        given = Given(np.zeros((1, weights.shape[1])))
    return ops


@rule(MLPRegressor, bound=_bound_layers, scores=predict)
def freeze_regressor(step: Step) -> Predictor:
    step.refuse(
        **{"several outputs": step.estimator.n_outputs_ != 1},
        out_activation_=step.estimator.out_activation_ != "identity",
    )
    return Predictor(_freeze_layers(step), [])


@rule(MLPClassifier, bound=_bound_layers, scores=_follow_layers)
def freeze_classifier(step: Step) -> Predictor:
    model = step.estimator
    step.refuse(
        classes_=model._label_binarizer.y_type_.startswith("multilabel") or len(model.classes_) < 2,  # noqa: PLR2004
        out_activation_=model.out_activation_ not in OUTPUTS,
    )
    answer = Op("classify", {"link": OUTPUTS[model.out_activation_]}, {})
    return Predictor(_freeze_layers(step), [answer])

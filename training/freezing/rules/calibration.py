"""Calibrated classifiers: scores to probabilities by curves that were fitted to them.

Over linear classifiers by sigmoids there is one op for all scores, whose batches can go through
numpy; any other base has a part of its own for each classifier that was fitted.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import (
    CalibratedClassifierCV,
    _CalibratedClassifier,
    _SigmoidCalibration,
    _TemperatureScaling,
)
from sklearn.isotonic import IsotonicRegression

from training.freezing.file import Op
from training.freezing.registry import CannotFreeze, Given, Predictor, Step, rule
from training.freezing.rules.combine import bound_response, freeze_response, join, respond
from training.freezing.rules.linear import (
    CLASSIFIERS,
    bound_linear,
    join_errors,
    read_part,
    score,
)

CURVES = {
    "isotonic": IsotonicRegression,
    "sigmoid": _SigmoidCalibration,
    "temperature": _TemperatureScaling,
}


def _list_parts(classifier: CalibratedClassifierCV) -> list[Any]:
    return [one.estimator for one in classifier.calibrated_classifiers_]


def _is_linear(classifier: CalibratedClassifierCV) -> bool:
    """Whether all of it is one product of weights, and sigmoids."""
    methods = {one.method for one in classifier.calibrated_classifiers_}
    return methods == {"sigmoid"} and all(
        type(part) in CLASSIFIERS for part in _list_parts(classifier)
    )


def _respond_each(classifier: CalibratedClassifierCV, rows: Any) -> NDArray[np.float64]:
    return np.hstack([respond(part, rows) for part in _list_parts(classifier)])


def _bound_calibrated(classifier: CalibratedClassifierCV, given: Given) -> Any:
    """Its classifiers': it is their scores that are compared."""
    parts = _list_parts(classifier)
    if _is_linear(classifier):
        return join_errors([bound_linear(part, given) for part in parts])
    return join_errors([bound_response(part, given) for part in parts])


@rule(CalibratedClassifierCV, bound=_bound_calibrated, scores=_respond_each)
def freeze_calibrated(step: Step) -> Predictor:
    classifier = step.estimator
    within = Step(f"{step.name}, within it", None, step.given)
    for one in classifier.calibrated_classifiers_:
        within.check_part(one, _CalibratedClassifier)
        # Under temperature scaling a part knows labels by their numbers.
        known = np.arange(len(classifier.classes_))
        known = known if one.method == "temperature" else classifier.classes_
        step.refuse(
            method=one.method not in CURVES,
            classes_=not np.array_equal(one.estimator.classes_, known),
        )
        for calibrator in one.calibrators:
            within.check_part(calibrator, CURVES[one.method])
    return _freeze_linear(step) if _is_linear(classifier) else _freeze_parts(step)


def _freeze_linear(step: Step) -> Predictor:
    parts = step.estimator.calibrated_classifiers_
    linear = [read_part(step, one.estimator) for one in parts]
    settings = {
        "slopes": [[float(each.a_) for each in one.calibrators] for one in parts],
        "intercepts": [[float(each.b_) for each in one.calibrators] for one in parts],
    }
    weights = np.vstack([weights for weights, _ in linear])
    intercept = np.concatenate([intercept for _, intercept in linear])
    step.refuse(calibrators=not np.isfinite([*settings.values()]).all())
    within = step.at("within it", parts[0].estimator)
    ops = within.check_finite([score(step, weights, intercept, models=len(parts))])
    return Predictor(ops, [Op("calibrate", settings, {})], weighs=True)


def _freeze_parts(step: Step) -> Predictor:
    classifier = step.estimator
    labels = len(classifier.classes_)
    width = labels if labels > 2 else 1  # noqa: PLR2004
    parts, calibrators = [], []
    for number, one in enumerate(classifier.calibrated_classifiers_, start=1):
        part = Step(f"{step.name}, classifier {number} within it", one.estimator, step.given)
        parts.append(_freeze_part(part, one.method))
        decides = hasattr(one.estimator, "decision_function")
        calibrators.append([_read_curve(step, curve, decides) for curve in one.calibrators])
    settings = {
        "method": classifier.calibrated_classifiers_[0].method,
        "labels": labels,
        "width": width,
        "calibrators": calibrators,
    }
    answer = Op("calibrate_each", settings, {})
    return Predictor([join(step, parts, [width] * len(parts))], [answer])


def _freeze_part(part: Step, method: str) -> list[Op]:
    """The ops of what a curve is given."""
    if method == "isotonic" and bound_response(part.estimator, part.given) is not None:
        raise CannotFreeze(
            f"{part.name}: {type(part.estimator).__name__} has no frozen form under isotonic "
            "calibration: its numbers are scikit-learn's but for rounding, and a step of the curve "
            "would make another answer of them"
        )
    return freeze_response(part).ops


def _read_curve(step: Step, curve: Any, decides: bool) -> list[Any]:  # noqa: FBT001 - of one caller
    """A calibrator's numbers, as the op `calibrate_each` has them."""
    if isinstance(curve, _SigmoidCalibration):
        found: list[Any] = [float(curve.a_), float(curve.b_)]
    elif isinstance(curve, IsotonicRegression):
        step.refuse(out_of_bounds=curve.out_of_bounds != "clip")
        found = [curve.X_thresholds_.tolist(), curve.y_thresholds_.tolist()]
    else:
        found = [float(curve.beta_), not decides]
    flat = np.hstack([np.ravel(np.asarray(one, np.float64)) for one in found])
    step.refuse(calibrators=not np.isfinite(flat).all())
    return found

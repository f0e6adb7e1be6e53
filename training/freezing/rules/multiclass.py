"""Classifiers of many labels made of classifiers of two: each label against the rest, or another.

Over linear classifiers there is one op for all scores, whose batches can go through numpy; of any
other classifier each one has a part of its own.
"""

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_array

from serving.app.engines.frozen.ops.vectors import MAX_LABELS
from training.freezing.file import Op
from training.freezing.registry import Given, Predictor, Step, has_numbers, rule
from training.freezing.rounding import EPSILON
from training.freezing.rules.combine import (
    bound_response,
    freeze_response,
    join,
    refuse_within,
    respond,
)
from training.freezing.rules.linear import (
    CLASSIFIERS,
    decide,
    join_errors,
    name_link,
    read_part,
    refuse_clipped,
    score,
)

STEEPEST = 1 / 3  # the largest slope of x / (3 (|x| + 1)), which makes of a sum a part of a vote


def _freeze_linear(step: Step, explain: str | None) -> tuple[list[Op], list[list[Op]]]:
    """The ops of all scores, and for each the ops of the answer to it."""
    classifiers = step.estimator.estimators_
    read = [read_part(step, one) for one in classifiers]
    weights = np.vstack([weights for weights, _ in read])
    intercept = np.concatenate([intercept for _, intercept in read])
    answers = [[Op("classify", {"link": name_link(one)}, {})] for one in classifiers]
    scores = score(step, weights, intercept, explain=explain)
    return step.at("within it", classifiers[0]).check_finite([scores]), answers


def _is_linear(classifier: Any) -> bool:
    return all(type(one) in CLASSIFIERS for one in classifier.estimators_)


def _list_parts(step: Step) -> list[Step]:
    """The classifiers within, each as a step."""
    found = []
    for number, one in enumerate(step.estimator.estimators_, start=1):
        part = step.at(f"classifier {number} within it", one)
        part.refuse(classes_=len(getattr(one, "classes_", (0, 1))) != 2)  # noqa: PLR2004
        found.append(part)
    return found


def _respond_each(classifier: OneVsRestClassifier, rows: Any) -> NDArray[np.float64]:
    return np.hstack([respond(one, rows) for one in classifier.estimators_])


def _bound_rest(classifier: OneVsRestClassifier, given: Given) -> NDArray[np.float64] | None:
    """Its classifiers', of their scores, or of probabilities where they have no scores."""
    return join_errors([bound_response(one, given) for one in classifier.estimators_])


@rule(OneVsRestClassifier, bound=_bound_rest, scores=_respond_each)
def freeze_one_vs_rest(step: Step) -> Predictor:
    classifier = step.estimator
    Step(f"{step.name}, within it", None, step.given).check_part(
        classifier.label_binarizer_, LabelBinarizer
    )
    step.refuse(classes_=classifier.multilabel_)
    probable, linear = hasattr(classifier, "predict_proba"), _is_linear(classifier)
    if linear:
        ops, answers = _freeze_linear(step, "weights")
    else:
        parts = [freeze_response(one) for one in _list_parts(step)]
        ops = [join(step, [one.ops for one in parts], [1] * len(parts))]
        answers = [one.answer for one in parts]
    if probable:
        refuse_clipped(step, [*(one for op in ops for one in op.parts), *answers], len(answers))
    link = _merge_links(answers, probable)
    answer = Op("classify", link, {}) if link else Op("rest", {"probable": probable}, {}, answers)
    decides = hasattr(classifier, "decision_function")
    return Predictor(ops, [answer], decides=decides, weighs=linear)


def _merge_links(answers: list[list[Op]], probable: bool) -> dict[str, Any] | None:  # noqa: FBT001
    """The settings of the one op that answers as all of these, if there is one: it is faster."""
    links = {op.settings.get("link", op.type) for ops in answers for op in ops}
    if not all(answers) or any(set(op.settings) != {"link"} for ops in answers for op in ops):
        return None
    if not probable:
        return {"link": None}
    if links == {"logistic"}:
        return {"link": "logistic" if len(answers) == 1 else "one_vs_rest_classifier"}
    return None


def _check_rows(given: Given) -> Given:
    """The rows as a OneVsOneClassifier hands them on: of a table it makes an array."""
    rows = check_array(given.rows, accept_sparse=True, ensure_all_finite=False)
    return given._replace(rows=rows)


def _bound_duels(classifier: OneVsOneClassifier, given: Given) -> NDArray[np.float64] | None:
    """Of each of k labels a third of its classifiers', and 2k·ε; 1 where a vote could turn."""
    given = _check_rows(given)
    errors = [bound_response(one, given) for one in classifier.estimators_]
    if all(one is None for one in errors):
        return None
    labels = len(classifier.classes_)
    moved = np.zeros((given.rows.shape[0], labels))
    pairs = combinations(range(labels), 2)
    for pair, one, error in zip(pairs, classifier.estimators_, errors, strict=True):
        said = respond(one, given.rows)
        off = 2 * labels * EPSILON * np.abs(said)
        if error is not None:
            turned = np.abs(said - _find_threshold(one)) <= error
            off = off + error + turned / STEEPEST
        moved[:, pair] += STEEPEST * off
    moved += 2 * labels * EPSILON
    return moved[:, 1:] if labels == 2 else moved  # noqa: PLR2004


def _find_threshold(classifier: Any) -> float:
    """A response above this is for the second label."""
    return 0.0 if hasattr(classifier, "decision_function") else 0.5


@rule(OneVsOneClassifier, bound=_bound_duels, scores=decide)
def freeze_one_vs_one(step: Step) -> Predictor:
    classifier = step.estimator
    labels = len(classifier.classes_)
    step.refuse(
        **{"rows that are not of numbers": not (step.is_sparse or has_numbers(step.given.rows))},
        pairwise_indices_=classifier.pairwise_indices_ is not None,
        classes_=labels > MAX_LABELS,
    )
    inner = Step(step.name, classifier, _check_rows(step.given))
    over = _find_threshold(classifier.estimators_[0])
    answer = Op("classify", {"link": None, "over": over}, {})
    duels = [*_freeze_duels(inner), Op("duels", {"labels": labels}, {})]
    return Predictor(duels, [answer], decides=True)


def _freeze_duels(step: Step) -> list[Op]:
    """The ops that make of a row a label and a score a classifier, one after the other."""
    if not _is_linear(step.estimator):
        parts = list(map(_freeze_duel, _list_parts(step)))
        return [join(step, parts, [2] * len(parts))]
    ops, answers = _freeze_linear(step, None)
    settings = {
        "takes": "values",
        "columns": [[number] for number in range(len(answers))],
        "widths": [2] * len(answers),
        "factors": [None] * len(answers),
        "sparse": False,
    }
    return [*ops, Op("join", settings, {}, [[_decide(answer)] for answer in answers])]


def _decide(answer: list[Op]) -> Op:
    return Op("decided", {}, {}, [answer])


def _freeze_duel(part: Step) -> list[Op]:
    if hasattr(part.estimator, "decision_function"):
        found = freeze_response(part)
        return [*found.ops, _decide(found.answer)]
    found = part.freeze_model()
    refuse_within(part, predict_proba=True)
    return [*found.ops, *found.answer, Op("decided", {}, {})]

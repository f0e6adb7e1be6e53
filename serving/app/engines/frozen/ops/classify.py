"""Scores to label and probabilities, as scikit-learn's classifiers do it.

Sums run in the order of scikit-learn's own source, so labels are its own; probabilities differ by
what a rounding of exp() may.
"""

from __future__ import annotations

from math import exp, log, log1p

from serving.app import native
from serving.app.engines.frozen.ops.shares import expit, share

Outcome = tuple[int, "list[float] | None"]  # a label's number, a probability a label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile


class Classify:
    """Scores to a label and, where the classifier offers them, probabilities.

    Settings: `link`, a name of `LINKS`, or null; `tie`, the label of a single score of zero;
    `over`, what a single score has to be over, if not zero, for the second label.
    """

    takes, gives = "values", "outcome"

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._link = _find_link(op["link"]) if op["link"] else None
        self._tie: int = op.get("tie", 0)
        self._over: float = op.get("over", 0.0)

    def __call__(self, scores: list[float]) -> Outcome:
        if len(scores) > 1:
            label = scores.index(max(scores))
        else:
            label = int(scores[0] > self._over) if scores[0] != self._over else self._tie
        return label, self._link(scores) if self._link else None


class Probabilities:
    """An outcome to its probabilities: for what takes a classifier's as numbers."""

    takes, gives = "outcome", "values"

    def __init__(self, _: FrozenFile, __: dict[str, Any]) -> None:
        pass

    def __call__(self, outcome: Outcome) -> list[float]:
        if outcome[1] is None:
            raise ValueError("a classifier without probabilities")
        return outcome[1]


def _softmax(scores: list[float]) -> list[float]:
    top = max(scores)
    return share([exp(score - top) for score in scores])


def _logistic(scores: list[float]) -> list[float]:
    probability = expit(scores[0])
    return [1 - probability, probability]


def _half_logistic(scores: list[float]) -> list[float]:
    """Of boosting with the exponential loss."""
    return _logistic([2 * scores[0]])


def _ada_boost(scores: list[float]) -> list[float]:
    """AdaBoostClassifier's."""
    if len(scores) == 1:
        return _softmax([-scores[0] / 2, scores[0] / 2])
    return _softmax([score / (len(scores) - 1) for score in scores])


def _one_vs_rest(scores: list[float]) -> list[float]:
    """LinearClassifierMixin's: uniform where all are zero."""
    return share(list(map(expit, scores)))


def _one_vs_rest_classifier(scores: list[float]) -> list[float]:
    """OneVsRestClassifier's: zeros where all are zero."""
    found = list(map(expit, scores))
    return share(found) if any(found) else found


def _modified_huber(scores: list[float]) -> list[float]:
    found = [(min(max(score, -1.0), 1.0) + 1.0) / 2.0 for score in scores]
    return share(found) if len(found) > 1 else [1 - found[0], found[0]]


def _bayes(scores: list[float]) -> list[float]:
    """Joint log-likelihoods to probabilities, by scikit-learn's own log-sum-exp."""
    top = max(scores)
    rest = sum(exp(score - top) for score in scores if score != top)
    ties = scores.count(top)
    total = log1p(rest / ties) + log(ties) + top
    return [exp(score - total) for score in scores]


def _as_they_are(scores: list[float]) -> list[float]:
    """Of a model whose scores are probabilities."""
    return [1.0 - scores[0], scores[0]] if len(scores) == 1 else scores


LINKS = {
    "ada_boost": _ada_boost,
    "as_they_are": _as_they_are,
    "softmax": _softmax,
    "half_logistic": _half_logistic,
    "logistic": _logistic,
    "one_vs_rest": _one_vs_rest,
    "one_vs_rest_classifier": _one_vs_rest_classifier,
    "modified_huber": _modified_huber,
    "bayes": _bayes,
}


def _find_link(name: str) -> Any:
    """The function of a name, the kernel's where it has one."""
    return native.kernel.softmax if native.kernel and name == "softmax" else LINKS[name]

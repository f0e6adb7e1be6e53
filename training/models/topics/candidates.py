"""The classifiers that the topics model is chosen from."""

from collections.abc import Callable, Iterator
from typing import Any

from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import ComplementNB
from sklearn.svm import LinearSVC

from training.candidates import Candidate, list_candidates
from training.params import Train

CALIBRATION_FOLDS = 3


def _logistic_regression(_: int, **settings: Any) -> Any:
    return LogisticRegression(max_iter=1000, **settings)


def _complement_naive_bayes(_: int, **settings: Any) -> Any:
    return ComplementNB(**settings)


def _linear_svm(seed: int, **settings: Any) -> Any:
    # A support vector machine has no probabilities of its own. One sigmoid per class, fitted on
    # out-of-fold scores; ensemble=False keeps one machine rather than one per fold.
    machine = LinearSVC(random_state=seed, **settings)
    return CalibratedClassifierCV(machine, cv=CALIBRATION_FOLDS, ensemble=False)


def _sgd(seed: int, **settings: Any) -> Any:
    return SGDClassifier(loss="log_loss", random_state=seed, **settings)


CLASSIFIERS: dict[str, Callable[..., Any]] = {
    "logistic_regression": _logistic_regression,
    "complement_naive_bayes": _complement_naive_bayes,
    "linear_svm": _linear_svm,
    "sgd": _sgd,
}


def candidates(params: Train) -> Iterator[Candidate]:
    """Every candidate of params.yaml; StepError as of `list_candidates`."""
    return list_candidates(params, CLASSIFIERS)

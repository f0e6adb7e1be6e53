"""The topics model: of which topic a text is."""

from typing import Any

from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import ComplementNB
from sklearn.svm import LinearSVC

from training.contract import Model

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


MODEL = Model(
    title="Topics",
    description="Tells of which of some topics a text in English is.",
    candidates={
        "logistic_regression": _logistic_regression,
        "complement_naive_bayes": _complement_naive_bayes,
        "linear_svm": _linear_svm,
        "sgd": _sgd,
    },
)

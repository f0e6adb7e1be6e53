"""The tests' own model."""

from collections.abc import Callable
from typing import Any

from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import ComplementNB
from sklearn.svm import LinearSVC

from training.contract import Model


def _linear_svm(seed: int, **settings: Any) -> Any:
    machine = LinearSVC(random_state=seed, **settings)
    return CalibratedClassifierCV(machine, cv=3, ensemble=False)


CLASSIFIERS: dict[str, Callable[..., Any]] = {
    "logistic_regression": lambda _, **settings: LogisticRegression(**settings),
    "complement_naive_bayes": lambda _, **settings: ComplementNB(**settings),
    "linear_svm": _linear_svm,
    "sgd": lambda seed, **settings: SGDClassifier(loss="log_loss", random_state=seed, **settings),
    "forest": lambda seed, **settings: RandomForestClassifier(random_state=seed, **settings),
    "no_probabilities": lambda seed, **settings: LinearSVC(random_state=seed, **settings),
}

MODEL = Model("Sample", "Tells of which words a text is.", CLASSIFIERS)

"""The classifiers that the tests' own model is chosen from."""

from collections.abc import Callable, Iterator
from typing import Any

from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import ComplementNB
from sklearn.svm import LinearSVC

from training.candidates import Candidate, list_candidates
from training.params import Train


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


def candidates(params: Train) -> Iterator[Candidate]:
    return list_candidates(params, CLASSIFIERS)

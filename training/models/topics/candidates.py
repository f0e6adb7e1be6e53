"""The pipelines that training compares."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import ParameterGrid
from sklearn.naive_bayes import ComplementNB
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

from serving.app.features import normalize
from training.console import StepError
from training.params import Grid, Train

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


@dataclass(frozen=True)
class Candidate:
    """A pipeline that is not fitted yet, its classifier's name and settings."""

    name: str
    settings: dict[str, float]
    pipeline: Pipeline

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v:g}' for k, v in self.settings.items())})"


def candidates(params: Train) -> Iterator[Candidate]:
    """Every candidate of params.yaml, in its order, grids spelt out.

    Raises:
        StepError: A candidate's name, or a setting of it or of the vectorizer, is unknown.
    """
    for name, grid in params.candidates.items():
        if name not in CLASSIFIERS:
            raise StepError(
                f"params.yaml: train.candidates.{name} is unknown: there are "
                f"{', '.join(CLASSIFIERS)} (training/models/topics/candidates.py)"
            )
        for settings in ParameterGrid(_lists(grid)):
            vectorizer = build_vectorizer(params.vectorizer)
            try:
                classifier = CLASSIFIERS[name](params.seed, **settings)
            except TypeError as error:
                raise StepError(f"params.yaml: train.candidates.{name}: {error}") from None
            steps = [("vectorizer", vectorizer), ("classifier", classifier)]
            yield Candidate(name, settings, Pipeline(steps))


def build_vectorizer(options: dict[str, Any]) -> TfidfVectorizer:
    """The vectorizer of params.yaml, with the preprocessing that serving shares.

    Raises:
        StepError: A setting is unknown.
    """
    # YAML has lists only, and scikit-learn checks for a tuple.
    settings = {key: tuple(v) if isinstance(v, list) else v for key, v in options.items()}
    try:
        return TfidfVectorizer(preprocessor=normalize, **settings)
    except TypeError as error:
        raise StepError(f"params.yaml: train.vectorizer: {error}") from None


def _lists(grid: Grid) -> dict[str, list[float]]:
    return {key: value if isinstance(value, list) else [value] for key, value in grid.items()}

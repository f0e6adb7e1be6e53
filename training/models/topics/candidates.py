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
from training.params import Settings, Train

CALIBRATION_FOLDS = 3
# What train.vectorizer.preprocessing can be; without one, text is read as scikit-learn reads it.
PREPROCESSING: dict[Any, Callable[[str], str] | None] = {None: None, "letters": normalize}


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
    settings: dict[str, Any]
    pipeline: Pipeline

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v!r}' for k, v in self.settings.items())})"


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
        for settings in ParameterGrid(_spell_out(grid)):
            vectorizer = build_vectorizer(params.vectorizer)
            try:
                classifier = CLASSIFIERS[name](params.seed, **settings)
            except TypeError as error:
                raise StepError(f"params.yaml: train.candidates.{name}: {error}") from None
            steps = [("vectorizer", vectorizer), ("classifier", classifier)]
            yield Candidate(name, settings, Pipeline(steps))


def build_vectorizer(options: Settings) -> TfidfVectorizer:
    """The vectorizer of params.yaml, with the preprocessing that it names.

    Raises:
        StepError: A setting is unknown.
    """
    settings = {name: _freeze(value) for name, value in options.items()}
    preprocessing = settings.pop("preprocessing", None)
    try:
        return TfidfVectorizer(preprocessor=PREPROCESSING[preprocessing], **settings)
    except KeyError:
        raise StepError(
            f"params.yaml: train.vectorizer.preprocessing: {preprocessing!r} is none of "
            f"{', '.join(filter(None, PREPROCESSING))} (training/models/topics/candidates.py)"
        ) from None
    except TypeError as error:
        raise StepError(f"params.yaml: train.vectorizer: {error}") from None


def _spell_out(grid: Settings) -> dict[str, list[Any]]:
    """The values of each setting."""
    lists = {name: value if isinstance(value, list) else [value] for name, value in grid.items()}
    return {name: [_freeze(value) for value in values] for name, values in lists.items()}


def _freeze(value: Any) -> Any:
    """YAML has lists only, and scikit-learn checks for a tuple."""
    return tuple(map(_freeze, value)) if isinstance(value, list) else value

"""The pipelines that training compares: params.yaml's grids of a model's classifiers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline

from serving.app.features import normalize
from training.console import StepError
from training.params import Settings, Train
from training.paths import TOPICS

# What train.vectorizer.preprocessing can be; without one, text is read as scikit-learn reads it.
PREPROCESSING: dict[Any, Callable[[str], str] | None] = {None: None, "letters": normalize}


@dataclass(frozen=True)
class Candidate:
    """A pipeline that is not fitted yet, its classifier's name and settings."""

    name: str
    settings: dict[str, Any]
    pipeline: Pipeline

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v!r}' for k, v in self.settings.items())})"


def list_candidates(
    params: Train, classifiers: Mapping[str, Callable[..., Any]]
) -> Iterator[Candidate]:
    """Every candidate of params.yaml, in its order, grids spelt out.

    Args:
        params: The section `train`.
        classifiers: By name, what makes a classifier of the seed and its settings.

    Raises:
        StepError: A candidate's name, or a setting of it or of the vectorizer, is unknown.
    """
    for name, grid in params.candidates.items():
        if name not in classifiers:
            raise StepError(
                f"params.yaml: train.candidates.{name} is unknown: there are "
                f"{', '.join(classifiers)} ({TOPICS}/candidates.py)"
            )
        for settings in ParameterGrid(_spell_out(grid)):
            vectorizer = build_vectorizer(params.vectorizer)
            try:
                classifier = classifiers[name](params.seed, **settings)
            except TypeError as error:
                raise StepError(f"params.yaml: train.candidates.{name}: {error}") from None
            steps = [("vectorizer", vectorizer), ("classifier", classifier)]
            yield Candidate(name, settings, Pipeline(steps))


def build_vectorizer(options: Settings) -> TfidfVectorizer:
    """The vectorizer of params.yaml, with the preprocessing that it names.

    Raises:
        StepError: A setting is unknown.
    """
    # Of all its settings scikit-learn wants stop words alone as a list.
    settings = {
        name: value if name == "stop_words" else _freeze(value) for name, value in options.items()
    }
    preprocessing = settings.pop("preprocessing", None)
    try:
        return TfidfVectorizer(preprocessor=PREPROCESSING[preprocessing], **settings)
    except KeyError:
        raise StepError(
            f"params.yaml: train.vectorizer.preprocessing: {preprocessing!r} is none of "
            f"{', '.join(filter(None, PREPROCESSING))} (training/candidates.py)"
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

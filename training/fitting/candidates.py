"""The pipelines that training compares: params.yaml's grids of a model's candidates."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline

from training.console import StepError
from training.settings.params import Settings, Train, freeze_lists
from training.text.vectorizer import build_vectorizer


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
                f"{', '.join(classifiers)} (model.py beside it)"
            )
        for settings in ParameterGrid(_spell_out(grid)):
            vectorizer = build_vectorizer(params.vectorizer)
            try:
                classifier = classifiers[name](params.seed, **settings)
            except TypeError as error:
                raise StepError(f"params.yaml: train.candidates.{name}: {error}") from None
            steps = [("vectorizer", vectorizer), ("classifier", classifier)]
            yield Candidate(name, settings, Pipeline(steps))


def _spell_out(grid: Settings) -> dict[str, list[Any]]:
    """The values of each setting."""
    lists = {name: value if isinstance(value, list) else [value] for name, value in grid.items()}
    return {name: [freeze_lists(value) for value in values] for name, values in lists.items()}

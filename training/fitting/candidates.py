"""The pipelines that training compares: params.yaml's grids of a model's candidates."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline

from training.console import StepError
from training.paths import Paths
from training.settings.params import Settings, Train, freeze_lists
from training.text.vectorizer import build_vectorizer


@dataclass(frozen=True)
class Candidate:
    """An estimator that is not fitted yet, most often a pipeline; its name and settings."""

    name: str
    settings: dict[str, Any]
    pipeline: Any

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v!r}' for k, v in self.settings.items())})"


def list_candidates(
    params: Train, factories: Mapping[str, Callable[..., Any]]
) -> Iterator[Candidate]:
    """Every candidate of params.yaml, in its order, grids spelt out.

    Args:
        params: The section `train`. With a `vectorizer` each candidate stands behind that one.
        factories: By name, what makes an estimator of the seed and its settings.

    Raises:
        StepError: A candidate's name, or a setting of it or of the vectorizer, is unknown.
    """
    for name, grid in params.candidates.items():
        if name not in factories:
            raise StepError(
                f"params.yaml: train.candidates.{name} is unknown: there are "
                f"{', '.join(factories)} (model.py beside it)"
            )
        for settings in ParameterGrid(_spell_out(grid)):
            try:
                estimator = factories[name](params.seed, **settings)
            except TypeError as error:
                raise StepError(f"params.yaml: train.candidates.{name}: {error}") from None
            if params.vectorizer is not None:
                vectorizer = build_vectorizer(params.vectorizer)
                estimator = Pipeline([("vectorizer", vectorizer), ("classifier", estimator)])
            yield Candidate(name, settings, estimator)


def find_chosen(
    paths: Paths, params: Train, factories: Mapping[str, Callable[..., Any]]
) -> Candidate:
    """The candidate that the step `train` has chosen, not fitted.

    Raises:
        StepError: The comparison cannot be read, params.yaml has no such candidate any more, or as
            of `list_candidates`.
    """
    best = paths.read_json(paths.comparison)["best"]
    for candidate in list_candidates(params, factories):
        if str(candidate) == best:
            return candidate
    raise StepError(
        f"{paths.params}: train.candidates has no {best} any more: {paths.make('train')} chooses "
        "another"
    )


def _spell_out(grid: Settings) -> dict[str, list[Any]]:
    """The values of each setting."""
    lists = {name: value if isinstance(value, list) else [value] for name, value in grid.items()}
    return {name: [freeze_lists(value) for value in values] for name, values in lists.items()}

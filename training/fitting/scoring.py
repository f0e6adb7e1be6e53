"""The scoring function by which models are compared."""

from collections.abc import Callable

from sklearn.metrics import get_scorer, get_scorer_names

from training.console import StepError


def find_scorer(name: str) -> Callable[..., float]:
    """One of scikit-learn's scorers.

    Raises:
        StepError: There is none of that name.
    """
    if name not in get_scorer_names():
        raise StepError(f"params.yaml: train.scoring {name!r} is none of scikit-learn's scorers")
    scorer: Callable[..., float] = get_scorer(name)
    return scorer

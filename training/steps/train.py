"""Step train: compare the candidates by cross-validation, fit the best one on all of the part.

The rule: the highest mean score over the folds wins; on a tie, the one named earlier in
params.yaml. Only the training part has a say.
"""

import json
import math
import os
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import joblib
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.utils import _safe_indexing as take_rows

from training.console import StepError, progress, say
from training.contract import read_model
from training.data.dataset import read_examples
from training.definition import read_definition
from training.fitting.candidates import Candidate, list_candidates
from training.fitting.scoring import find_scorer
from training.fitting.strip import strip
from training.parallel.fingerprint import check_arithmetic
from training.paths import Paths, run_for_model
from training.settings.params import Train


def main(paths: Paths) -> None:
    """Write the model and the comparison."""
    check_arithmetic()
    definition, examples = read_definition(paths), read_examples(paths.train)
    params = definition.params.train
    values = definition.input.shape(one.input for one in examples)
    targets = definition.task.read_targets(examples)
    folds = definition.task.make_folds(targets, params.folds, params.seed)
    candidates = list(list_candidates(params, read_model(paths.name).candidates))
    compared = compare(candidates, values, targets, folds, find_scorer(params.scoring))
    best = choose(compared, params.tolerance)
    for candidate, scores in compared:
        mark = "*" if candidate is best else " "
        say(f" {mark} {scores.mean():,.4f} ± {scores.std():,.4f}  {candidate}")
    say(f"fitting {best} on all {len(examples):,} examples")
    paths.model.parent.mkdir(parents=True, exist_ok=True)
    joblib.dump(fit(best.pipeline, values, targets), paths.model)
    say(f"wrote {paths.model} ({paths.model.stat().st_size / 1e6:.1f} MB)")
    write_comparison(paths, compared, best, params)


def compare(
    compared: list[Candidate], values: Any, targets: Any, folds: Any, scorer: Callable[..., float]
) -> list[tuple[Candidate, np.ndarray[Any, np.dtype[np.float64]]]]:
    """Cross-validate the candidates, each on the same folds, here or on a Dask cluster.

    Args:
        compared: Not fitted.
        values: The training part's inputs in scikit-learn's form.
        targets: Its targets; shape (n_examples,).
        folds: What splits it.
        scorer: One of scikit-learn's.

    Returns:
        Each candidate with its scores, one a fold.

    Raises:
        StepError: A candidate cannot be fitted, or the cluster that the environment names cannot
            do it.
    """
    with find_machines([values, targets]) as wrap:
        jobs = [
            joblib.delayed(wrap(score_fold))(candidate, values, targets, split, scorer)
            for split in enumerate(folds.split(values, targets))
            for candidate in enumerate(compared)
        ]
        # As they end, so that the bar moves: in order, all wait for the first, the slowest one.
        done = joblib.Parallel(n_jobs=-1, return_as="generator_unordered")(jobs)
        scores = np.empty((len(compared), folds.get_n_splits()))
        for place, score in progress(done, len(jobs), "comparing candidates"):
            scores[place] = score
    return list(zip(compared, scores, strict=True))


def find_machines(data: list[Any]) -> AbstractContextManager[Callable[[Any], Any]]:
    """Where joblib computes while this is open: on this machine's cores, or a Dask cluster.

    Args:
        data: Arguments that all tasks have.

    Raises:
        StepError: The environment names a cluster, and Dask is not installed.
    """
    # Dask's own name for it.
    address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    if not address:
        return nullcontext(lambda function: function)
    try:
        from training.parallel.cluster import use_cluster  # noqa: PLC0415 Dask is not for everyone
    except ModuleNotFoundError as error:
        raise StepError(
            f"DASK_SCHEDULER_ADDRESS is set, but {error.name} is not installed: "
            f"make train DASK={address}"
        ) from None
    return use_cluster(address, data)


def score_fold(
    numbered: tuple[int, Candidate],
    values: Any,
    targets: Any,
    fold: Any,
    scorer: Callable[..., float],
) -> tuple[tuple[int, int], float]:
    """Fit on one fold's training rows, score on its others.

    Returns:
        The numbers of the candidate and of the fold, and the score.
    """
    row, candidate = numbered
    column, (train, test) = fold
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            candidate.pipeline.fit(take_rows(values, train), targets[train])
            # An AttributeError says that a score of probabilities finds none.
            found = scorer(candidate.pipeline, take_rows(values, test), targets[test])
        except (AttributeError, ConvergenceWarning, TypeError, ValueError) as error:
            raise StepError(f"params.yaml: candidate {candidate}: {error}") from None
    if not math.isfinite(found):
        raise StepError(f"params.yaml: candidate {candidate}: its score is {found}, no number")
    return (row, column), found


def choose(compared: list[tuple[Candidate, Any]], tolerance: float) -> Candidate:
    """The first candidate whose mean score is within `tolerance` of the highest."""
    least = max(scores.mean() for _, scores in compared) - tolerance
    return next(candidate for candidate, scores in compared if scores.mean() >= least)


def fit(pipeline: Any, values: Any, targets: Any) -> Any:
    """Fit on all examples and strip what only training needs.

    Raises:
        StepError: It does not predict the same, bit for bit, when stripped.
    """
    if isinstance(pipeline, FrozenEstimator):  # fitted elsewhere
        return pipeline.estimator
    pipeline.fit(values, targets.tolist())  # of an array, a classifier keeps views in its pickle
    before, few = predict(pipeline, values), values[:1]
    strip(pipeline, few)
    if not all(map(np.array_equal, before, predict(pipeline, values))):
        raise StepError("stripping changed the predictions: see training/fitting/strip.py")
    strip(pipeline, few)  # predicting left its traces
    return pipeline


def predict(pipeline: Any, values: Any) -> list[Any]:
    """The labels or values and, where the classifier offers them, the probabilities."""
    methods = [name for name in ("predict", "predict_proba") if hasattr(pipeline, name)]
    return [getattr(pipeline, name)(values) for name in methods]


def write_comparison(
    paths: Paths, compared: list[tuple[Candidate, Any]], best: Candidate, params: Train
) -> None:
    """Write what was compared and what came of it."""
    report = {
        "scoring": params.scoring,
        "folds": params.folds,
        "best": str(best),
        "candidates": [
            {
                "name": str(candidate),
                "mean": float(scores.mean()),
                "std": float(scores.std()),
                "scores": scores.tolist(),
            }
            for candidate, scores in compared
        ],
    }
    paths.comparison.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    run_for_model(main)

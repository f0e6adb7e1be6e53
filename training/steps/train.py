"""Step train: compare the candidates by cross-validation, fit the best one on all of the part.

The rule: the highest mean score over the folds wins; on a tie, the one named earlier in
params.yaml. Only the training part has a say.
"""

import json
import os
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import joblib
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold

from training.console import StepError, progress, say
from training.contract import read_model
from training.data.dataset import Document, read_documents
from training.fitting.candidates import Candidate, list_candidates
from training.fitting.scoring import find_scorer
from training.fitting.strip import strip
from training.parallel.fingerprint import check_arithmetic
from training.paths import Paths, run_for_model
from training.settings.params import Train, read_params


def main(paths: Paths) -> None:
    """Write the model and the comparison."""
    check_arithmetic()
    params = read_params(paths.params).train
    documents = read_documents(paths.train)
    compared = compare(
        list(list_candidates(params, read_model(paths.name).candidates)), documents, params
    )
    best = choose(compared)
    for candidate, scores in compared:
        mark = "*" if candidate is best else " "
        say(f" {mark} {scores.mean():.4f} ± {scores.std():.4f}  {candidate}")
    say(f"fitting {best} on all {len(documents):,} documents")
    paths.model.parent.mkdir(parents=True, exist_ok=True)
    joblib.dump(fit(best.pipeline, documents), paths.model)
    say(f"wrote {paths.model} ({paths.model.stat().st_size / 1e6:.1f} MB)")
    write_comparison(paths, compared, best, params)


def compare(
    compared: list[Candidate], documents: list[Document], params: Train
) -> list[tuple[Candidate, np.ndarray[Any, np.dtype[np.float64]]]]:
    """Cross-validate the candidates, each on the same folds, here or on a Dask cluster.

    Returns:
        Each candidate with its scores, one a fold.

    Raises:
        StepError: There is no such scorer, a class has fewer documents than there are folds, a
            candidate cannot be fitted, or the cluster that the environment names cannot do it.
    """
    scorer = find_scorer(params.scoring)
    texts = np.array([one.text for one in documents], dtype=object)
    labels = np.array([one.label for one in documents])
    if min(np.unique(labels, return_counts=True)[1]) < params.folds:
        raise StepError(f"params.yaml: train.folds ({params.folds}) is more than a class has")
    folds = StratifiedKFold(params.folds, shuffle=True, random_state=params.seed)
    with find_machines([texts, labels]) as wrap:
        jobs = [
            joblib.delayed(wrap(score_fold))(candidate, texts, labels, split, scorer)
            for split in enumerate(folds.split(texts, labels))
            for candidate in enumerate(compared)
        ]
        # As they end, so that the bar moves: in order, all wait for the first, the slowest one.
        done = joblib.Parallel(n_jobs=-1, return_as="generator_unordered")(jobs)
        scores = np.empty((len(compared), params.folds))
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
    texts: Any,
    labels: Any,
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
            candidate.pipeline.fit(texts[train], labels[train])
            # An AttributeError says that a score of probabilities finds none.
            found = scorer(candidate.pipeline, texts[test], labels[test])
        except (AttributeError, ConvergenceWarning, TypeError, ValueError) as error:
            raise StepError(f"params.yaml: candidate {candidate}: {error}") from None
    return (row, column), found


def choose(compared: list[tuple[Candidate, Any]]) -> Candidate:
    """The candidate with the highest mean score; on a tie, the earliest."""
    return max(compared, key=lambda one: one[1].mean())[0]


def fit(pipeline: Any, documents: list[Document]) -> Any:
    """Fit on all documents and strip what only training needs.

    Raises:
        StepError: It does not predict the same, bit for bit, when stripped.
    """
    texts = [one.text for one in documents]
    pipeline.fit(texts, [one.label for one in documents])
    before = predict(pipeline, texts)
    strip(pipeline, texts[0])
    if not all(map(np.array_equal, before, predict(pipeline, texts))):
        raise StepError("stripping changed the predictions: see training/fitting/strip.py")
    strip(pipeline, texts[0])  # predicting left its traces
    return pipeline


def predict(pipeline: Any, texts: list[str]) -> list[Any]:
    """The labels and, where the classifier offers them, the probabilities."""
    methods = [name for name in ("predict", "predict_proba") if hasattr(pipeline, name)]
    return [getattr(pipeline, name)(texts) for name in methods]


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

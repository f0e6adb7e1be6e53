"""Step learning_curve: would more documents help? The model's pipeline on growing shares.

Beside the way to the bundle: `make report` runs it, `make serve` does not. Cross-validated on
the training part, so that the test part is scored by evaluate alone.
"""

import csv

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold, learning_curve

from training.console import progress, say
from training.data.dataset import read_documents
from training.fitting.scoring import find_scorer
from training.model_file import load_model
from training.paths import Paths, run_for_model
from training.settings.params import read_params


def main(paths: Paths) -> None:
    """Write a row per share: documents, mean score on these, mean score on held-out ones."""
    params = read_params(paths.params)
    documents = read_documents(paths.train)
    shares = params.learning_curve
    pipeline = clone(load_model(paths))
    texts = np.array([one.text for one in documents], dtype=object)
    labels = np.array([one.label for one in documents])
    rows = []
    # One share a call, so that there is progress to show: the seed makes the shares nested.
    for share in progress(shares.fractions, len(shares.fractions), "learning curve"):
        sizes, training, validation = learning_curve(
            pipeline,
            texts,
            labels,
            train_sizes=[share],
            cv=StratifiedKFold(shares.folds, shuffle=True, random_state=params.train.seed),
            scoring=find_scorer(params.train.scoring),
            shuffle=True,
            random_state=params.train.seed,
            n_jobs=-1,
            error_score="raise",
        )
        rows.append((sizes[0], training.mean(), validation.mean()))
    paths.learning_curve.parent.mkdir(parents=True, exist_ok=True)
    with paths.learning_curve.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["documents", "training_score", "validation_score"])
        table.writerows(rows)
    say(f"wrote {paths.learning_curve}: {rows[-1][2]:.4f} with {rows[-1][0]:,} documents")


if __name__ == "__main__":
    run_for_model(main)

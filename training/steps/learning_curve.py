"""Step learning_curve: would more examples help? The model's pipeline on growing shares.

Beside the way to the bundle: `make report` runs it, `make serve` does not. Cross-validated on
the training part, so that the test part is scored by evaluate alone.
"""

import csv

from sklearn.model_selection import learning_curve

from training.console import StepError, progress, say
from training.contract import read_model
from training.data.dataset import read_examples
from training.definition import read_definition
from training.fitting.candidates import find_chosen
from training.fitting.scoring import find_scorer
from training.paths import Paths, run_for_model

FEWEST = 2  # shares of a curve


def main(paths: Paths) -> None:
    """Write a row per share: examples, mean score on these, mean score on held-out ones.

    Raises:
        StepError: The pipeline cannot be fitted to enough of them.
    """
    definition, examples = read_definition(paths), read_examples(paths.train)
    params, shares = definition.params, definition.params.learning_curve
    chosen = find_chosen(paths, params.train, read_model(paths.name).candidates)
    targets = definition.task.read_targets(examples)
    folds = definition.task.make_folds(targets, shares.folds, params.train.seed)
    values = definition.input.shape(one.input for one in examples)
    rows = []
    # One share a call, so that there is progress to show: the seed makes the shares nested.
    for share in progress(shares.fractions, len(shares.fractions), "learning curve"):
        try:
            sizes, training, validation = learning_curve(
                chosen.pipeline,
                values,
                targets,
                train_sizes=[share],
                cv=folds,
                scoring=find_scorer(params.train.scoring),
                shuffle=True,
                random_state=params.train.seed,
                n_jobs=-1,
                error_score="raise",
            )
        except ValueError as error:  # of a small share a class may have too few examples
            say(f"  left out, the share {share:g}: {error}")
        else:
            rows.append((sizes[0], training.mean(), validation.mean()))
    if len(rows) < FEWEST:
        raise StepError(
            f"{paths.params}: learning_curve.fractions: the pipeline can be fitted to {len(rows)} "
            f"of these shares, and a curve needs {FEWEST}"
        )
    paths.learning_curve.parent.mkdir(parents=True, exist_ok=True)
    with paths.learning_curve.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["examples", "training_score", "validation_score"])
        table.writerows(rows)
    say(f"wrote {paths.learning_curve}: {rows[-1][2]:.4f} with {rows[-1][0]:,} examples")


if __name__ == "__main__":
    run_for_model(main)

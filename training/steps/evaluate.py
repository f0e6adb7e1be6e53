"""Step evaluate: score the model once on the official test part, and hold it against the gate."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from training.console import StepError, say
from training.contract import read_model
from training.data.dataset import Example, read_examples, read_trials
from training.definition import Definition, read_definition
from training.fitting.candidates import find_chosen
from training.model_file import load_model
from training.paths import Paths, run_for_model
from training.tasks import apply_gates


def main(paths: Paths) -> None:
    """Write the scores.

    Raises:
        StepError: The model is below the gate of params.yaml; the message lists each reason.
    """
    definition = read_definition(paths)
    task, kind = definition.task, definition.input
    train, test = read_examples(paths.train), read_examples(paths.test)
    calibrated = calibrate(paths, definition, train)
    values = kind.shape(one.input for one in test)
    model = load_model(paths)
    scored = task.score(model, values, task.read_targets(test))
    metrics = task.summarize(scored, task.read_targets(train), calibrated)
    described = task.describe(scored, [one.row for one in test], calibrated)
    trials = read_trials(paths.trials)
    if trials:
        found = score_trials(model, definition, trials)
        described["trials"] = found
        metrics[f"trials_{task.trial_metric}"] = found.pop("all")["score"]
    paths.metrics.write_text(json.dumps(metrics, indent=2) + "\n")
    paths.evaluation.write_text(json.dumps(described, indent=2) + "\n")
    paths.plots.mkdir(exist_ok=True)
    task.write_plots(scored, paths.plots)
    say(f"test part: {task.tell(metrics)}")
    gates = apply_gates(definition.params.evaluate, task.measure(scored, metrics))
    failures = [one.failure for one in gates if not one.passed]
    if failures:
        raise StepError(
            f"the model is below the gate ({paths.params}, evaluate):\n  " + "\n  ".join(failures)
        )


def score_trials(
    model: Any, definition: Definition, trials: Mapping[str, Sequence[Example]]
) -> dict[str, Any]:
    """Of each group of trials, and of all together, the number of examples and the score."""
    task, kind = definition.task, definition.input
    groups = {**trials, "all": [one for examples in trials.values() for one in examples]}
    found = {}
    for group, examples in groups.items():
        values = kind.shape(one.input for one in examples)
        scored = task.score(model, values, task.read_targets(examples))
        found[group] = {"examples": len(examples), "score": task.score_trial(scored)}
    return found


def calibrate(paths: Paths, definition: Definition, train: Sequence[Example]) -> Any:
    """What the chosen candidate says of the training part, held out fold by fold."""
    task, params = definition.task, definition.params
    chosen = find_chosen(paths, params.train, read_model(paths.name).candidates)
    values = definition.input.shape(one.input for one in train)
    return task.calibrate(chosen.pipeline, values, task.read_targets(train), params)


if __name__ == "__main__":
    run_for_model(main)

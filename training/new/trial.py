"""The new model's candidates, tried on its training part: for gates and golden examples.

So what is written can be trained as it stands, and asks of a model what this data can give.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    root_mean_squared_error,
)
from sklearn.model_selection import cross_val_predict

from serving.bundle.inputs import MAX_TEXT_CHARS
from training.data.dataset import Example
from training.inputs import Input
from training.new.guess import Task

LOOKED_AT = 5_000  # examples
FEWEST = 10  # of a label
FOLDS = 3
SEED = 13
SHORT = 300  # characters: a golden example is read by people
MANY = 20  # golden examples
LITTLE = 0.02
QUANTILES = (0.1, 0.5, 0.9)
ROOM = 3  # golden values may be this many RMSE from what was predicted
DIGITS = 3


@dataclass(frozen=True)
class Trial:
    """What held-out examples got.

    Attributes:
        examples: That were predicted.
        actual, predicted: Targets; shape (n_examples,).
        confidence: How sure the classifier was, or minus the error; shape (n_examples,).
        baseline: The prediction of a baseline that ignores the input; shape (n_examples,).
    """

    examples: Sequence[Example]
    actual: NDArray[Any]
    predicted: NDArray[Any]
    confidence: NDArray[np.float64]
    baseline: NDArray[Any]


def try_out(pipeline: Any, train: Sequence[Example], kind: Input, task: Any) -> Trial:
    """Cross-validate a pipeline that is not fitted, on some of the training part."""
    few = take_some(train, task)
    values, actual = kind.shape(one.input for one in few), task.read_targets(few)
    folds = task.make_folds(actual, FOLDS, SEED)
    is_value = actual.dtype.kind == "f"
    dummy = DummyRegressor() if is_value else DummyClassifier(strategy="most_frequent")
    baseline = cross_val_predict(dummy, np.zeros((len(few), 1)), actual, cv=folds)
    if is_value or not hasattr(pipeline, "predict_proba"):
        predicted = cross_val_predict(pipeline, values, actual, cv=folds)
        confidence = -np.abs(predicted - actual) if is_value else np.zeros(len(few))
    else:
        sure = cross_val_predict(pipeline, values, actual, cv=folds, method="predict_proba")
        predicted, confidence = np.unique(actual)[sure.argmax(axis=1)], sure.max(axis=1)
    return Trial(few, actual, predicted, confidence, baseline)


def agree(trials: Sequence[Trial]) -> Trial:
    """What several candidates say of the same examples; of a label on which they differ, ""."""
    first = trials[0]
    confidence: NDArray[np.float64] = np.stack([one.confidence for one in trials]).min(axis=0)
    if first.actual.dtype.kind == "f":
        return replace(first, confidence=confidence)
    same = np.stack([one.predicted == first.predicted for one in trials]).all(axis=0)
    return replace(first, predicted=np.where(same, first.predicted, ""), confidence=confidence)


def take_some(train: Sequence[Example], task: Any) -> list[Example]:
    """At most about LOOKED_AT examples, and of each label enough for the folds."""
    share = min(1, LOOKED_AT / len(train))
    order = np.random.default_rng(SEED).permutation(len(train))
    targets = task.read_targets(train)
    if share == 1 or targets.dtype.kind == "f":
        return [train[place] for place in order[: math.ceil(share * len(train))]]
    taken = []
    for label in np.unique(targets):
        places = order[targets[order] == label]
        taken += places[: max(FEWEST, round(share * len(places)))].tolist()
    return [train[place] for place in sorted(taken)]


def gains_little(trial: Trial, task: Task) -> bool:
    """Whether looking at the input helps no more than chance may."""
    if task == "regression":
        return _save(trial) < LITTLE
    chance = 1 / len(np.unique(trial.actual))
    gain = balanced_accuracy_score(trial.actual, trial.predicted) - chance
    return bool(gain < 1 / math.sqrt(len(trial.actual)))  # two standard deviations of a share


def _save(trial: Trial) -> float:
    """The share of the baseline's RMSE that is saved."""
    error, worst = (
        root_mean_squared_error(trial.actual, one) for one in (trial.predicted, trial.baseline)
    )
    return float(1 - error / worst)


def choose_gates(trial: Trial, task: Task) -> dict[str, float]:
    """Gates that a model of this data can pass: half of what the trial gained is asked for.

    Where a label is rare, a good model's accuracy is hardly above that of always saying the other
    one: then it is not asked for.
    """
    if task == "regression":
        return {"min_gain_over_baseline": _floor(_save(trial) / 2)}
    both = (trial.predicted, trial.baseline)
    right, by_default = (accuracy_score(trial.actual, one) for one in both)
    accuracy = _floor((right - by_default) / 2)
    gates = {"min_gain_over_baseline": accuracy} if accuracy else {}
    f1 = sum(f1_score(trial.actual, one, average="macro") for one in both) / 2
    return gates | {"min_macro_f1": _floor(f1)}


def _floor(share: float) -> float:
    return max(0.0, math.floor(100 * share) / 100)


def choose_golden(trial: Trial, kind: Input, task: Task) -> list[dict[str, Any]]:
    """Examples that any good model of this data should answer right, as golden.json has them."""
    if task == "regression":
        return _choose_values(trial, kind)
    right = np.flatnonzero(trial.predicted == trial.actual)
    surest = sorted(right.tolist(), key=lambda place: -trial.confidence[place])
    golden: dict[str, dict[str, Any]] = {}
    # Short ones first: of two for a label, the first counts.
    for place in sorted(surest, key=lambda place: _count_chars(trial.examples[place]) > SHORT):
        one = trial.examples[place]
        if _count_chars(one) <= MAX_TEXT_CHARS:
            golden.setdefault(str(one.target), kind.make_body(one.input))
    return [{"label": label, "input": body} for label, body in sorted(golden.items())[:MANY]]


def _count_chars(one: Example) -> int:
    return len(one.input) if isinstance(one.input, str) else 0


def _choose_values(trial: Trial, kind: Input) -> list[dict[str, Any]]:
    """Of the examples that were predicted best one that is low, one in the middle, one high."""
    best = np.argsort(-trial.confidence, kind="stable")[: max(1, len(trial.actual) // 2)]
    fitting = [place for place in best if _count_chars(trial.examples[place]) <= MAX_TEXT_CHARS]
    wanted = np.quantile(trial.actual, QUANTILES)
    error = float(root_mean_squared_error(trial.actual, trial.predicted))
    places = {min(fitting, key=lambda place: abs(trial.actual[place] - one)) for one in wanted}
    return [
        {
            "between": _bound(float(trial.predicted[place]), ROOM * error),
            "input": kind.make_body(trial.examples[place].input),
        }
        for place in sorted(places)
    ]


def _bound(value: float, room: float) -> list[float]:
    """Round bounds with that much room, or a hundredth of the value, at each side."""
    room = max(room, abs(value) / 100, 1e-6)
    unit = 10.0 ** (math.floor(math.log10(room)) - DIGITS + 1)
    ends = math.floor((value - room) / unit), math.ceil((value + room) / unit)
    return [float(f"{end * unit:.12g}") for end in ends]


def find_leaky(
    fields: Sequence[Mapping[str, Any]], table: Any, targets: Sequence[Any], most: float
) -> dict[str, str]:
    """Why a field is left out that tells the target all by itself, by its name."""
    from training.inputs.columns import find_leaks  # noqa: PLC0415 - pandera takes seconds

    found = {}
    for field in fields:
        name = field["name"]
        if find_leaks(table[[name]], targets, most):
            found[name] = "it tells the target by itself: known before, or filled in after it?"
    return found

"""All that is written into a new model's folder, but its data."""

import json
import sys
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from scipy.stats import skew

from training.console import StepError
from training.contract import Model
from training.data.dataset import Example
from training.data.source import TableSettings, table_source
from training.fitting.candidates import list_candidates
from training.inputs import describe_input, make_input
from training.new.alphabets import choose_vectorizer, tell_alphabets
from training.new.columns import Column
from training.new.guess import NUMBERS, Guess
from training.new.render import render
from training.new.trial import agree, choose_gates, choose_golden, find_leaky, gains_little, try_out
from training.paths import MODELS
from training.settings.params import Params, Validate
from training.settings.schema import Schema
from training.steps.prepare import clean
from training.tasks import find_task

SHARE, SEED = 0.2, 0
SKEWED = 1.0
MANY_ROWS = 10_000
FOLDS, FEW_FOLDS = 5, 3


@dataclass(frozen=True)
class Planned:
    """What was looked at.

    Attributes:
        name: The model's.
        guess: What it would be.
        place: Where its data will lie, in the repository.
        sha256: Of the data.
    """

    name: str
    guess: Guess
    place: Path
    sha256: str


def plan_files(planned: Planned, data: Path) -> dict[str, str]:
    """The files of a new model by name, tried on its data.

    Leaves fields out of `planned.guess` that tell the target, and says so there.

    Args:
        planned: What was looked at.
        data: The file as it is now.

    Raises:
        StepError: No model can be made of this data.
    """
    prepare = make_prepare(planned)
    train, test = _split(prepare, make_schema(planned.guess), data)
    _leave_out_leaks(planned.guess, train)
    schema = make_schema(planned.guess)
    train, test = _split(prepare, schema, data)
    context = make_context(planned, prepare, train)
    params = Params.model_validate(_list_sections(context))
    kind = make_input(describe_input(schema, train), params)
    train, _ = clean(train, test, kind)
    task = find_task(schema)
    context["validate"] = _bound_data(schema, train)
    files = {"__init__.py": "", **render(context)}
    found = list_candidates(params.train, _run(planned.name, files).candidates)
    candidates = [next(grid) for _, grid in groupby(found, key=lambda one: one.name)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a first trial they say nothing
        trials = [try_out(one.pipeline, train, kind, task) for one in candidates]
    trial = trials[0]
    context["gates"] = choose_gates(trial, planned.guess.task)
    golden = choose_golden(agree(trials), kind, planned.guess.task)
    if not golden:
        raise StepError(
            f"of {len(trial.actual):,} held-out examples none was answered correctly: this input "
            f"does not determine {planned.guess.target}"
        )
    if gains_little(trial, planned.guess.task):
        planned.guess.doubts.append(
            f"{candidates[0].name} is hardly better at {planned.guess.target} than a guess that "
            "ignores the input"
        )
    written = schema.model_dump(exclude_none=True)
    return (
        files
        | render(context)
        | {"schema.json": _to_json(written), "golden.json": _to_json(golden)}
    )


def make_prepare(planned: Planned) -> dict[str, Any]:
    """The section `prepare` of params.yaml."""
    guess = planned.guess
    by = "stratified" if guess.task == "classification" else "random"
    found: dict[str, Any] = {"data": {"path": str(planned.place), "sha256": planned.sha256}}
    optional = {"nulls": [*guess.nulls] if len(guess.nulls) > 1 else None, "skip": [*guess.skip]}
    found |= {"target": guess.target, "text": guess.text} | optional
    found["split"] = {"by": by, "share": SHARE, "seed": SEED}
    return {name: value for name, value in found.items() if value}


def make_schema(guess: Guess) -> Schema:
    """schema.json."""
    fields = [_describe_field(one) for one in guess.fields]
    found: dict[str, Any] = {"fields": fields} if fields else {}
    if guess.task == "regression":
        found["target"] = {"title": guess.target}
    else:
        found["labels"] = [{"id": one, "title": one.strip() or one} for one in guess.labels]
    return Schema.model_validate(found)


def _describe_field(column: Column) -> dict[str, Any]:
    """A date is a text to the service: the model's features.py reads it."""
    is_date = column.type == "date"
    found = {"name": column.name, "type": "text" if is_date else column.type}
    words = {"description": "A date as ISO 8601 writes it: 2024-01-31"} if is_date else {}
    return {**found, **words, **({"nullable": True} if column.missing else {})}


def _split(
    prepare: Mapping[str, Any], schema: Schema, data: Path
) -> tuple[list[Example], list[Example]]:
    """Both parts, by the code that the new model's steps will run."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "data").symlink_to(data.resolve())
        source = table_source("")
        return source.split(Path(folder), TableSettings.model_validate(prepare), schema)


def _leave_out_leaks(guess: Guess, train: list[Example]) -> None:
    if not guess.fields:
        return
    from training.inputs.record import RecordInput, complete_fields  # noqa: PLC0415 - pandera

    described = complete_fields(make_schema(guess).fields or [], train)
    table = RecordInput({"kind": "record", "fields": described}).shape(one.input for one in train)
    most = Validate().max_leakage
    leaky = find_leaky(described, table, [one.target for one in train], most)
    guess.fields = [one for one in guess.fields if one.name not in leaky]
    guess.left_out |= leaky
    if not guess.fields:
        raise StepError(
            f"each remaining column reveals {guess.target} by itself: {', '.join(leaky)}"
        )


def make_context(planned: Planned, prepare: dict[str, Any], train: list[Example]) -> dict[str, Any]:
    """What the templates are filled with, but for the gates and the bounds of the data."""
    guess, regression = planned.guess, planned.guess.task == "regression"
    texts = [one.input for one in train] if guess.text else []
    targets = np.array([one.target for one in train]) if regression else np.ones(1)
    return {
        "name": planned.name,
        "title": planned.name.capitalize(),
        "description": _describe(guess),
        "source": f"The rows of {planned.place.name}",
        "guess": guess,
        "prepare": prepare,
        "regression": regression,
        "family": "Regressor" if regression else "Classifier",
        "numbers": [one.name for one in guess.fields if one.type in (*NUMBERS, "boolean")],
        "dates": [one.name for one in guess.fields if one.type == "date"],
        "categories": [one.name for one in guess.fields if one.type == "category"],
        "skewed": bool(regression and targets.min() > 0 and skew(targets) > SKEWED),
        "vectorizer": choose_vectorizer(texts) if texts else None,
        "alphabets": tell_alphabets(texts) if texts else "",
        "scoring": "neg_root_mean_squared_error" if regression else "f1_macro",
        "folds": FEW_FOLDS if len(train) > MANY_ROWS else FOLDS,
        "candidates": list_grids(guess),
        "validate": {},
        "gates": {"min_gain_over_baseline": 0.0},
    }


def _describe(guess: Guess) -> str:
    inputs = " and ".join(guess.text) if guess.text else f"{len(guess.fields)} fields"
    return f"Says {guess.target} by {inputs}."


def list_grids(guess: Guess) -> dict[str, dict[str, Any]]:
    """The candidates with the values to try: the first one is quick."""
    trees: dict[str, dict[str, Any]] = {
        "forest": {"n_estimators": 200, "min_samples_leaf": [1, 5]},
        "boosting": {"learning_rate": [0.05, 0.1], "max_leaf_nodes": 15},
    }
    if guess.task == "regression":
        more = {"support_vectors": {"C": [0.3, 1.0]}} if guess.text else trees
        return {"ridge": {"alpha": [0.3, 1.0, 10.0]}, **more}
    first = {"logistic_regression": {"C": [1.0, 10.0] if guess.text else [0.1, 1.0]}}
    if guess.text:
        return first | {"complement_naive_bayes": {"alpha": [0.1, 0.5]}, "linear_svm": {"C": 1.0}}
    return first | trees


def _bound_data(schema: Schema, train: list[Example]) -> dict[str, Any]:
    """The bounds of the section `validate` that this data needs to be others than by default."""
    if schema.labels is None:
        return {}
    counts = find_task(schema).count(train)
    smallest, ratio = min(counts.values()), max(counts.values()) / min(counts.values())
    bounds: dict[str, Any] = {"min_examples_per_class": max(1, smallest // 2)}
    if ratio > Validate().max_class_ratio:
        bounds["max_class_ratio"] = float(round(2 * ratio))
    return bounds


def _list_sections(context: Mapping[str, Any]) -> dict[str, Any]:
    """What of params.yaml the trial needs, in the form that it will have."""
    train = {name: context[name] for name in ("scoring", "vectorizer", "candidates", "folds")}
    return {
        "prepare": context["prepare"],
        "validate": {},
        "train": {"seed": SEED, **train},
        "learning_curve": {"fractions": [0.5, 1.0], "folds": 2},
        "evaluate": context["gates"],
        "freeze": {"generated_inputs": 10, "seed": 0},
        "judge": {"max_drop": 1, "max_model_mb": 1},
    }


def _run(name: str, files: Mapping[str, str]) -> Model:
    """The `MODEL` of modules that were rendered, and are not in their place yet."""
    home = f"{'.'.join(MODELS.parts)}.{name}"
    modules = {part: ModuleType(f"{home}.{part}") for part in ("features", "model")}
    sys.modules.update({one.__name__: one for one in modules.values()})
    try:
        for part, module in modules.items():
            exec(compile(files[f"{part}.py"], part, "exec"), vars(module))  # noqa: S102 - ours
    finally:
        for module in modules.values():
            del sys.modules[module.__name__]
    found: Model = modules["model"].MODEL
    return found


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"

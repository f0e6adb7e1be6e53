"""A model's params.yaml, read as DVC reads it, and checked."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from training.console import StepError
from training.paths import Paths
from training.settings.schema import read_schema
from training.settings.written import check_form

Share = Annotated[float, Field(ge=0, le=1)]


def _has_values(grid: dict[str, JsonValue]) -> dict[str, JsonValue]:
    for name, values in grid.items():
        if values == []:
            raise ValueError(f"{name} has no value to try")
    return grid


# Whatever the manifest can hold: no dates; no NaN and no infinity, for JSON has none.
Settings = dict[str, JsonValue]
Grid = Annotated[Settings, AfterValidator(_has_values)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Positive = Annotated[float, Field(gt=0)]


class Validate(_Section):
    """What the data must hold to; each bound concerns one kind of input, or one task.

    Attributes:
        min_examples_per_class, max_class_ratio: Of the training part.
        max_lost_letters: Share of the letters that are in no word.
        max_missing: Share of a field's values that are null, in the training part.
        max_leakage: How well a field alone may tell the target: see training/inputs/columns.py.
        max_drift: How far a field's values in the test part may be from the training part's.
    """

    min_examples_per_class: Annotated[int, Field(ge=1)] = 10
    max_class_ratio: Annotated[float, Field(ge=1)] = 100
    max_lost_letters: Share = 0.1
    max_missing: Share = 0.9
    max_leakage: Share = 0.99
    max_drift: Share = 0.3


class Train(_Section):
    """How a model is found.

    Attributes:
        scoring: One of scikit-learn's scorers.
        tolerance: The first candidate is chosen whose mean score is within that of the highest: so
            what is smaller and quicker comes first.
        vectorizer: Of texts, before each candidate.
        candidates: Their settings; lists are grids.
    """

    seed: int = Field(ge=0)
    folds: int = Field(ge=2)
    scoring: str
    tolerance: Annotated[float, Field(ge=0)] = 0.0
    vectorizer: Settings | None = None
    candidates: dict[str, Grid] = Field(min_length=1)


class LearningCurve(_Section):
    fractions: list[Annotated[float, Field(gt=0, le=1)]] = Field(min_length=2)
    folds: int = Field(ge=2)


class Interval(_Section):
    """How a regression's interval is made; see training/tasks/conformal.py."""

    coverage: Annotated[float, Field(gt=0, lt=1)] = 0.9
    kind: Literal["difference", "ratio"] = "difference"


class Evaluate(_Section):
    """The gate: below one of these bounds there is no new bundle. None is not asked for.

    Attributes:
        min_gain_over_baseline: Accuracy over always saying the most frequent label; or the share
            of the error (RMSE) that is saved over always saying the mean.
        min_macro_f1, min_class_f1, min_accuracy: Of a classification.
        max_rmse, max_mae: In the target's unit.
        min_trials_accuracy, max_trials_rmse: In all trials of the source together.
        min_r2, min_coverage: Of a regression; the coverage of its intervals.
        interval: How they are made.
    """

    min_gain_over_baseline: Share | None = None
    min_macro_f1: Share | None = None
    min_accuracy: Share | None = None
    min_trials_accuracy: Share | None = None
    min_class_f1: Share | None = None
    max_rmse: Positive | None = None
    max_mae: Positive | None = None
    max_trials_rmse: Positive | None = None
    min_r2: Annotated[float, Field(le=1)] | None = None
    min_coverage: Share | None = None
    interval: Interval | None = None


class Freeze(_Section):
    generated_inputs: int = Field(ge=10)
    seed: int = Field(ge=0)


class Judge(_Section):
    """What a model may change against the one before it.

    Attributes:
        max_drop: Macro-F1 that may be lost; of a regression, the share of RMSE that may be added.
        max_flips: Share of the test examples that may get another label.
        max_moves, move: Share of the test examples whose value may move by more than `move`, a
            share of the value.
        max_model_mb: Size of model.joblib.
    """

    max_drop: Share
    max_flips: Share | None = None
    max_moves: Share | None = None
    move: Positive = 0.1
    max_model_mb: Positive


class Params(_Section):
    """All of a model's params.yaml."""

    prepare: Settings = {}  # in the form that the model's source.py gives it
    validation: Validate = Field(alias="validate")
    train: Train
    learning_curve: LearningCurve
    evaluate: Evaluate
    freeze: Freeze
    judge: Judge


# Settings that mean something for one kind of input, or one task, alone.
CONCERNS = {
    "train.vectorizer": "text",
    "validate.max_lost_letters": "text",
    "validate.max_missing": "record",
    "validate.max_leakage": "record",
    "validate.max_drift": "record",
    "validate.min_examples_per_class": "classification",
    "validate.max_class_ratio": "classification",
    "evaluate.min_macro_f1": "classification",
    "evaluate.min_class_f1": "classification",
    "evaluate.min_accuracy": "classification",
    "evaluate.min_trials_accuracy": "classification",
    "evaluate.max_rmse": "regression",
    "evaluate.max_mae": "regression",
    "evaluate.max_trials_rmse": "regression",
    "evaluate.min_r2": "regression",
    "evaluate.min_coverage": "regression",
    "evaluate.interval": "regression",
    "judge.max_flips": "classification",
    "judge.max_moves": "regression",
    "judge.move": "regression",
}


def freeze_lists(value: Any) -> Any:
    """YAML has lists only, and scikit-learn checks for a tuple."""
    return tuple(map(freeze_lists, value)) if isinstance(value, list) else value


def read_params(paths: Paths) -> Params:
    """Read and check the parameters of a model.

    Raises:
        StepError: The file is missing, no YAML, or has a name or value that it cannot have.
    """
    path, schema = paths.params, read_schema(paths)
    params = check_form(Params, _read_yaml(path), path)
    for name, part in CONCERNS.items():
        section, setting = name.split(".")
        sections = {"validate": params.validation, **dict(params)}
        if setting in sections[section].model_fields_set and part not in (schema.kind, schema.task):
            raise StepError(
                f"{path}: {name} is for {part} models, and this one's {paths.schema.name} makes "
                f"it a {schema.task} of {schema.kind}s: take it out"
            )
    return params


def _read_yaml(path: Path) -> Any:
    try:
        # DVC's reader, of YAML 1.2: to another one a value may be another (0100, off), and DVC
        # would call a model current that was made of other parameters.
        return YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StepError(
            f"{path} is missing: take it back with 'git checkout' or write it"
        ) from None
    except MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise StepError(f"{path} is not YAML: {line}{error.problem}") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise StepError(f"{path} is not YAML: {error}") from None

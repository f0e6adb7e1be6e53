"""A model's params.yaml, read as DVC reads it, and checked."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from training.console import StepError
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


class Validate(_Section):
    min_documents_per_class: int = Field(ge=1)
    max_class_ratio: float = Field(ge=1)
    max_lost_letters: Share


class Train(_Section):
    seed: int = Field(ge=0)
    folds: int = Field(ge=2)
    scoring: str
    vectorizer: Settings
    candidates: dict[str, Grid] = Field(min_length=1)


class LearningCurve(_Section):
    fractions: list[Share] = Field(min_length=2)
    folds: int = Field(ge=2)


class Evaluate(_Section):
    min_macro_f1: Share
    min_class_f1: Share
    min_gain_over_baseline: Share


class Freeze(_Section):
    generated_texts: int = Field(ge=10)
    seed: int = Field(ge=0)


class Judge(_Section):
    max_drop: Share
    max_flips: Share
    max_model_mb: float = Field(gt=0)


class Params(_Section):
    """All of a model's params.yaml."""

    prepare: Settings = {}  # in the form that the model's source.py gives it
    validation: Validate = Field(alias="validate")
    train: Train
    learning_curve: LearningCurve
    evaluate: Evaluate
    freeze: Freeze
    judge: Judge


def freeze_lists(value: Any) -> Any:
    """YAML has lists only, and scikit-learn checks for a tuple."""
    return tuple(map(freeze_lists, value)) if isinstance(value, list) else value


def read_params(path: Path) -> Params:
    """Read and check the parameters.

    Raises:
        StepError: The file is missing, no YAML, or has a name or value that it cannot have.
    """
    try:
        # DVC's reader, of YAML 1.2: to another one a value may be another (0100, off), and DVC
        # would call a model current that was made of other parameters.
        found = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StepError(f"{path} is missing: run this from the repository's root") from None
    except MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise StepError(f"{path} is not YAML: {line}{error.problem}") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise StepError(f"{path} is not YAML: {error}") from None
    return check_form(Params, found, path)

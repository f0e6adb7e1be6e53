"""params.yaml, read and checked."""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from training.console import StepError

PARAMS = Path("params.yaml")

Share = Annotated[float, Field(ge=0, le=1)]
Grid = dict[str, float | list[float]]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Prepare(_Section):
    topics: Literal["ten", "all"]


class Validate(_Section):
    min_documents_per_class: int = Field(ge=1)
    max_class_ratio: float = Field(ge=1)


class Train(_Section):
    seed: int = Field(ge=0)
    folds: int = Field(ge=2)
    scoring: str
    vectorizer: dict[str, Any]
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
    """All of params.yaml."""

    prepare: Prepare
    validation: Validate = Field(alias="validate")
    train: Train
    learning_curve: LearningCurve
    evaluate: Evaluate
    freeze: Freeze
    judge: Judge


def read_params(path: Path = PARAMS) -> Params:
    """Read and check the parameters.

    Raises:
        StepError: The file is missing, no YAML, or has a name or value that it cannot have.
    """
    try:
        return Params.model_validate(yaml.safe_load(path.read_text()))
    except FileNotFoundError:
        raise StepError(f"{path} is missing: run this from the repository's root") from None
    except yaml.YAMLError as error:
        raise StepError(f"{path} is not YAML: {error}") from None
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}"
            for one in error.errors()
        )
        raise StepError(f"{path}: {wrong}") from None

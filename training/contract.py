"""What a model's folder gives to the framework: `MODEL` in model.py, `SOURCE` in source.py.

Two modules, so that a changed candidate does not fetch the data again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from training.console import StepError
from training.data.dataset import Example, hash_files
from training.paths import MODELS
from training.settings.schema import Schema


class SourceSettings(BaseModel):
    """A model's own section `prepare` of its params.yaml: as it is here, it has no settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Source:
    """Where a model's data comes from, and how it is split.

    Attributes:
        description: What a reader of the report is told of it.
        fetch: Gets the data as it is into a folder, which is there and empty, by the settings.
        split: The training and the test part, of that folder, the settings and the schema.
        settings: The form of params.yaml's section `prepare`.
        trials: Further examples that a model is scored on and never fitted to, by the name of
            their group: of settings and schema. What the test part is not like, and requests are.
        modules: Other modules of the folder that it needs, with their sha256 in hex: DVC looks at
            source.py alone, so what changes them has to change that.
    """

    description: str
    fetch: Callable[[Path, Any], None]
    split: Callable[[Path, Any, Schema], tuple[list[Example], list[Example]]]
    settings: type[SourceSettings] = SourceSettings
    trials: Callable[[Any, Schema], Mapping[str, list[Example]]] = lambda _, __: {}
    modules: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    """What is to be trained; schema.json says what goes in and what comes out.

    Attributes:
        title, description: What it is called and what it does, for people.
        candidates: What makes an estimator of the seed and of its settings in params.yaml, by name.
    """

    title: str
    description: str
    candidates: Mapping[str, Callable[..., Any]]


def read_source(name: str) -> Source:
    """The source of a model's data.

    Raises:
        StepError: Its source.py gives none, or does not know another module as it is.
    """
    source = _read(name, "source", Source)
    for module, sha256 in source.modules.items():
        path = MODELS / name / module
        if (found := hash_files(path)) != sha256:
            raise StepError(
                f"{path} has changed: write its sha256, {found}, into SOURCE's modules in source.py"
            )
    return source


def read_model(name: str) -> Model:
    """What a model's folder says is to be trained.

    Raises:
        StepError: Its model.py does not say it.
    """
    return _read(name, "model", Model)


def _read[T](name: str, module: str, form: type[T]) -> T:
    path = MODELS / name / f"{module}.py"
    full_name = f"{'.'.join(MODELS.parts)}.{name}.{module}"
    try:
        found = getattr(import_module(full_name), form.__name__.upper(), None)
    except ModuleNotFoundError as error:
        if not f"{full_name}.".startswith(f"{error.name}."):
            raise
        raise StepError(
            f"{path} is missing: take it back with 'git checkout' or write it"
        ) from None
    if not isinstance(found, form):
        raise StepError(
            f"{path} gives no {form.__name__.upper()} of the class {form.__name__} in "
            "training/contract.py"
        )
    return found

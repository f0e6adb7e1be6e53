"""What a fitted pipeline was made with, as a manifest and a report can hold it."""

import math
from collections.abc import Collection, Iterable
from functools import singledispatch
from inspect import signature
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

SHOWN_VALUES = 20


def describe_steps(model: Any) -> dict[str, Any]:
    """The steps of a fitted pipeline, by name; of another model, itself as the step `model`."""
    steps = getattr(model, "steps", [("model", model)])
    return {name: describe(step) for name, step in steps}


@singledispatch
def describe(value: Any) -> Any:
    """A parameter as JSON has it.

    An estimator is its class and, as its own repr has it, the parameters that are not its class's
    defaults. What JSON cannot hold is named: a function as itself, anything else by its class.
    Never by its address, which is another one on each run.
    """
    return getattr(value, "__qualname__", type(value).__name__)


@describe.register(bool)
@describe.register(int)
@describe.register(str)
@describe.register(type(None))
def _(value: Any) -> Any:
    return value


@describe.register(float)
def _(value: float) -> Any:
    return value if math.isfinite(value) else str(value)


@describe.register(np.generic)
@describe.register(np.ndarray)
def _(value: Any) -> Any:
    return describe(value.tolist())


@describe.register(BaseEstimator)
def _(value: Any) -> Any:
    defaults = {key: one.default for key, one in signature(type(value)).parameters.items()}
    described = {key: describe(one) for key, one in value.get_params(deep=False).items()}
    changed = {
        key: one
        for key, one in described.items()
        if key not in defaults or one != describe(defaults[key])
    }
    return {"class": type(value).__name__, "parameters": changed}


@describe.register(dict)
def _(value: dict[Any, Any]) -> Any:
    return _shorten(value, ((str(name), describe(one)) for name, one in value.items()), dict)


@describe.register(list)
@describe.register(tuple)
def _(value: Collection[Any]) -> Any:
    return _shorten(value, map(describe, value), list)


@describe.register(set)
@describe.register(frozenset)
def _(value: Collection[Any]) -> Any:
    return _shorten(value, sorted(map(str, value)), list)


def _shorten(value: Collection[Any], described: Iterable[Any], kind: type) -> Any:
    """The described members, or how many there are: a vocabulary is in the model's file."""
    return kind(described) if len(value) <= SHOWN_VALUES else f"{len(value):,} values"

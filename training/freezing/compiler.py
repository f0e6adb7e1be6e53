"""From a fitted pipeline to the ops of a frozen model: what each step becomes, its rule says."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from sklearn.pipeline import Pipeline

from serving.app.engines.explain import FieldWeights
from serving.app.engines.frame import DTYPES
from serving.app.engines.shape import shape
from serving.app.engines.terms import Terms
from serving.bundle.inputs import list_columns
from training.freezing import rules
from training.freezing.file import Model, Op
from training.freezing.registry import CannotFreeze, Given, Predictor, Step, check_methods, reading

__all__ = ["CannotFreeze", "compile_pipeline", "rules"]

PROBED = 20  # inputs from which a compiler learns what scikit-learn makes of them
TEXT: dict[str, Any] = {"kind": "text", "example": ""}


def compile_pipeline(
    pipeline: Any, described: dict[str, Any] = TEXT, values: Sequence[Any] = ("", "a")
) -> Model:
    """A fitted pipeline as a frozen model.

    Args:
        pipeline: Fitted.
        described: What it takes, as the manifest describes the input.
        values: A few inputs, as the input kind reads them. What scikit-learn makes of them says
            how wide rows are, and of what type.

    Raises:
        CannotFreeze: The frozen engine could not compute exactly what it computes.
    """
    if not hasattr(pipeline, "predict"):
        raise CannotFreeze(f"{type(pipeline).__name__} is no model")
    with reading("the pipeline"), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what scikit-learn says of odd inputs is no news here
        return _compile(as_pipeline(pipeline), described, values)


def as_pipeline(model: Any) -> Pipeline:
    """A fitted model as a pipeline."""
    return model if type(model) is Pipeline else Pipeline([("model", model)])


def _compile(pipeline: Pipeline, described: dict[str, Any], values: Sequence[Any]) -> Model:
    if _fuses():
        raise CannotFreeze(
            "on this processor scipy rounds a product and a sum at once, which Python does not: "
            "freeze on x86-64"
        )
    check_methods("the pipeline", pipeline)
    given = Given(shape(described, values))
    found = Step("", pipeline, given).freeze_model()
    classes = [str(label) for label in getattr(pipeline, "classes_", ())]
    last = f"step {pipeline.steps[-1][0]!r}"
    Step(last, pipeline[-1], given).refuse(
        classes_=len(set(classes)) < len(classes) or bool(classes) != bool(found.answer)
    )
    ops = [*_read(described), *found.ops, *found.answer]
    if [op.type for op in ops[:2]] == ["pixels", "finite"]:
        del ops[1]  # pixels are
    explain = _explain(pipeline, described, found, len(ops))
    counts = described["kind"] == "text" and Terms.find(pipeline) is not None
    return Model(classes, ops, explain, counts and ops[0].type == "vectorize")


def _fuses() -> bool:
    """Whether scipy's sparse product uses fused multiply-add, as its builds for ARM do."""
    factor = 1 + 2.0**-27
    product = csr_array([[-1.0, factor]]) @ np.array([[1.0, 1.0], [factor, factor]])
    # The square is 1 + 2**-26 + 2**-54, of which a double cannot hold the last part beside the 1.
    return bool((product != 2.0**-26).any())


def _read(described: dict[str, Any]) -> list[Op]:
    """The op that reads an input."""
    if described["kind"] == "text":
        return []
    if described["kind"] == "image":
        return [Op("pixels", {}, {})]
    numbers = [DTYPES[field["type"]][field["nullable"]] != "str" for field in described["fields"]]
    return [Op("fields", {"numbers": numbers}, {})]


def _explain(
    pipeline: Pipeline, described: dict[str, Any], found: Predictor, count: int
) -> dict[str, Any] | None:
    """Which op explains, where the sklearn engine explains too; see file.py of the engine."""
    if not found.weighs:
        return None
    place = count - len(found.answer) - 1
    if described["kind"] == "text":
        alone = [op.type for op in found.ops] == ["vectorize", "linear"]
        direct = Terms.find(pipeline) is not None
        return {"op": place, "owners": None} if alone and direct else None
    weights = FieldWeights.find(pipeline, list_columns(described))
    return None if weights is None else {"op": place, "owners": weights.owners}

"""The bodies of answers as OpenAPI shows them, and what pydantic checks of a query.

What a body of a request may hold stands in the manifest: see document.py. Answers carry doubles in
full: they are scikit-learn's own.
"""

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

Probability = Annotated[
    float | None,
    Field(ge=0, le=1, description="null where the model's classifier offers no probabilities"),
]


def plain_integer(value: Any) -> Any:
    """A query's integer as JSON writes it; int() takes " +1_0", too.

    Raises:
        PydanticCustomError: It is written otherwise, or given more than once.
    """
    _check_once(value)
    if isinstance(value, str) and not re.fullmatch("-?(0|[1-9][0-9]*)", value):
        raise PydanticCustomError("integer", "Input should be an integer as JSON writes it")
    return value


def plain_boolean(value: Any) -> Any:
    """A query's boolean as JSON writes it; pydantic takes "yes" and "on", too.

    Raises:
        PydanticCustomError: It is written otherwise, or given more than once.
    """
    _check_once(value)
    if isinstance(value, str) and value not in ("true", "false"):
        raise PydanticCustomError("boolean", "Input should be true or false")
    return value


def _check_once(value: Any) -> None:
    if isinstance(value, list):
        raise PydanticCustomError("repeated", "Input should be given once")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ModelName(_Body):
    name: str
    version: str = Field(description="First 12 hex digits of the sha256 of model.joblib")


class LabelScore(_Body):
    label: str
    title: str
    probability: Probability


class TermWeight(_Body):
    term: str
    weight: float = Field(description="Coefficient of the term for the label × its tf-idf value")


class FieldWeight(_Body):
    field: str
    weight: float = Field(
        description="What the field adds to the value, or to the score of the label"
    )


TermWeights = Annotated[
    list[TermWeight] | None,
    Field(
        exclude_if=lambda value: value is None,
        description="The terms that count most for the label; with ?explain=true. "
        "null where the model has no weight per term",
    ),
]
HeatMap = Annotated[
    list[list[float]] | None,
    Field(
        exclude_if=lambda value: value is None,
        description="Rows of blocks of pixels, what the pixels of each count for the label; with "
        "?explain=true. null where the model has no weight per pixel",
    ),
]
FieldWeights = Annotated[
    list[FieldWeight] | None,
    Field(
        exclude_if=lambda value: value is None,
        description="Every field, the one that counts most first; with ?explain=true. "
        "null where the model does not say exactly what a field adds",
    ),
]


class PredictResponse(_Body):
    label: str
    title: str = Field(description="The label in words for people")
    probability: Probability
    model: ModelName
    top: list[LabelScore] | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="The most probable labels, the predicted one first; with ?top=",
    )
    explanation: TermWeights = None


class RecordPredictResponse(PredictResponse):
    explanation: FieldWeights = None  # type: ignore[assignment]


class ImagePredictResponse(PredictResponse):
    explanation: HeatMap = None  # type: ignore[assignment]


class BatchPrediction(_Body):
    label: str
    probability: Probability


class BatchResponse(_Body):
    predictions: list[BatchPrediction] = Field(description="One an input, in the inputs' order")
    model: ModelName


class Interval(_Body):
    """Where the true value lies, as far as the model's errors on held-out data tell."""

    low: float
    high: float
    coverage: float = Field(gt=0, lt=1, description="The share of true values that lie within")


class ValueResponse(_Body):
    value: float
    unit: str | None = Field(description="null where nobody has written one")
    interval: Interval | None = Field(description="null where nothing is known of the errors")
    model: ModelName
    explanation: TermWeights = None


class RecordValueResponse(ValueResponse):
    explanation: FieldWeights = None  # type: ignore[assignment]


class ImageValueResponse(ValueResponse):
    explanation: HeatMap = None  # type: ignore[assignment]


class BatchValue(_Body):
    value: float
    interval: Interval | None


class ValueBatchResponse(_Body):
    predictions: list[BatchValue] = Field(description="One an input, in the inputs' order")
    model: ModelName


class LabelDescription(_Body):
    id: str
    title: str
    description: str | None = Field(description="null where nobody has written one")
    url: str | None = Field(description="null where nobody has given one")


class LabelsResponse(_Body):
    labels: list[LabelDescription]


class Health(_Body):
    status: str
    model: ModelName


class ModelDetails(_Body):
    """The manifest without file names, golden examples and the drift profile."""

    name: str
    title: str
    version: str
    task: str
    input: dict[str, object] = Field(description="What a request holds")
    target: dict[str, str | None] | None = Field(description="What a regression's value is")
    interval: dict[str, object] | None = Field(description="How its interval is made")
    engine: str
    versions: dict[str, str]
    dataset_sha256: str
    parameters: dict[str, object]
    metrics: dict[str, float]
    labels: list[str]


class BrokenRule(_Body):
    place: str = Field(examples=["body.text"])
    rule: str = Field(examples=["Field required"])


class Problem(_Body):
    """An error, as RFC 9457 has it (application/problem+json)."""

    type: str = Field(examples=["urn:quickthaw:problem:invalid"])
    title: str
    status: int
    detail: str
    request_id: str = Field(description="The id under which the service logged the request")
    errors: list[BrokenRule] | None = Field(default=None, description="With status 422, at most 10")

"""The bodies of requests and answers, as pydantic checks them and OpenAPI shows them.

Answers carry doubles in full: they are scikit-learn's own.
"""

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from serving.app.limits import MAX_BATCH_TEXTS, MAX_TEXT_CHARS

Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS)]
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


class PredictRequest(_Body):
    text: Text = Field(
        description="The text to label, in a language that the model was trained on",
        examples=["The goalie made 35 saves and the Bruins won in overtime"],
    )


class BatchRequest(_Body):
    texts: list[Text] = Field(
        min_length=1,
        max_length=MAX_BATCH_TEXTS,
        description="The texts to label, in any order",
        examples=[["The pitcher threw a no-hitter", "NASA launched a probe to Mars"]],
    )


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
    explanation: list[TermWeight] | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="The terms that count most for the label; with ?explain=true",
    )


class BatchPrediction(_Body):
    label: str
    probability: Probability


class BatchResponse(_Body):
    predictions: list[BatchPrediction] = Field(description="One a text, in the texts' order")
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


class Passport(_Body):
    """The manifest without file names, golden texts and the drift profile."""

    name: str
    version: str
    input: str
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

"""A model's schema.json, which says what goes in and what comes out, and its golden examples.

The schema has one of `labels` (then the task is classification) and `target` (regression). With
`fields` the input is a record, with `image` a picture, else a text.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from serving.bundle.inputs import MAX_FIELDS, MAX_IMAGE_SIDE, MAX_NAME_CHARS
from training.console import StepError
from training.paths import Paths
from training.settings.written import check_form, read_json

Words = Annotated[str, Field(min_length=1)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Label(_Written):
    """What a label means to people."""

    id: Words
    title: Words
    description: str | None = None
    url: str | None = None


class Target(_Written):
    """What the predicted value is, for people."""

    title: Words
    unit: str | None = None
    description: str | None = None


class RecordField(_Written):
    """A field of a record.

    Attributes:
        nullable: Whether null is taken; None: where the training part has nulls in it.
    """

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARS)]
    type: Literal["number", "integer", "boolean", "text", "category"]
    title: str | None = None
    unit: str | None = None
    description: str | None = None
    nullable: bool | None = None

    @model_validator(mode="after")
    def _can_be_shown(self) -> Self:
        if not self.name.isprintable():
            raise ValueError("a name stands in errors, so it must be printable")
        return self


class Image(_Written):
    """What the model sees of a picture.

    Attributes:
        width, height: In pixels.
        preparation: How a picture of any size becomes that (serving/app/pictures/prepare.py).
    """

    width: Annotated[int, Field(ge=1, le=MAX_IMAGE_SIDE)]
    height: Annotated[int, Field(ge=1, le=MAX_IMAGE_SIDE)]
    preparation: Literal["ink", "resize"]


class Schema(_Written):
    """schema.json."""

    labels: Annotated[list[Label], Field(min_length=1)] | None = None
    target: Target | None = None
    fields: Annotated[list[RecordField], Field(min_length=1, max_length=MAX_FIELDS)] | None = None
    image: Image | None = None

    @property
    def task(self) -> Literal["classification", "regression"]:
        return "classification" if self.target is None else "regression"

    @property
    def kind(self) -> Literal["text", "record", "image"]:
        if self.image is not None:
            return "image"
        return "text" if self.fields is None else "record"

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.labels is None) == (self.target is None):
            raise ValueError("it must have either labels or a target")
        if self.fields is not None and self.image is not None:
            raise ValueError("it must have fields or an image, not both")
        _refuse_twice("labels", [one.id for one in self.labels or ()])
        _refuse_twice("fields", [one.name for one in self.fields or ()])
        return self


def _refuse_twice(what: str, names: list[str]) -> None:
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"these {what} appear more than once: {', '.join(sorted(twice))}")


class _GoldenLabel(_Written):
    """An input of golden.json with the label that a model must give it."""

    label: str
    input: dict[str, Any]


class _GoldenValue(_Written):
    """An input of golden.json with the bounds of the value that a model must give it."""

    between: tuple[Number, Number]
    input: dict[str, Any]


GOLDEN = {"classification": list[_GoldenLabel], "regression": list[_GoldenValue]}


def read_schema(paths: Paths) -> Schema:
    """The schema.

    Raises:
        StepError: schema.json is missing or has another form.
    """
    return check_form(Schema, read_json(paths.schema), paths.schema)


def read_golden(paths: Paths, schema: Schema) -> list[dict[str, Any]]:
    """The golden examples: `input`, a body of a request, with `label` or `between`.

    Raises:
        StepError: golden.json has another form, a label that the schema lacks, or no example to
            hold a deployed model against.
    """
    form: Any = GOLDEN[schema.task]
    found = [one.model_dump() for one in check_form(form, read_json(paths.golden), paths.golden)]
    known = {one.id for one in schema.labels or ()}
    if unknown := {one["label"] for one in found if "label" in one} - known:
        raise StepError(f"{paths.golden}: labels that {paths.schema} lacks: {_join(unknown)}")
    if not found:
        raise StepError(
            f"{paths.golden} has no example: write at least one, for 'make smoke' holds what is "
            "deployed against them"
        )
    return found


def _join(names: set[str]) -> str:
    return ", ".join(sorted(names))

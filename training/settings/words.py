"""What a model's labels mean to people, and its golden examples: read from its folder, checked."""

from collections.abc import Container
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from training.console import StepError
from training.paths import Paths
from training.settings.written import check_form, read_json

Words = Annotated[str, Field(min_length=1)]


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Label(_Written):
    """What a label means to people."""

    id: Words
    title: Words
    description: str | None = None
    url: str | None = None


class Labels(_Written):
    """labels.json."""

    labels: list[Label] = Field(min_length=1)


class Example(_Written):
    """A text of golden.json with the label that a model must give it."""

    label: str
    text: Words


def read_labels(paths: Paths) -> dict[str, dict[str, str | None]]:
    """What the labels mean to people (id, title, description, url), by id.

    Raises:
        StepError: labels.json has another form.
    """
    found = check_form(Labels, read_json(paths.labels), paths.labels).labels
    ids = [one.id for one in found]
    if twice := {one for one in ids if ids.count(one) > 1}:
        raise StepError(
            f"{paths.labels}: labels: these ids appear more than once: {', '.join(sorted(twice))}"
        )
    return {one.id: one.model_dump() for one in found}


def read_golden(paths: Paths, trained: Container[str]) -> list[dict[str, str]]:
    """The examples (label, text) of the labels that are trained.

    Raises:
        StepError: golden.json has another form, a label that labels.json does not have, or no
            example to hold a deployed model against.
    """
    found = check_form(list[Example], read_json(paths.golden), paths.golden)
    if unknown := {one.label for one in found}.difference(read_labels(paths)):
        raise StepError(
            f"{paths.golden}: labels that {paths.labels} lacks: {', '.join(sorted(unknown))}"
        )
    examples = [one.model_dump() for one in found if one.label in trained]
    if not examples:
        raise StepError(
            f"{paths.golden} has no example of a label that is trained: write at least one, for "
            "'make smoke' holds what is deployed against them"
        )
    return examples

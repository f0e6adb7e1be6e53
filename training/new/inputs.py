"""Which columns of a table a model is asked with: a text, or the fields of a record."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from serving.bundle.inputs import MAX_FIELDS, MAX_NAME_CHARS, MAX_TEXT_CHARS
from training.console import StepError
from training.new.columns import UNFIT, Column

MISSING = 0.9
DISTINCT = 0.95
MANY_CATEGORIES = 100
ID = re.compile(r"(^|[^a-z])(id|uuid|guid|key|index|nr|no)$|[a-z]I[dD]$|^I[dD]$")


class Chosen(NamedTuple):
    """Attributes as of `guess.Guess`; of `text` and `fields` one is empty."""

    text: list[str]
    fields: list[Column]
    left_out: dict[str, str]
    doubts: list[str]


def choose_inputs(columns: Sequence[Column], text: Sequence[str], targets: Sequence[Any]) -> Chosen:
    """What of the columns is the input, and what is not, and why.

    Args:
        columns: All but the target.
        text: The columns that are the text, where a person says so.
        targets: The label of each row; of a regression, none.

    Raises:
        StepError: Nothing is left, or more fields than a record has.
    """
    reasons = {one.name: find_reason(one) for one in columns}
    fields = [one for one in columns if reasons[one.name] is None]
    texts = [one.name for one in columns if one.type == "text"]
    if text or (texts and not fields):
        names = list(text or texts)
        inputs = [one for one in columns if one.name in names]
        _check_texts(inputs)
        left_out = {
            name: reason or "the input is a text"
            for name, reason in reasons.items()
            if name not in names
        }
        return Chosen(names, [], left_out, _doubt_rows(inputs, targets))
    left_out = {name: reason for name, reason in reasons.items() if reason}
    if not fields:
        said = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise StepError(f"no column can be an input: {said or 'the target is the only one'}")
    if len(fields) > MAX_FIELDS:
        raise StepError(
            f"{len(fields)} columns could be fields, and a record has at most {MAX_FIELDS}: take "
            "some out of the file"
        )
    return Chosen([], fields, left_out, [*_doubt_fields(columns), *_doubt_rows(fields, targets)])


def find_reason(column: Column) -> str | None:
    """Why a column is no field, if it is none."""
    if column.type in UNFIT:
        return UNFIT[column.type]
    return next((reason for reason, applies in _REASONS.items() if applies(column)), None)


def _is_id(column: Column) -> bool:
    """Whether nearly each row has another value: of whole numbers many mean something."""
    present = column.present
    if column.distinct < DISTINCT * len(present):
        return False
    if column.type == "integer":
        steps = {int(later) - int(earlier) for earlier, later in pairwise(present)}
        return ID.search(column.name) is not None or steps == {1}
    return column.type == "category"


_REASONS: dict[str, Callable[[Column], bool]] = {
    "free text: TEXT= makes a model of it alone, and a vectorizer in model.py a part of this one": (
        lambda column: column.type == "text"
    ),
    "one value alone": lambda column: column.distinct < 2 and not column.missing,  # noqa: PLR2004
    f"nulls in more than {MISSING:.0%} of the rows": lambda column: column.missing > MISSING,
    "an id: nearly each row has another value": _is_id,
    f"a name of more than {MAX_NAME_CHARS} characters": (
        lambda column: len(column.name) > MAX_NAME_CHARS
    ),
    f"values of more than {MAX_TEXT_CHARS:,} characters": (
        lambda column: any(len(str(one)) > MAX_TEXT_CHARS for one in column.present)
    ),
}


def _check_texts(inputs: Sequence[Column]) -> None:
    if not any(isinstance(v, str) and any(map(str.isalpha, v)) for c in inputs for v in c.present):
        raise StepError(f"{', '.join(one.name for one in inputs)}: no row has a letter in it")
    for one in inputs:
        if one.type == "nested":
            raise StepError(f"{one.name} has {UNFIT['nested']}")


def _doubt_fields(columns: Sequence[Column]) -> list[str]:
    found = [
        f"{one.name} has {one.distinct:,} categories: the rare ones are taken together"
        for one in columns
        if one.type == "category" and one.distinct > MANY_CATEGORIES and not _is_id(one)
    ]
    found += [
        f"{one.name} has dates, read as days, month and weekday (features.py): such a model is "
        "not frozen, scikit-learn serves it; without the column it can be. If rows of later days "
        f"are what the model will see, prepare.split: {{by: time, column: {one.name}}} tests on "
        "the latest"
        for one in columns
        if one.type == "date"
    ]
    return found + [
        f"{one.name} looks like the id of something that is in several rows: if these belong "
        f"together, test on others with prepare.split: {{by: group, column: {one.name}}}"
        for one in columns
        if ID.search(one.name) and one.type in ("integer", "category") and not _is_id(one)
    ]


def _doubt_rows(inputs: Sequence[Column], targets: Sequence[Any]) -> list[str]:
    """Rows that are there twice, with the same label or with another one."""
    rows = list(zip(*(one.values for one in inputs), strict=True))
    counts = Counter(map(repr, rows))
    repeated = sum(counts.values()) - len(counts)
    found = []
    if repeated:
        found.append(f"{repeated:,} rows repeat the input of another one")
    if not targets:
        return found
    pairs = {(repr(row), repr(target)) for row, target in zip(rows, targets, strict=True)}
    if others := len(pairs) - len(counts):
        found.append(f"{others:,} of them have another label than that one")
    return found

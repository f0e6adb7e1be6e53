"""What a fitted model takes and answers, inferred from the model and some examples."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import NotFittedError

from serving.app.engines.frame import build_frame
from serving.app.errors import RequestError
from serving.app.inputs import find_input
from training.console import StepError
from training.data.convert import Unfit, convert
from training.new.columns import Column, look_at
from training.settings.schema import Schema

GOLDEN = 5
SHOWN_ROWS = 10
FEWEST = 40  # half of them are to tell an interval
FEWEST_OF_EACH = 4  # two in each half
NULLS = ("",)


class Adoption(NamedTuple):
    """What was found.

    Attributes:
        schema: What goes in and what comes out.
        columns: The columns that are the input.
        texts: Those that are a text; of a record, none.
        answers: What the model says of each example.
        own: Whether these stand for the true ones, for the examples have none.
        golden: Some of the examples, as golden.json has them.
    """

    schema: Schema
    columns: list[str]
    texts: list[str]
    answers: Sequence[Any]
    own: bool
    golden: list[dict[str, Any]]


def look(model: Any, table: Mapping[str, Sequence[Any]], target: str, text: str) -> Adoption:
    """Infer the schema of a fitted model.

    Args:
        model: Fitted.
        table: Of examples, by column.
        target: The column of true answers; "" where there is none.
        text: The column that is the text; "": the only one beside the target.

    Raises:
        StepError: The examples lack a column, or are none that the model takes.
    """
    names = [str(one) for one in getattr(model, "feature_names_in_", ())]
    count = len(next(iter(table.values())))
    if count < FEWEST:
        raise StepError(f"there are {count} examples: give at least {FEWEST}")
    if target and target not in table:
        raise StepError(f"the examples have no column {target}: TARGET= one of {_join(table)}")
    columns = names or [_find_text(table, target, text)]
    if missing := [name for name in columns if name not in table]:
        raise StepError(f"the examples lack columns that the model was fitted to: {_join(missing)}")
    fields = [_make_field(one) for one in look_at({n: table[n] for n in columns}, NULLS)]
    inputs: list[Any] = _read_records(fields, table) if names else _read_texts(table[columns[0]])
    answers = _ask(model, _shape(fields, inputs) if names else inputs)
    outcome = _describe_answers(model, target)
    schema = Schema.model_validate(outcome | ({"fields": fields} if names else {}))
    if schema.labels and target:
        _check_labels(table[target], {one.id for one in schema.labels})
    if schema.labels and (few := _find_few(table[target] if target else answers)):
        raise StepError(
            f"there are fewer than {FEWEST_OF_EACH} examples of {_join(few)}: give more of each, "
            "or take them out"
        )
    return Adoption(
        schema=schema,
        columns=columns,
        texts=[] if names else columns,
        answers=answers,
        own=not target,
        golden=_choose_golden(inputs, answers, fields if names else None, schema.task),
    )


def _find_text(table: Mapping[str, Sequence[Any]], target: str, text: str) -> str:
    others = [name for name in table if name != target]
    if text:
        if text not in table:
            raise StepError(f"the examples have no column {text}: TEXT= one of {_join(others)}")
        return text
    if len(others) != 1:
        raise StepError(
            "the model has no names of features, so its input has to be a text: say "
            f"TEXT= one of {_join(others)}; a model of a table must have been fitted to a DataFrame"
        )
    return others[0]


def _make_field(column: Column) -> dict[str, Any]:
    # A model may have been fitted to a type that no field has: as a text, it is told what it takes.
    types = ("number", "integer", "boolean", "text", "category")
    kind = column.type if column.type in types else "category"
    return {"name": column.name, "type": kind, **({"nullable": True} if column.missing else {})}


def _read_records(
    fields: Sequence[Mapping[str, Any]], table: Mapping[str, Sequence[Any]]
) -> list[dict[str, Any]]:
    columns = [_read_column(table[one["name"]], one) for one in fields]
    names = [field["name"] for field in fields]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _read_column(values: Sequence[Any], field: Mapping[str, Any]) -> list[Any]:
    found = []
    for row, value in enumerate(values, start=1):
        try:
            found.append(convert(value, field["type"], NULLS))
        except Unfit as error:
            raise StepError(f"example {row}, column {field['name']}: not {error}") from None
    return found


def _read_texts(values: Sequence[Any]) -> list[str]:
    if empty := [str(row) for row, one in enumerate(values, start=1) if one is None or one == ""]:
        raise StepError(f"examples without a text: {_join(empty[:SHOWN_ROWS])}: take them out")
    return [str(one) for one in values]


def _shape(fields: Sequence[dict[str, Any]], records: Sequence[dict[str, Any]]) -> Any:
    described = [{"nullable": False} | field for field in fields]
    return build_frame(described, [tuple(one.values()) for one in records])


def _ask(model: Any, values: Any) -> list[Any]:
    try:
        found: list[Any] = np.asarray(model.predict(values)).tolist()
    except NotFittedError:
        raise StepError("the model is not fitted: fit it, and write it again") from None
    except Exception as error:  # noqa: BLE001 - whatever its code raises
        raise StepError(
            f"the model does not take these examples ({type(error).__name__}: {error}): are the "
            "columns of the types that it was fitted to?"
        ) from None
    if any(isinstance(one, list) for one in found):
        raise StepError("the model answers several values at once, which is not served here")
    return found


def _describe_answers(model: Any, target: str) -> dict[str, Any]:
    if is_classifier(model):
        return {"labels": [{"id": str(one), "title": str(one)} for one in model.classes_]}
    return {"target": {"title": target or "Answer"}}


def _check_labels(targets: Sequence[Any], known: set[str]) -> None:
    if unknown := sorted({str(one) for one in targets} - known):
        raise StepError(
            "the examples have labels that the model does not know: "
            f"{_join(unknown[:SHOWN_ROWS])}; it has {_join(sorted(known))}"
        )


def _find_few(targets: Sequence[Any]) -> list[str]:
    counts = Counter(map(str, targets))
    return [label for label, number in sorted(counts.items()) if number < FEWEST_OF_EACH]


def _choose_golden(
    inputs: Sequence[Any],
    answers: Sequence[Any],
    fields: Sequence[Mapping[str, Any]] | None,
    task: str,
) -> list[dict[str, Any]]:
    """The first example of each answer, or the first ones of a regression, that can be asked."""
    described = [{"nullable": False, **field} for field in fields or ()]
    reader = find_input({"kind": "record", "fields": described} if fields else {"kind": "text"})
    golden: dict[Any, dict[str, Any]] = {}
    for place, (one, answer) in enumerate(zip(inputs, answers, strict=True)):
        body = one if fields else {"text": one}
        try:
            reader.read(body)
        except RequestError:
            continue
        if task == "classification":
            golden.setdefault(str(answer), {"label": str(answer), "input": body})
        elif len(golden) < GOLDEN:
            room = max(abs(answer) / 100, 1e-6)
            golden[place] = {"between": [answer - room, answer + room], "input": body}
    return list(golden.values())


def _join(names: Any) -> str:
    return ", ".join(map(str, names))

"""The description of an input in the manifest, and the schemas that are made of it."""

import math

import pytest
from jsonschema import Draft202012Validator

from serving.bundle import inputs
from serving.bundle.schemas import SCHEMAS, describe_many, describe_one

TEXT = {"kind": "text", "example": "the boat"}
FIELD = {"name": "LotArea", "type": "number", "nullable": False, "example": 9627}
RECORD = {
    "kind": "record",
    "fields": [
        FIELD | {"unit": "square feet", "description": "Size of the lot", "range": [1300, 215245]},
        {"name": "Rooms", "type": "integer", "nullable": True, "title": "Rooms", "example": 5},
        {"name": "Pool", "type": "boolean", "nullable": False, "example": False},
        {"name": "Words", "type": "text", "nullable": True, "example": "by the sea"},
        {
            "name": "Zone",
            "type": "category",
            "nullable": False,
            "example": "RL",
            "values": ["RL", "RM"],
        },
    ],
}


@pytest.mark.parametrize("found", [TEXT, RECORD], ids=["text", "record"])
def test_description_is_whole_its_example_fits_its_schemas(found):
    inputs.check_input(found)
    example = inputs.make_example(found)
    one, many = describe_one(found), describe_many(found)
    for schema in (one, many):
        Draft202012Validator.check_schema(schema)
    assert Draft202012Validator(one).is_valid(example)
    assert Draft202012Validator(many).is_valid(inputs.make_batch(found, [example, example]))
    assert not Draft202012Validator(many).is_valid(inputs.make_batch(found, []))
    assert not Draft202012Validator(one).is_valid(example | {"more": 1})


def test_each_type_of_a_field_has_a_schema():
    assert tuple(SCHEMAS) == inputs.TYPES


def test_records_are_a_batch_as_a_bare_list_too():
    example = inputs.make_example(RECORD)
    assert Draft202012Validator(describe_many(RECORD)).is_valid([example])


def test_field_is_shown_with_all_that_is_known_of_it():
    shown = describe_one(RECORD)["properties"]
    assert shown["LotArea"]["description"] == (
        "Size of the lot. Unit: square feet. Seen in training: 1300 to 215245"
    )
    assert shown["Rooms"]["title"] == "Rooms"
    assert shown["Rooms"]["anyOf"][1] == {"type": "null"}
    assert shown["Zone"]["description"] == "Seen in training: RL, RM"
    assert "description" not in shown["Pool"]


def of(*fields):
    return {"kind": "record", "fields": list(fields)}


WRONG = {
    "no object": "text",
    "no kind": {},
    "another kind": TEXT | {"kind": "sound"},
    "no example": {"kind": "text"},
    "an example of another type": TEXT | {"example": 1},
    "more than a text has": TEXT | {"fields": []},
    "no field": of(),
    "a field twice": of(FIELD, FIELD),
    "too many fields": of(*(FIELD | {"name": f"f{n}"} for n in range(inputs.MAX_FIELDS + 1))),
    "fields that are none": {"kind": "record", "fields": 1},
    "a field that is none": of(1),
    "a field without its type": of({"name": "a", "nullable": False, "example": 1}),
    "a field without an example": of({"name": "a", "type": "number", "nullable": False}),
    "a field of another type": of(FIELD | {"type": "date"}),
    "a field of more members": of(FIELD | {"more": 1}),
    "a field that may be null, perhaps": of(FIELD | {"nullable": 1}),
    "a field without a name": of(FIELD | {"name": ""}),
    "a name too long": of(FIELD | {"name": "a" * (inputs.MAX_NAME_CHARS + 1)}),
    "a name of several lines": of(FIELD | {"name": "a\nb"}),
    "a name that is no UTF-8": of(FIELD | {"name": "\ud800"}),
    "a unit of another type": of(FIELD | {"unit": 1}),
    "values of another type": of(FIELD | {"values": [None]}),
    "a truth value among the values": of(FIELD | {"values": [True]}),
    "no values": of(FIELD | {"values": 1}),
    "a range of one": of(FIELD | {"range": [1]}),
    "a range of texts": of(FIELD | {"range": ["a", "b"]}),
    "a range without an end": of(FIELD | {"range": [0, math.inf]}),
    "a range the wrong way round": of(FIELD | {"range": [2, 1]}),
}


@pytest.mark.parametrize("found", WRONG.values(), ids=WRONG)
def test_description_is_none_is_refused(found):
    with pytest.raises((TypeError, ValueError, KeyError, AttributeError)):
        inputs.check_input(found)

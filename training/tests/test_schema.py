"""What a person writes of a model beside its code: the schema and the golden examples."""

import json

import pytest

from training.console import StepError
from training.paths import Paths
from training.settings.schema import Label, Target, read_golden, read_schema
from training.tests.sample import NAME, PRICES, SCHEMA, put_model

TEXTS, RECORDS = Paths(NAME), Paths(PRICES)


@pytest.fixture(autouse=True)
def tree(tmp_path, monkeypatch):
    """What a person writes of the tests' own models."""
    for name in (NAME, PRICES):
        put_model(tmp_path, name=name)
    monkeypatch.chdir(tmp_path)


def test_labels_make_a_classification_and_no_fields_an_input_of_texts():
    schema = read_schema(TEXTS)
    assert (schema.task, schema.kind) == ("classification", "text")


def test_target_makes_a_regression_and_fields_an_input_of_records():
    schema = read_schema(RECORDS)
    assert (schema.task, schema.kind) == ("regression", "record")
    assert schema.target == Target(
        title="Price", unit="EUR", description="What the flat was sold for"
    )
    assert [one.name for one in schema.fields] == ["size", "rooms", "kind", "garden"]


def test_label_has_a_title_alone_is_read():
    TEXTS.schema.write_text('{"labels": [{"id": "a", "title": "A"}]}')
    assert read_schema(TEXTS).labels == [Label(id="a", title="A", description=None, url=None)]


def with_fields(*fields):
    return json.dumps({"labels": [{"id": "a", "title": "A"}], "fields": fields})


TEXT = {"name": "a", "type": "text"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not JSON"),
        ("[]", r"schema\.json: the file: "),
        ("{}", "the file: .*either labels or a target"),
        (
            '{"labels": [{"id": "a", "title": "A"}], "target": {"title": "A"}}',
            "the file: .*either labels or a target",
        ),
        ('{"labels": []}', "labels: List should have at least 1 item"),
        ('{"labels": [{"id": "a"}]}', r"labels\.0\.title: Field required"),
        ('{"labels": [{"id": "a", "title": 1}]}', r"labels\.0\.title: .*string"),
        ('{"labels": [{"id": "a", "title": "A", "hue": 1}]}', r"labels\.0\.hue: Extra"),
        (
            '{"labels": [{"id": "a", "title": "A"}, {"id": "a", "title": "B"}]}',
            "these labels appear more than once: a",
        ),
        ('{"target": {"title": ""}}', r"target\.title: .*at least 1 character"),
        ('{"target": {"title": "A", "units": "m"}}', r"target\.units: Extra"),
        (with_fields(), "fields: List should have at least 1 item"),
        (with_fields({"name": "a"}), r"fields\.0\.type: Field required"),
        (with_fields({"name": "a", "type": "date"}), r"fields\.0\.type: .*'number', 'integer'"),
        (with_fields(TEXT | {"name": ""}), r"fields\.0\.name: .*at least 1 character"),
        (with_fields(TEXT | {"name": "a\nb"}), r"fields\.0: .*must be printable"),
        (with_fields(TEXT | {"values": ["b"]}), r"fields\.0\.values: Extra"),
        (with_fields(TEXT, TEXT), "these fields appear more than once: a"),
        (with_fields(*[TEXT] * 201), "fields: List should have at most 200 items"),
    ],
)
def test_schema_has_another_form_says_where(text, says):
    TEXTS.schema.write_text(text)
    with pytest.raises(StepError, match=says):
        read_schema(TEXTS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[", "is not JSON"),
        ("[]", r"golden\.json has no example: .*'make smoke'"),
        ('[{"label": "stars"}]', r"golden\.json: 0\.input: Field required"),
        ('[{"label": "stars", "input": "x"}]', r"golden\.json: 0\.input: .*dictionary"),
        ('[{"label": "stars", "text": "x"}]', r"golden\.json: 0\.input: Field required"),
        ('[{"between": [1, 2], "input": {}}]', r"golden\.json: 0\.label: Field required"),
        (
            '[{"label": "sci.spice", "input": {"text": "x"}}]',
            r"golden\.json: labels that .*schema\.json lacks: sci\.spice",
        ),
    ],
)
def test_golden_labels_have_another_form_says_where(text, says):
    TEXTS.golden.write_text(text)
    with pytest.raises(StepError, match=says):
        read_golden(TEXTS, SCHEMA)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[{"label": "stars", "input": {}}]', r"golden\.json: 0\.between: Field required"),
        ('[{"between": [1], "input": {}}]', r"0\.between\.1: Field required"),
        ('[{"between": [1, NaN], "input": {}}]', r"0\.between\.1: .*finite"),
        ('[{"between": [1, 2, 3], "input": {}}]', r"0\.between: .*at most 2"),
    ],
)
def test_golden_bounds_have_another_form_says_where(text, says):
    RECORDS.golden.write_text(text)
    with pytest.raises(StepError, match=says):
        read_golden(RECORDS, read_schema(RECORDS))


@pytest.mark.parametrize("read", [read_schema, lambda paths: read_golden(paths, SCHEMA)])
def test_file_of_a_person_is_missing_says_which(read):
    with pytest.raises(StepError, match=r"training/models/none/(schema|golden)\.json is missing"):
        read(Paths("none"))

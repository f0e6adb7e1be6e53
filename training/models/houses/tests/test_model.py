"""What a person writes of the houses model fits together."""

import pytest

from serving.app.inputs import find_input
from training.data.dataset import Example
from training.fitting.candidates import list_candidates
from training.inputs import make_input, read_golden_inputs
from training.inputs.record import complete_fields
from training.models.houses.model import AREAS, CODES, MODEL, NUMBERS
from training.models.houses.source import CODES as WORDS
from training.models.houses.source import Settings
from training.paths import Paths
from training.settings.params import read_params
from training.settings.schema import read_golden, read_schema
from training.settings.written import check_form
from training.tasks import find_task

HOUSES = Paths("houses")
# What the clients of the service post; golden[0].
REFERENCE = {
    "MSSubClass": 60,
    "MSZoning": "RL",
    "LotArea": 9627,
    "LotConfig": "Inside",
    "BldgType": "1Fam",
    "OverallCond": 5,
    "YearBuilt": 1993,
    "YearRemodAdd": 1994,
    "Exterior1st": "HdBoard",
    "BsmtFinSF2": 0.0,
    "TotalBsmtSF": 996.0,
}


@pytest.fixture(scope="module")
def schema():
    return read_schema(HOUSES)


@pytest.fixture(scope="module")
def golden(schema):
    return read_golden(HOUSES, schema)


def test_schema_tells_of_the_fields_that_candidates_read(schema):
    assert (schema.task, schema.kind) == ("regression", "record")
    assert {one.name for one in schema.fields} == {*AREAS, *NUMBERS, *CODES}
    assert all(one.title for one in schema.fields)


def test_codes_are_described_for_people(schema):
    words = {one.name: one.description for one in schema.fields}
    for name, codes in WORDS.items():
        assert [code for code in codes.values() if str(code) not in words[name]] == []


def test_reference_request_is_the_first_golden_example(golden):
    assert golden[0]["input"] == REFERENCE
    assert [*golden[0]["input"]] == [*REFERENCE]


def test_service_reads_the_golden_records(schema, golden):
    train = [Example(row, 1.0, one["input"]) for row, one in enumerate(golden, start=1)]
    kind = make_input({"kind": "record", "fields": complete_fields(schema.fields, train)}, None)
    assert read_golden_inputs(golden, kind, HOUSES) == [one["input"] for one in golden]
    assert find_input(kind.described).read(REFERENCE) == tuple(REFERENCE.values())


def test_golden_codes_are_codes_of_the_data(golden):
    for one in golden:
        assert all(one["input"][name] in codes.values() for name, codes in WORDS.items())


def test_every_candidate_of_the_parameters_can_be_fitted_on_the_golden_records(schema, golden):
    params = read_params(HOUSES)
    check_form(Settings, params.prepare, "prepare")
    candidates = list(list_candidates(params.train, MODEL.candidates))
    assert {one.name for one in candidates} == MODEL.candidates.keys()
    train = [Example(row, 1e5 * row, one["input"]) for row, one in enumerate(golden, start=1)]
    kind = make_input({"kind": "record", "fields": complete_fields(schema.fields, train)}, None)
    table = kind.shape(one.input for one in train)
    targets = find_task(schema).read_targets(train)
    for candidate in candidates:
        fitted = candidate.pipeline.fit(table, targets)
        assert fitted.predict(table).shape == (len(golden),)

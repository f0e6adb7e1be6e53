"""Records in, labels or values out: the handler against scikit-learn itself."""

import json
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from sklearn.linear_model import LinearRegression, Ridge

from serving.app.engines.frame import DTYPES
from serving.app.engines.predictor import load_predictor
from serving.app.errors import Invalid, RequestError
from serving.app.inputs import find_input
from serving.app.inputs.record import RecordInput
from serving.bundle.errors import BundleDamaged
from serving.bundle.inputs import MAX_BATCH, MAX_INTEGER
from serving.bundle.schemas import SCHEMAS, describe_many, describe_one
from serving.tests.own_code import fit_own, own_code
from serving.tests.records import (
    EXAMPLE,
    FIELDS,
    INPUT,
    INTERVAL,
    RECORDS,
    WRITE,
    fit,
    fit_classification,
    fit_regression,
    make_records,
    to_frame,
    write_classification,
    write_regression,
)
from serving.tests.sample import TEXTS, change_manifest, proxy_event, write_bundle
from serving.tests.sample import fit as fit_texts
from serving.tests.ways import check_both_ways

NEW = make_records(12, seed=9)


@pytest.fixture(scope="module")
def models():
    return {"regression": fit_regression(), "classification": fit_classification()}


@pytest.fixture(scope="module")
def folders(tmp_path_factory, models):
    found = {}
    for task, write in WRITE.items():
        found[task] = tmp_path_factory.mktemp(task)
        write(found[task], models[task])
    return found


@pytest.fixture
def rents(start_service, folders):
    return start_service(folders["regression"])


@pytest.fixture
def offers(start_service, folders):
    return start_service(folders["classification"])


def test_record_is_posted_gets_scikit_learns_value_and_the_interval_of_the_manifest(rents, models):
    for record in NEW:
        answer = rents.request(body=record).json
        assert list(answer) == ["value", "unit", "interval", "model"]
        assert answer["value"] == models["regression"].predict(to_frame([record]))[0]
        assert answer["unit"] == "EUR"
        assert answer["interval"] == {
            "low": answer["value"] * INTERVAL["low"],
            "high": answer["value"] * INTERVAL["high"],
            "coverage": INTERVAL["coverage"],
        }


def test_record_is_posted_gets_scikit_learns_label_and_probability(offers, models):
    for record in NEW:
        answer = offers.request(body=record).json
        frame = to_frame([record])
        assert answer["label"] == models["classification"].predict(frame)[0]
        assert answer["probability"] == models["classification"].predict_proba(frame).max()


@pytest.mark.parametrize("task", WRITE)
def test_row_of_a_batch_gets_what_it_gets_alone_in_any_order_of_fields(
    folders, start_service, task
):
    client = start_service(folders[task])
    shuffled = [dict(reversed(one.items())) for one in NEW]
    bare = client.request(path="/predict/batch", body=NEW)
    wrapped = client.request(path="/predict/batch", body={"records": shuffled})
    assert bare.text == wrapped.text
    for record, item in zip(NEW, bare.json["predictions"], strict=True):
        alone = client.request(body=record).json
        assert item == {name: alone[name] for name in item}


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
ANY = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=5), st.just([]), st.just({}))
RECORD = st.fixed_dictionaries(
    {
        "area": st.none() | st.floats(-10, 400, width=32) | NUMBERS,
        "rooms": st.integers(-2, 12),
        "garden": st.none() | st.booleans(),
        "kind": st.none() | st.sampled_from(["flat", "house", "villa", "castle", ""]),
        "district": st.integers(0, 5),
        "words": st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
    }
)
CHANGES = st.dictionaries(st.sampled_from([*EXAMPLE, "more"]), ANY, max_size=2)
DROPPED = st.lists(st.sampled_from(list(EXAMPLE)), max_size=1)


@st.composite
def records(draw):
    """A record; one in some with other values, or without a field."""
    found = draw(RECORD)
    if draw(st.integers(0, 3)) == 0:
        found |= draw(CHANGES)
        for name in draw(DROPPED):
            found.pop(name, None)
    names = draw(st.permutations(list(found)))
    return {name: found[name] for name in names}


BATCH = st.lists(records(), max_size=4)
BODY = st.one_of(
    st.tuples(st.just("/predict"), records() | records() | ANY),
    st.tuples(st.just("/predict/batch"), BATCH | st.fixed_dictionaries({"records": BATCH | ANY})),
)
QUERY = st.sampled_from([None] * 5 + [{"top": ["2"]}, {"explain": ["true"]}, {"top": ["x"]}])
EVENTS = st.builds(
    lambda sent, query: proxy_event(
        path=sent[0], body=json.dumps(sent[1]), multiValueQueryStringParameters=query
    ),
    BODY,
    QUERY,
)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numpy's, of numbers far out
@pytest.mark.parametrize("task", WRITE)
@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(found=EVENTS)
def test_any_record_gets_the_same_from_both_ways(folders, start_service, capsys, task, found):
    event(check_both_ways(start_service, folders[task], capsys, found))


@settings(deadline=None)
@given(body=records())
def test_what_is_read_is_what_the_schema_takes(body):
    reads = RecordInput(FIELDS)
    for schema, read, sent in (
        (describe_one(INPUT), reads.read, body),
        (describe_many(INPUT), reads.read_batch, [body, EXAMPLE]),
        (describe_many(INPUT), reads.read_batch, {"records": [body]}),
    ):
        try:
            read(sent)
        except RequestError:
            taken = False
        else:
            taken = True
        assert taken == Draft202012Validator(schema).is_valid(sent)


def test_record_breaks_rules_each_is_told_with_its_place_and_no_name_of_the_client(rents):
    wrong = {"area": "84.5", "rooms": 1.5, "garden": 1, "district": MAX_INTEGER + 1, "words": None}
    answer = rents.request(body=wrong | {"secret-name": 1})
    assert answer.status == 422
    assert [(one["place"], one["rule"]) for one in answer.json["errors"]] == [
        ("body.area", "Input should be a valid number"),
        ("body.rooms", "Input should be a valid integer"),
        ("body.garden", "Input should be a valid boolean"),
        ("body.kind", "Field required"),
        ("body.district", "Input should be an integer of at most 53 bits"),
        ("body.words", "Input should be a valid string"),
        ("body", "No other fields than the documented ones are taken"),
    ]
    assert "secret" not in answer.text


def test_record_of_a_batch_breaks_a_rule_its_number_is_told(rents):
    wrong = [EXAMPLE, EXAMPLE | {"rooms": True}]
    for body, place in ((wrong, "body[1].rooms"), ({"records": wrong}, "body.records[1].rooms")):
        answer = rents.request(path="/predict/batch", body=body)
        assert [one["place"] for one in answer.json["errors"]] == [place]


def test_record_is_measured_by_what_training_has_not_seen(rents):
    body = [EXAMPLE, EXAMPLE | {"area": None, "kind": "castle", "district": 3, "rooms": 12}]
    (document,) = rents.request(path="/predict/batch", body=body).emf
    assert document["input.num_records"] == 2
    assert document["input.missing"] == 1 / 12
    assert document["input.unknown_categories"] == 2 / 4
    assert document["input.out_of_range"] == 1 / 3
    assert math.isfinite(document["prediction.value"])
    assert not {"input.num_texts", "input.unknown_terms", "label"} & document.keys()


def test_fields_have_neither_categories_nor_ranges_nothing_is_measured_of_them():
    plain = [{"name": "a", "type": "number", "nullable": False, "example": 1}]
    assert RecordInput(plain).measure([(1.0,)]) == {"input.num_records": 1, "input.missing": 0.0}


def test_value_is_asked_for_labels_is_refused(rents):
    answer = rents.request(body=EXAMPLE, queryStringParameters={"top": "2"})
    assert answer.status == 422
    assert [one["place"] for one in answer.json["errors"]] == ["query.top"]


def test_record_is_explained_by_every_field(offers):
    query = {"queryStringParameters": {"explain": "true"}}
    found = offers.request(body=EXAMPLE, **query).json["explanation"]
    assert {one["field"] for one in found} == EXAMPLE.keys()
    weights = [abs(one["weight"]) for one in found]
    assert weights == sorted(weights, reverse=True)
    assert found[0]["field"] == "area"


def test_weights_would_be_of_a_logarithm_and_not_of_the_value_the_explanation_is_null(rents):
    answer = rents.request(body=EXAMPLE, queryStringParameters={"explain": "true"}).json
    assert answer["explanation"] is None


def test_top_is_asked_of_a_record_gets_labels_by_falling_probability(offers):
    answer = offers.request(body=EXAMPLE, queryStringParameters={"top": "5"}).json
    assert [one["label"] for one in answer["top"]] == ["cheap", "dear"]


def test_value_has_no_labels_their_list_is_empty(rents):
    assert rents.request("GET", "/labels").json == {"labels": []}


def test_details_says_what_goes_in_and_comes_out(rents):
    found = rents.request("GET", "/model").json
    assert (found["task"], found["input"], found["interval"]) == ("regression", INPUT, INTERVAL)
    assert found["target"]["unit"] == "EUR"


@pytest.mark.parametrize("task", WRITE)
def test_document_is_the_models_own(folders, start_service, task):
    client = start_service(folders[task])
    document = client.request("GET", "/openapi.json").json
    validate(document)
    schemas = document["components"]["schemas"]
    assert schemas["PredictRequest"]["required"] == list(EXAMPLE)
    for path, body in (("/predict", EXAMPLE), ("/predict/batch", [EXAMPLE])):
        operation = document["paths"][path]["post"]
        content = operation["responses"]["200"]["content"]["application/json"]
        name = content["schema"]["$ref"].rpartition("/")[2]
        rules = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        for query in (None, {"explain": "true"}):
            answer = client.request(path=path, body=body, queryStringParameters=query).json
            Draft202012Validator(rules).validate(answer)
        example = operation["requestBody"]["content"]["application/json"]["examples"]["1"]["value"]
        assert client.request(path=path, body=example).status == 200


@pytest.mark.parametrize("value", [-50.0, 50.0])
@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        (("difference", -10.0, 20.0), lambda value: (value - 10, value + 20)),
        (("ratio", 0.5, 2.0), lambda value: tuple(sorted((value * 0.5, value * 2)))),
    ],
)
def test_interval_is_made_of_the_value(start_service, tmp_path, value, ends, expected):
    model = fit(LinearRegression(), np.full(len(RECORDS), value))
    interval = dict(zip(("kind", "low", "high"), ends, strict=True)) | {"coverage": 0.8}
    write_regression(tmp_path, model, interval=interval)
    answer = start_service(tmp_path).request(body=EXAMPLE).json
    assert answer["value"] == pytest.approx(value)
    assert (answer["interval"]["low"], answer["interval"]["high"]) == expected(answer["value"])


def test_nothing_is_known_of_the_errors_there_is_no_interval(start_service, tmp_path, models):
    write_regression(tmp_path, models["regression"], interval=None)
    assert start_service(tmp_path).request(body=EXAMPLE).json["interval"] is None


def raise_far(values):
    """A prediction that leaves the doubles where the features are far out."""
    with np.errstate(over="ignore"):
        return np.exp(values)


@pytest.mark.parametrize("far", [EXAMPLE | {"area": 1e30}, [EXAMPLE, EXAMPLE | {"area": 1e30}]])
def test_model_has_no_finite_value_it_is_the_callers_to_mend(start_service, tmp_path, far):
    from sklearn.compose import TransformedTargetRegressor

    model = TransformedTargetRegressor(
        LinearRegression(), func=np.log, inverse_func=raise_far, check_inverse=False
    )
    write_regression(tmp_path, fit(model, np.array([one["area"] or 90 for one in RECORDS])))
    path = "/predict" if isinstance(far, dict) else "/predict/batch"
    answer = start_service(tmp_path).request(path=path, body=far)
    assert (answer.status, answer.logged) == (422, [])
    assert "finite" in answer.json["errors"][0]["rule"]


def test_text_goes_in_and_a_value_comes_out(start_service, tmp_path):
    pipeline = fit_texts(Ridge(), [float(len(text)) for text in TEXTS])
    target = {"title": "Length", "unit": None, "description": None}
    write_bundle(tmp_path, pipeline, task="regression", target=target)
    answer = start_service(tmp_path).request(body={"text": TEXTS[0]})
    assert answer.json["value"] == pipeline.predict(TEXTS[:1])[0]
    assert answer.emf[0]["input.unknown_terms"] == 0


def test_manifest_describes_other_fields_than_the_models_is_a_damaged_bundle(tmp_path, models):
    write_classification(tmp_path, models["classification"])
    change_manifest(tmp_path, input={"kind": "record", "fields": FIELDS[1:]})
    with pytest.raises(BundleDamaged, match="cannot be loaded by this code"):
        load_predictor(tmp_path)


def test_model_brings_code_of_its_own_it_is_served_with_it(start_service, tmp_path):
    with own_code(tmp_path, "lettings") as features:
        model = fit_own(features)
        write_regression(tmp_path / "bundle", model)
        answer = start_service(tmp_path / "bundle").request(body=NEW[0])
        assert answer.json["value"] == model.predict(to_frame(NEW[:1]))[0]
    # The pickle knows the module's name, and now it is not there.
    with pytest.raises(BundleDamaged, match=r"needs the module training\.models\.lettings"):
        load_predictor(tmp_path / "bundle")


def test_forest_predicts_on_one_thread(tmp_path, models):
    write_classification(tmp_path, models["classification"])
    assert models["classification"][-1].n_jobs == 2
    assert load_predictor(tmp_path)._engine._classifier.n_jobs == 1


@pytest.mark.parametrize("values", [[None], [None, None], ["a"], ["a", None]])
def test_column_of_nulls_has_the_type_of_training(values):
    frame = to_frame([EXAMPLE | {"kind": value, "area": None} for value in values])
    assert frame["kind"].dtype == "str"
    assert frame["kind"].isna().tolist() == [value is None for value in values]
    assert frame["area"].dtype == "float64"


def test_every_type_of_field_has_its_schema_and_its_dtype():
    assert DTYPES.keys() == SCHEMAS.keys()


def test_wide_records_have_room_for_a_full_batch():
    fields = [FIELDS[1] | {"name": f"field{number}"} for number in range(200)]
    reads = find_input({"kind": "record", "fields": fields})
    full = [dict.fromkeys((field["name"] for field in fields), 3)] * MAX_BATCH
    assert len(reads.read_batch(full)) == MAX_BATCH
    assert reads.bounds.values > MAX_BATCH * 201 + 2
    with pytest.raises(Invalid, match="rules are broken"):
        reads.read_batch([{}] * MAX_BATCH)

"""The OpenAPI document is valid, complete, and says the limits that are enforced."""

import re
from types import SimpleNamespace

import pytest
from openapi_spec_validator import validate

from serving.app import error_kinds, limits
from serving.app.http.document import EXAMPLES, _choose_examples, _shorten
from serving.app.http.full_app import METHODS
from serving.app.inputs.text import TextInput
from serving.bundle import inputs


@pytest.fixture
def document(client):
    return client.request("GET", "/openapi.json").json


def test_document_is_openapi_3_1(document):
    assert document["openapi"] == "3.1.0"
    validate(document)


def test_every_route_is_documented_but_the_documents_own(document):
    documented = {path: next(iter(one)).upper() for path, one in document["paths"].items()}
    hidden = {"/", "/openapi.json", "/docs"}
    assert documented == {path: method for path, method in METHODS.items() if path not in hidden}


def test_examples_are_of_as_many_labels_as_there_are():
    labels = "aabbccddeeffgghhijj"
    golden = [{"input": {"text": str(place)}, "label": one} for place, one in enumerate(labels)]
    chosen = _choose_examples(SimpleNamespace(golden=golden))
    assert len({labels[int(one["text"])] for one in chosen}) == len(chosen) == EXAMPLES
    assert _choose_examples(SimpleNamespace(golden=golden[:3])) == [
        {"text": "0"},
        {"text": "1"},
        {"text": "2"},
    ]
    assert _choose_examples(SimpleNamespace(golden=())) == []


def test_description_tells_the_model_its_version_scores_and_labels(client, document):
    model = client.request("GET", "/model").json
    words = document["info"]["description"]
    assert f"model {model['name']}, version {model['version']}" in words
    assert all(name.replace("_", " ") in words for name in model["metrics"])
    assert all(label in words for label in model["labels"])


def test_scores_are_told_without_an_exponent():
    assert [_shorten(one) for one in (40397.12, -1000.4, 999.96, 0.93061)] == [
        "40,397",
        "-1,000",
        "1000",
        "0.9306",
    ]


def test_limits_are_those_of_settings(document):
    schemas = document["components"]["schemas"]
    text = schemas["PredictRequest"]["properties"]["text"]
    assert (text["minLength"], text["maxLength"]) == (1, inputs.MAX_TEXT_CHARS)
    texts = schemas["BatchRequest"]["properties"]["texts"]
    assert (texts["minItems"], texts["maxItems"]) == (1, inputs.MAX_BATCH)
    assert texts["items"]["maxLength"] == inputs.MAX_TEXT_CHARS
    top = document["paths"]["/predict"]["post"]["parameters"][0]
    assert (top["name"], top["schema"]["maximum"]) == ("top", limits.MAX_TOP)
    numbers = set(re.findall(r"\d+", document["info"]["description"].replace(",", "")))
    names = ["BODY_BYTES", "DEPTH", "DIGITS", "HEADERS", "PARAMETERS"]
    bounds = TextInput().bounds
    found = [bounds.values, bounds.names, *(getattr(limits, f"MAX_{name}") for name in names)]
    assert set(map(str, found)) <= numbers


def test_every_error_of_a_prediction_is_documented_as_a_problem(document):
    for path in ("/predict", "/predict/batch"):
        responses = document["paths"][path]["post"]["responses"]
        assert set(responses) == {"200", "400", "413", "415", "422", "500", "503"}
        for status, response in responses.items():
            (content,) = response["content"]
            problem = "application/problem+json"
            assert content == ("application/json" if status == "200" else problem)


def subclasses(of):
    for one in of.__subclasses__():
        yield one
        yield from subclasses(one)


def test_every_error_has_a_status_a_title_and_a_kind():
    for one in subclasses(error_kinds.ServiceError):
        assert 400 <= one.status <= 599
        assert one.title
        assert re.fullmatch(r"[a-z-]+", one.kind)


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/prod/docs", "/prod"),
        ("/docs", "/"),
        ("/production/docs", "/production"),
        ("/</script><script>alert(1)</script>/docs", "/"),
        ('/"};alert(1);{"/docs', "/"),
        ("//evil.example/docs", "/"),
        ("/" + "a" * 129 + "/docs", "/"),
    ],
)
def test_docs_page_is_served_under_its_prefix_and_loads_nothing(client, path, url):
    context = {"stage": "prod", "path": path}
    page = client.request("GET", "/docs", requestContext=context)
    assert page.status == 200
    assert page.headers["Content-Type"] == "text/html"
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=", page.text)
    assert "alert(1)" not in page.text
    assert re.search(rf'"servers": \[\s*\{{\s*"url": "{url}"', page.text)

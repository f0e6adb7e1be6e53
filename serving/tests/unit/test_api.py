"""The routes of the HTTP contract, through the handler."""

import base64
import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from serving.app.http import full_app
from serving.app.limits import MAX_BODY_BYTES
from serving.app.telemetry import log
from serving.bundle.inputs import MAX_BATCH, MAX_TEXT_CHARS
from serving.tests.sample import LABELS, SENTENCES, TEXTS, fit, proxy_event, write_bundle

SAILING = "the boat met the wind and the waves"
COLD = {"Server-Timing": "cold"}  # of a process's first answer alone


def test_text_is_posted_gets_label_probability_and_model(client, pipeline):
    answer = client.request(body={"text": SAILING})
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    found = answer.json
    assert list(found) == ["label", "title", "probability", "model"]
    assert (found["label"], found["title"]) == ("sailing", "Sailing")
    assert found["probability"] == pipeline.predict_proba([SAILING]).max()
    assert found["model"]["name"] == "hobbies"
    assert answer.headers["X-Model-Version"] == found["model"]["version"]
    assert answer.headers["X-Request-Id"] == "request-1"


@pytest.mark.parametrize("path", ["/predict", "/model"])
def test_first_answer_of_a_process_says_that_it_is_a_cold_start(client, path):
    ask = {"/predict": {"body": {"text": SAILING}}, "/model": {"method": "GET"}}[path]
    timings = [client.request(path=path, **ask).headers.get("Server-Timing") for _ in range(2)]
    assert timings == ["cold", None]


def test_first_answer_without_a_model_says_that_it_is_a_cold_start(start_service, tmp_path):
    assert (
        start_service(tmp_path).request(body={"text": SAILING}).headers["Server-Timing"] == "cold"
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(min_size=1, max_size=200).filter(lambda text: text.encode("utf-8", "ignore")))
def test_any_text_is_posted_gets_scikit_learns_own_answer(client, pipeline, text):
    text = text.encode("utf-8", "ignore").decode()
    answer = client.request(body={"text": text}).json
    assert answer["label"] == pipeline.predict([text])[0]
    column = list(pipeline.classes_).index(answer["label"])
    assert answer["probability"] == pipeline.predict_proba([text])[0][column]


def test_batch_is_posted_gets_one_prediction_a_text_in_order(client):
    answer = client.request(path="/predict/batch", body={"texts": TEXTS})
    assert answer.status == 200
    assert [one["label"] for one in answer.json["predictions"]] == LABELS


def test_base64_body_is_posted_gets_the_same_answer_as_text(client):
    body = json.dumps({"text": SAILING})
    encoded = base64.b64encode(body.encode()).decode()
    one = client.request(body=body)
    other = client.request(body=encoded, isBase64Encoded=True)
    assert (one.status, one.text) == (other.status, other.text)


def test_top_is_asked_gets_labels_by_falling_probability(client):
    answer = client.request(
        body={"text": SAILING}, multiValueQueryStringParameters={"top": ["2"]}
    ).json
    assert answer["top"][0]["label"] == "sailing"
    assert len(answer["top"]) == 2
    assert answer["top"][0]["probability"] >= answer["top"][1]["probability"]


def test_top_is_more_than_the_labels_gets_all_of_them(client):
    answer = client.request(body={"text": SAILING}, queryStringParameters={"top": "100"}).json
    assert {one["label"] for one in answer["top"]} == set(SENTENCES)
    assert sum(one["probability"] for one in answer["top"]) == pytest.approx(1)


def test_explain_is_asked_gets_terms_whose_weights_are_coefficient_times_tfidf(client, pipeline):
    answer = client.request(
        body={"text": SAILING}, multiValueQueryStringParameters={"explain": ["true"]}
    ).json
    vectorizer, classifier = pipeline[0], pipeline[-1]
    row = vectorizer.transform([SAILING]).toarray()[0]
    label = list(classifier.classes_).index(answer["label"])
    expected = {
        term: classifier.coef_[label, index] * row[index]
        for term, index in vectorizer.vocabulary_.items()
        if classifier.coef_[label, index] * row[index] > 0
    }
    weights = {one["term"]: one["weight"] for one in answer["explanation"]}
    assert weights == {
        term: expected[term]
        for term in sorted(expected, key=expected.get, reverse=True)[: len(weights)]
    }
    assert answer["explanation"][0]["weight"] == max(expected.values())


def test_explain_of_unknown_words_gets_an_empty_explanation(client):
    answer = client.request(body={"text": "xyzzy"}, queryStringParameters={"explain": "true"})
    assert answer.json["explanation"] == []


def test_explain_of_a_model_that_is_not_linear_gets_null(start_service, tmp_path):
    write_bundle(tmp_path, fit(KNeighborsClassifier(3)))
    answer = start_service(tmp_path).request(
        body={"text": SAILING}, queryStringParameters={"explain": "true"}
    )
    assert answer.json["explanation"] is None


def test_classifier_without_probabilities_answers_null(start_service, tmp_path):
    pipeline = fit(LinearSVC())
    write_bundle(tmp_path, pipeline)
    answer = (
        start_service(tmp_path)
        .request(body={"text": SAILING}, queryStringParameters={"top": "3"})
        .json
    )
    assert answer["label"] == pipeline.predict([SAILING])[0]
    assert answer["probability"] is None
    assert answer["top"] == [{"label": "sailing", "title": "Sailing", "probability": None}]


def test_binary_classifier_explains_its_first_label_with_the_sign_turned(start_service, tmp_path):
    labels = ["boats" if label == "sailing" else "land" for label in LABELS]
    write_bundle(tmp_path, fit(labels=labels))
    answer = (
        start_service(tmp_path)
        .request(body={"text": "the boat in the wind"}, queryStringParameters={"explain": "true"})
        .json
    )
    assert answer["label"] == "boats"
    assert answer["explanation"][0]["weight"] > 0


@pytest.mark.parametrize(
    ("path", "member"), [("/model", "dataset_sha256"), ("/labels", "labels"), ("/health", "status")]
)
def test_model_is_asked_about_itself_answers(client, path, member):
    answer = client.request("GET", path)
    assert answer.status == 200
    assert member in answer.json


def test_details_names_no_files(client):
    assert "model.joblib" not in client.request("GET", "/model").text


REFUSED = {
    "not json": (400, {"body": "{"}),
    "empty body": (400, {"body": None}),
    "no utf-8": (
        400,
        {"body": base64.b64encode(b'{"text": "\xff"}').decode(), "isBase64Encoded": True},
    ),
    "no base64": (400, {"body": "%%%", "isBase64Encoded": True}),
    "a list": (400, {"body": "[]"}),
    "a name twice": (400, {"body": '{"text": "a", "text": "b"}'}),
    "not a number": (400, {"body": '{"text": NaN}'}),
    "infinite": (400, {"body": '{"text": 1e999}'}),
    "long number": (400, {"body": '{"text": ' + "1" * 5000 + "}"}),
    "lone surrogate": (400, {"body": '{"text": "\\ud800"}'}),
    "lone surrogate in the event": (400, {"body": '{"text": "\ud800"}'}),
    "deep": (400, {"body": "[" * 1_000}),
    "many values": (413, {"body": "[" * 100_000}),
    "many names": (400, {"body": {str(number): 1 for number in range(100)}}),
    "unknown path": (404, {"path": "/nothing"}),
    "trailing slash": (404, {"path": "/predict/"}),
    "wrong method": (405, {"method": "GET"}),
    "too large": (413, {"body": '"' + "a" * MAX_BODY_BYTES + '"'}),
    "too large in base64": (413, {"body": "A" * (2 * MAX_BODY_BYTES), "isBase64Encoded": True}),
    "wrong type": (415, {"body": {"text": "a"}, "headers": {"content-type": "text/plain"}}),
    "wrong charset": (
        415,
        {"body": {"text": "a"}, "headers": {"content-type": "application/json; charset=latin-1"}},
    ),
    "compressed": (415, {"body": {"text": "a"}, "headers": {"content-encoding": "gzip"}}),
    "no text": (422, {"body": {}}),
    "empty text": (422, {"body": {"text": ""}}),
    "a number": (422, {"body": {"text": 1}}),
    "long text": (422, {"body": {"text": "a" * (MAX_TEXT_CHARS + 1)}}),
    "another field": (422, {"body": {"text": "a", "secret-name": 1}}),
    "no texts": (422, {"path": "/predict/batch", "body": {"texts": []}}),
    "many texts": (
        422,
        {"path": "/predict/batch", "body": {"texts": ["a"] * (MAX_BATCH + 1)}},
    ),
    "wrong texts": (422, {"path": "/predict/batch", "body": {"texts": [1] * MAX_BATCH}}),
    "wrong top": (422, {"body": {"text": "a"}, "queryStringParameters": {"top": "secret-name"}}),
    "top of minus one": (422, {"body": {"text": "a"}, "queryStringParameters": {"top": "-1"}}),
}


@pytest.mark.parametrize(("status", "members"), REFUSED.values(), ids=REFUSED.keys())
def test_request_is_wrong_gets_a_problem_that_says_what_to_mend(client, status, members):
    answer = client.request(**{"body": {"text": "a"}} | members)
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Request-Id"] == "request-1"
    problem = answer.json
    assert problem["status"] == status
    assert problem["type"].startswith("urn:quickthaw:problem:")
    assert problem["title"]
    assert problem["detail"].endswith(".")
    assert problem["request_id"] == "request-1"
    assert ("errors" in problem) == (status == 422)
    assert len(problem.get("errors", [])) <= 10
    assert len(answer.text) <= 4096
    assert "secret-name" not in answer.text
    assert ("Allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize("event", [None, "text", [], {}, {"version": "2.0", "rawPath": "/predict"}])
def test_event_is_no_proxy_event_gets_400(client, event):
    answer = client.send(event)
    assert answer.status == 400
    assert answer.json["type"] == "urn:quickthaw:problem:bad-request"
    assert "The event is " in answer.json["detail"]


@pytest.mark.parametrize(
    "members",
    [
        {"headers": None, "requestContext": None},
        {"headers": {"content-type": None}, "multiValueQueryStringParameters": {"other": None}},
        {"headers": [], "queryStringParameters": {"other": 3}},
    ],
)
def test_members_of_the_event_are_odd_gets_an_answer_all_the_same(client, members):
    assert client.request(body={"text": SAILING}, **members).status == 200


@pytest.mark.parametrize("values", [None, 3, [], [3], ["3", None], {"0": "3"}])
@pytest.mark.parametrize("name", ["top", "explain"])
def test_query_value_cannot_be_read_is_refused_as_one_that_is_wrong(client, name, values):
    query = {"multiValueQueryStringParameters": {name: values}}
    answer = client.request(body={"text": SAILING}, **query)
    assert answer.status == 422
    assert [one["place"] for one in answer.json["errors"]] == [f"query.{name}"]


def test_wrong_method_names_the_right_one(client):
    assert client.request("DELETE", "/predict").headers["Allow"] == "POST"
    assert client.request("HEAD", "/predict").headers["Allow"] == "POST"
    assert client.request("POST", "/labels").headers["Allow"] == "GET, HEAD"


PAGES = [path for path, method in full_app.METHODS.items() if method == "GET"]


@pytest.mark.parametrize("path", PAGES)
def test_head_is_answered_as_get_without_a_body(client, path):
    head, get = client.request("HEAD", path), client.request("GET", path)
    assert (head.status, head.headers, head.text) == (200, get.headers | COLD, "")
    (document,) = head.emf
    assert (document["route"], document["status"], document["error.count"]) == (path, 200, 0)


@pytest.mark.parametrize(("path", "status"), [("/nothing", 404), ("/predict", 405)])
def test_head_is_refused_without_a_body(client, path, status):
    head, delete = client.request("HEAD", path), client.request("DELETE", path)
    assert (head.status, head.headers, head.text) == (status, delete.headers | COLD, "")


UNSENDABLE = [None, "", 5, b"id", "a\r\nX-Injected: 1", "ü", "\ud800"]


@pytest.mark.parametrize(
    "context",
    [None, {}, SimpleNamespace(), *(SimpleNamespace(aws_request_id=one) for one in UNSENDABLE)],
)
def test_context_has_no_request_id_that_a_header_can_carry_the_answer_has_its_own(
    client, capsys, context
):
    found = set()
    for event in (proxy_event(body={"text": SAILING}), proxy_event(path="/nothing"), None):
        answer = client.handler.lambda_handler(event, context)
        (request_id,) = answer["multiValueHeaders"]["X-Request-Id"]
        assert re.fullmatch("[0-9a-f]{32}", request_id)
        assert json.loads(capsys.readouterr().out)["requestId"] == request_id
        assert json.loads(answer["body"]).get("request_id", request_id) == request_id
        found.add(request_id)
    assert len(found) == 3


def test_methods_table_is_the_routes(client):
    registered = {route.path: route.method for route in full_app.app._static_routes}
    assert registered == full_app.METHODS


def test_anything_unexpected_gets_500_and_a_log_record_without_request_text(client, monkeypatch):
    def fail(*_):
        raise RuntimeError("secret-text \ud800")

    monkeypatch.setattr("serving.app.engines.predictor.Predictor.predict", fail)
    answer = client.request(body={"text": "secret-text"})
    assert answer.status == 500
    assert answer.json["request_id"] == "request-1"
    (record,) = answer.logged
    assert (record["error"], record["request_id"]) == ("RuntimeError", "request-1")
    assert any("test_api.py" in place for place in record["places"])
    assert len(record["places"]) <= log.MAX_PLACES
    assert "secret" not in answer.text + json.dumps(record)


@pytest.mark.parametrize("value", ["1", "bogus"])
@pytest.mark.parametrize("name", ["POWERTOOLS_DEV", "POWERTOOLS_DEBUG"])
def test_powertools_debug_is_set_prints_no_request(bundle, name, value):
    program = """if True:
        from types import SimpleNamespace
        from serving.app.handler import lambda_handler
        from serving.tests.sample import proxy_event
        for top in ("3", "secret"):
            event = proxy_event(body={"text": "secret"}, queryStringParameters={"top": top})
            lambda_handler(event, SimpleNamespace(aws_request_id="request-1"))
    """
    environment = os.environ | {name: value, "QUICKTHAW_BUNDLE": str(bundle)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == [200, 422]
    assert "secret" not in done.stdout + done.stderr


def test_model_is_missing_answers_503_and_serves_the_docs(start_service, tmp_path):
    client = start_service(tmp_path / "nowhere")
    for method, path in [("POST", "/predict"), ("GET", "/health"), ("GET", "/model")]:
        answer = client.request(method, path, body={"text": "a"})
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "60"
        assert answer.headers["X-Model-Version"] == "none"
        assert str(tmp_path) not in answer.text
    assert client.request("GET", "/docs").status == 200


def test_model_is_missing_for_long_keeps_no_tracebacks(start_service, tmp_path):
    client = start_service(tmp_path / "nowhere")
    for _ in range(3):
        client.request(body={"text": "a"})
    traceback, depth = client.handler._service._model.__traceback__, 0
    while traceback:
        traceback, depth = traceback.tb_next, depth + 1
    assert depth < 20


@pytest.mark.parametrize("origin", ["*", "https://app.example.org:8443"])
@pytest.mark.parametrize("body", [{"text": "the boat"}, {"text": "the boat", "more": 1}, {}])
def test_another_origin_may_call_every_answer_says_so(start_service, bundle, origin, body):
    answer = start_service(bundle, QUICKTHAW_ALLOW_ORIGIN=origin).send(proxy_event(body=body))
    assert answer.headers["Access-Control-Allow-Origin"] == origin


def ask_before(path="/predict", **headers):
    asked = {"Origin": "https://app.example.org", "Access-Control-Request-Method": "POST"}
    return proxy_event("OPTIONS", path, headers=asked | headers)


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/model", "/", "/none"])
def test_another_origin_may_call_a_preflight_is_answered(start_service, bundle, path):
    answer = start_service(bundle, QUICKTHAW_ALLOW_ORIGIN="*").send(ask_before(path))
    assert (answer.status, answer.text) == (200, "")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD, POST"
    assert "Content-Type" in answer.headers["Access-Control-Allow-Headers"]
    assert answer.emf[0]["route"] == "preflight"


def test_options_is_no_preflight_it_is_refused_as_before(start_service, bundle):
    allowing = start_service(bundle, QUICKTHAW_ALLOW_ORIGIN="*")
    assert allowing.send(proxy_event("OPTIONS", "/predict")).status == 405
    assert allowing.send(ask_before(Origin="x" * 100_000)).status == 400


def test_no_other_origin_may_call_a_preflight_is_refused(client):
    assert client.send(ask_before()).status == 405


def test_no_other_origin_may_call_no_answer_says_so(client):
    assert "Access-Control-Allow-Origin" not in client.send(proxy_event(body={"text": "x"})).headers


def on_domain(path, **values):
    """An event as a custom domain sends it: the base path stands in both paths."""
    return proxy_event(path=path, **values) | {"requestContext": {"path": path, "stage": "prod"}}


@pytest.mark.parametrize(
    ("route", "body"),
    [("/predict", {"text": "the boat"}), ("/predict/batch", {"texts": ["the boat"]})],
)
def test_domain_has_a_base_path_it_is_answered_there_and_at_apis_own_address(
    start_service, bundle, route, body
):
    client = start_service(bundle, QUICKTHAW_BASE_PATH="nlp")
    for path in (f"/nlp{route}", route):
        answer = client.send(on_domain(path, body=body))
        assert (answer.status, answer.emf[0]["route"]) == (200, route)
        assert answer.emf[0]["path"] == "fast"
        query = {"multiValueQueryStringParameters": {"debug": ["1"]}}
        full = client.send(on_domain(path, body=body, **query))
        assert (full.status, full.emf[0]["route"], full.emf[0]["path"]) == (200, route, "full")


def test_domain_has_a_base_path_the_documents_name_it(start_service, bundle):
    client = start_service(bundle, QUICKTHAW_BASE_PATH="nlp")
    document = client.send(on_domain("/nlp/openapi.json", method="GET")).json
    assert document["servers"] == [{"url": "/nlp"}]
    page = client.send(on_domain("/nlp/docs", method="GET"))
    assert (page.status, '"url": "/nlp"' in page.text) == (200, True)


@pytest.mark.parametrize("path", ["/nlpredict", "/nlp/nlp/predict", "nlp/predict"])
def test_path_only_looks_like_the_base_path_there_is_no_such_route(start_service, bundle, path):
    client = start_service(bundle, QUICKTHAW_BASE_PATH="nlp")
    assert client.send(on_domain(path, body={"text": "the boat"})).status == 404


@pytest.mark.parametrize("event", [None, [], {"path": None}, {"path": 1}, {}])
def test_event_is_none_a_base_path_does_no_harm(start_service, bundle, event):
    client = start_service(bundle, QUICKTHAW_BASE_PATH="nlp")
    assert client.send(event).status == 400


def test_no_base_path_is_set_there_is_none(client):
    assert client.send(on_domain("/nlp/predict", body={"text": "the boat"})).status == 404

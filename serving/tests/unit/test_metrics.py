"""One EMF document an invocation, and never in the way of an answer."""

import io
import json
import math
import socket
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.app.http.full_app import METHODS
from serving.app.settings import read_settings
from serving.app.telemetry.metrics import KEPT_PROPERTIES, PROPERTIES, UNITS, Emitter, Measurements
from serving.tests.hostile import FORGED
from serving.tests.sample import SENTENCES, TEXTS

DIMENSIONS = {"LogGroup", "ServiceName", "ServiceType"}
LOCAL_DIMENSIONS = ["Unknown-metrics", "Unknown", "Unknown"]  # in the order of their names

# What is of records, of images, and of values.
OTHERS = {"input.num_records", "input.missing", "input.unknown_categories", "input.out_of_range"}
OTHERS |= {"input.num_images", "input.num_bytes", "input.num_pixels", "input.ink"}
OTHERS |= {"prediction.value", "kernel"}  # the kernel is of frozen models
PROBLEMS = {
    400: "malformed",
    404: "not-found",
    405: "method-not-allowed",
    415: "unsupported-media-type",
    422: "invalid",
}


def metrics_of(document):
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    return {one["Name"]: one["Unit"] for one in directive["Metrics"]}


def test_first_invocation_is_measured_says_cold_start_and_load_time(client):
    (first,) = client.request(body={"text": "the boat"}).emf
    (second,) = client.request(body={"text": "the boat"}).emf
    assert first["cold_start"] == 1
    assert first["load_model.duration"] > 0
    assert not {"cold_start", "load_model.duration"} & set(second)


def test_prediction_is_measured_with_the_documented_units_and_no_other_dimension(client):
    (document,) = client.request(body={"text": "the boat xyzzy"}).emf
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "quickthaw"
    assert [set(names) for names in directive["Dimensions"]] == [DIMENSIONS]
    assert metrics_of(document) == {name: UNITS[name] for name in UNITS if name not in OTHERS}
    written = {*UNITS, *PROPERTIES, *DIMENSIONS, "_aws"} - {"problem"}
    assert set(document) == written - OTHERS
    assert document["input.num_chars"] == len("the boat xyzzy")
    assert document["input.num_texts"] == 1
    # Terms: the, boat, xyzzy, "the boat", "boat xyzzy".
    assert document["input.unknown_terms"] == 2 / 5
    assert document["error.count"] == 0
    assert (document["label"], document["status"]) == ("sailing", 200)
    assert document["route"] == "/predict"
    assert document["path"] == "fast"
    assert document["engine"] == "sklearn"


def test_text_has_no_term_counts_as_all_unknown(client):
    (document,) = client.request(body={"text": "!"}).emf
    assert document["input.unknown_terms"] == 1


def test_batch_is_measured_as_one_with_the_mean_confidence(client):
    texts = ["the boat", "the soup and the salt"]
    answer = client.request(path="/predict/batch", body={"texts": texts})
    (document,) = answer.emf
    probabilities = [one["probability"] for one in answer.json["predictions"]]
    assert document["prediction.confidence"] == math.fsum(probabilities) / 2
    assert document["input.num_texts"] == 2
    assert document["input.num_chars"] == sum(map(len, texts))
    assert "label" not in document


@pytest.mark.parametrize(
    ("status", "route", "request_"),
    [
        (400, "/predict", {"body": "{"}),
        (404, "none", {"path": "/secret-path"}),
        (405, "/predict", {"method": "GET"}),
        (415, "/predict", {"body": "a", "headers": {"content-type": "secret/type"}}),
        (422, "/predict", {"body": {"secret-name": "secret-value"}}),
    ],
)
def test_error_is_measured_without_anything_of_the_request(client, status, route, request_):
    (document,) = client.request(**request_).emf
    assert (document["status"], document["route"]) == (status, route)
    assert document["error.count"] == 1
    assert document["problem"] == PROBLEMS[status]
    assert "secret" not in json.dumps(document)


def test_event_is_no_proxy_event_is_measured(client):
    (document,) = client.send("what?").emf
    assert (document["status"], document["route"], document["error.count"]) == (400, "none", 1)


@settings(
    deadline=None, max_examples=1_000, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
    | st.sampled_from(TEXTS)
    | st.text().map(lambda text: f"{text}\r\n{FORGED}"),
    path=st.sampled_from(["/predict", "/predict", "/predict/batch", "/model"]) | st.text(),
    method=st.sampled_from(["POST", "POST", "GET"]) | st.text(),
)
def test_any_text_is_sent_makes_no_metric_dimension_or_document_of_its_own(
    client, text, path, method
):
    body = {"texts": [text]} if path == "/predict/batch" else {"text": text}
    (document,) = client.request(method, path, body=body).emf
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "quickthaw"
    assert [set(names) for names in directive["Dimensions"]] == [DIMENSIONS]
    assert [document[name] for name in sorted(DIMENSIONS)] == LOCAL_DIMENSIONS
    assert {one["Name"]: one["Unit"] for one in directive["Metrics"]}.items() <= UNITS.items()
    assert set(document) <= {*UNITS, *PROPERTIES, *DIMENSIONS, "_aws"}
    assert document["route"] in {*METHODS, "none"}
    assert document.get("label", "sailing") in SENTENCES
    assert document["requestId"] == "request-1"


def test_model_is_missing_is_measured(start_service, tmp_path):
    (document,) = start_service(tmp_path).request(body={"text": "a"}).emf
    assert (document["status"], document["problem"]) == (503, "model-not-servable")
    assert "modelVersion" not in document


def test_lambda_environment_fills_in_the_librarys_dimensions_and_properties(start_service, bundle):
    client = start_service(
        bundle,
        AWS_LAMBDA_FUNCTION_NAME="thaw",
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE="512",
        AWS_LAMBDA_FUNCTION_VERSION="7",
        AWS_LAMBDA_LOG_STREAM_NAME="stream",
        AWS_EXECUTION_ENV="AWS_Lambda_python3.13",
        AWS_EMF_NAMESPACE="other",
    )
    (document,) = client.request(body={"text": "the boat"}).emf
    assert document["LogGroup"] == document["ServiceName"] == "thaw"
    assert document["ServiceType"] == "AWS::Lambda::Function"
    assert (document["memorySize"], document["functionVersion"]) == ("512", "7")
    assert document["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "other"


def test_emitting_opens_no_socket(capsys, monkeypatch):
    emitter = Emitter(read_settings({}))

    def refuse(*_args, **_options):
        raise AssertionError

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "socketpair", refuse)
    emitter.emit(Measurements({"error.count": 0}))
    assert '"error.count": 0' in capsys.readouterr().out


class Broken(io.StringIO):
    def write(self, _):
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("stdout", [None, Broken()])
def test_standard_output_is_broken_the_answer_goes_out(client, monkeypatch, stdout, logged):
    monkeypatch.setattr(sys, "stdout", stdout)
    context = type("Context", (), {"aws_request_id": "request-1"})
    event = {"httpMethod": "GET", "path": "/health"}
    assert client.handler.lambda_handler(event, context)["statusCode"] == 200
    (record,) = logged()
    assert record["message"] == "metrics not written"
    assert record["request_id"] == "request-1"


@pytest.mark.parametrize("fast", [True, False])
def test_property_cannot_be_serialised_costs_the_document_and_nothing_else(fast, capsys):
    Emitter(read_settings({})).emit(
        Measurements({"error.count": 0}, {"requestId": "r", "label": object()}), fast=fast
    )
    written = capsys.readouterr()
    assert written.out == ""
    assert json.loads(written.err)["message"] == "metrics not written"


def test_model_has_many_labels_documents_of_few_are_kept(capsys):
    emitter = Emitter(read_settings({}))
    for number in range(3 * KEPT_PROPERTIES):
        emitter.emit(Measurements({}, {"requestId": "r", "label": str(number)}), fast=True)
        assert len(emitter._properties) <= KEPT_PROPERTIES
    labels = [json.loads(line)["label"] for line in capsys.readouterr().out.splitlines()]
    assert labels == [str(number) for number in range(3 * KEPT_PROPERTIES)]


@pytest.mark.parametrize("value", [math.nan, math.inf, None, "a"])
def test_value_is_no_number_costs_the_document_and_nothing_else(value, capsys):
    Emitter(read_settings({})).emit(Measurements({"error.count": value}))
    written = capsys.readouterr()
    assert written.out == ""
    assert json.loads(written.err)["message"] == "metrics not written"

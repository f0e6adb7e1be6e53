"""Events as their callers send them, from every place where the service can stand.

The files follow the examples of AWS's documentation, with their ids replaced: API Gateway
Developer Guide (REST API; HTTP API, payload 2.0), Lambda Developer Guide (function URL), Elastic
Load Balancing, Application Load Balancers (Lambda targets, with and without multi-value headers).
Which bodies come in base64 is from there, too; that a balancer leaves queries as they were sent is
known from its use. None was recorded on AWS itself.
"""

import json
from pathlib import Path

import pytest

from serving.app.request.shapes import find_shape
from serving.tests.answers import check_answer
from serving.tests.ways import send

EVENTS = sorted((Path(__file__).parents[1] / "events").glob("*.json"))
# What each caller asks of an answer: the form of its headers, and whether it is told in words.
MEMBERS = {
    "": {"multiValueHeaders"},
    "http": {"headers"},
    "balancer": {"headers", "statusDescription"},
    "multi-balancer": {"multiValueHeaders", "statusDescription"},
}


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_event_gets_its_answer_in_the_shape_of_its_caller(client, capsys, path):
    recorded = json.loads(path.read_text(encoding="utf-8"))
    event, shape = recorded["event"], recorded.get("shape", "")
    assert find_shape(event) == shape
    answer, document = send(client, capsys, event)
    assert check_answer(answer, event) == recorded["status"], answer["body"]
    assert answer.keys() == {"statusCode", "body", "isBase64Encoded"} | MEMBERS[shape]
    assert document["status"] == recorded["status"]


def test_every_shape_has_events():
    shapes = {json.loads(path.read_text()).get("shape", "") for path in EVENTS}
    assert shapes == MEMBERS.keys()


@pytest.mark.parametrize(
    "name", ["http-api-v2-query-and-cookies", "alb-query", "alb-multi-value-query"]
)
def test_query_is_read_as_its_caller_writes_it(client, name):
    (path,) = (one for one in EVENTS if one.stem == name)
    answer = client.send(json.loads(path.read_text(encoding="utf-8"))["event"])
    assert len(answer.json["top"]) == 2
    assert answer.json["explanation"]


def test_stage_of_an_http_api_is_in_the_address_that_its_documents_name(client):
    (path,) = (one for one in EVENTS if one.stem == "http-api-v2-stage")
    event = json.loads(path.read_text(encoding="utf-8"))["event"]
    (server,) = client.send(event | {"rawPath": "/prod/openapi.json"}).json["servers"]
    assert server["url"] == "/prod"

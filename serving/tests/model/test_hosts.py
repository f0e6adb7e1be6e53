"""Each host answers a model's golden examples with the bytes of Lambda's handler."""

import json

import pytest

from serving.tests.sample import proxy_event
from serving.tests.shapes import SHAPES, express

pytestmark = pytest.mark.trained


@pytest.fixture
def asked(predictor):
    found = [json.dumps(one["input"]) for one in predictor.manifest.golden]
    assert found
    return found


def ask_handler(client, asked, shape):
    answers = [client.send(express(proxy_event(body=one), shape)) for one in asked]
    assert {one.status for one in answers} == {200}
    return [one.text for one in answers]


def test_golden_examples_come_as_events_of_any_shape_get_the_same_bytes(
    asked, paths, start_service
):
    first, *others = (ask_handler(start_service(paths.bundle), asked, one) for one in SHAPES)
    assert others == [first] * 3


@pytest.mark.parametrize("host", ["web", "serve"])
def test_golden_examples_are_sent_to_a_host_get_the_handlers_bytes(
    host, asked, paths, start_service, start_process
):
    process = start_process(paths.bundle, host=host)
    kind = {"Content-Type": "application/json"}
    answers = [process.ask("POST", "/predict", one, kind) for one in asked]
    expected = ask_handler(start_service(paths.bundle), asked, SHAPES[0])
    assert answers == [(200, one.encode()) for one in expected]

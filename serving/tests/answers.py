"""What every answer of the handler must be, whatever was sent."""

import json
import math
import re

from serving.app.limits import LAMBDA_BYTES
from serving.app.request.shapes import find_shape, to_rest
from serving.tests.shapes import read_back

MAX_PROBLEM = 4096  # characters
STATUSES = {200, 400, 404, 405, 413, 415, 422, 500, 503}
MEMBERS = {"statusCode", "body", "isBase64Encoded", "multiValueHeaders"}
PROBLEM = {"type", "title", "status", "detail", "request_id"}


def check_answer(answer, event=None) -> int:
    """Hold a proxy response against what its caller, Lambda and our own contract ask for.

    Args:
        answer: The response.
        event: What it answers, if that may be a HEAD request, or of another shape than REST's.

    Returns:
        Its status.

    Raises:
        AssertionError, ValueError: It is not one that can be sent, or read.
    """
    # As the runtime client sends it; NaN, lone surrogates and what is no JSON raise here.
    payload = json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()
    assert len(payload) <= LAMBDA_BYTES, f"{len(payload)} bytes"
    shape = find_shape(event)
    answer, event = read_back(answer, shape), to_rest(event, shape)
    assert answer.keys() == MEMBERS
    assert answer["isBase64Encoded"] is False
    status, body = answer["statusCode"], answer["body"]
    assert status in STATUSES
    headers = {name: values[0] for name, values in answer["multiValueHeaders"].items()}
    assert all(re.fullmatch(r"[ -~]+", value) for value in headers.values())
    assert {"Content-Type", "X-Model-Version", "X-Request-Id"} <= headers.keys()
    assert ("Allow" in headers) == (status == 405)
    assert ("Retry-After" in headers) == (status == 503)
    if isinstance(event, dict) and event.get("httpMethod") == "HEAD":
        assert body == ""
    elif status != 200:
        assert headers["Content-Type"] == "application/problem+json"
        problem = read_json(body)
        assert problem.keys() == PROBLEM | ({"errors"} if status == 422 else set())
        assert problem["status"] == status
        assert len(body) <= MAX_PROBLEM
        assert len(problem.get("errors", ())) <= 10
    elif headers["Content-Type"].startswith("text/html"):
        assert body[:15].lower() == "<!doctype html>"
    else:
        assert headers["Content-Type"] == "application/json"
        check_probabilities(read_json(body))
    return status


def read_json(text):
    """Strict JSON: without NaN, and without a name twice in an object."""

    def refuse(constant):
        raise ValueError(constant)

    def once(pairs):
        found = dict(pairs)
        assert len(found) == len(pairs)
        return found

    found = json.loads(text, parse_constant=refuse, object_pairs_hook=once)
    json.dumps(found, ensure_ascii=False).encode()  # no lone surrogates in any string
    return found


def check_probabilities(found):
    """Of a prediction, of each of a batch, of each of the top ones; of any other body, none."""
    for one in (found, *found.get("predictions", ()), *found.get("top", ())):
        probability = one.get("probability")
        assert probability is None or (math.isfinite(probability) and 0 <= probability <= 1)

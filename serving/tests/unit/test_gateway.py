import asyncio
import base64
import contextlib
import dataclasses
import errno
import io
import json
import os
import re
import shlex
import signal
import socket
import string
import subprocess
import sys
import threading
import time
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.app.errors import SettingsError
from serving.hosts import gateway, proxy, serve, upload
from serving.hosts.gateway import Gateway
from serving.tests.images import write_images
from serving.tests.records import EXAMPLE, write_classification, write_regression

ROOT = Path(__file__).parents[3]
OK = {"statusCode": 200, "body": "{}"}


class Recorder:
    """A handler that keeps what it was given."""

    def __init__(self, result=OK):
        self.result = result
        self.events = []
        self.contexts = []

    def __call__(self, event, context):
        self.events.append(event)
        self.contexts.append(context)
        return self.result

    @property
    def event(self):
        return self.events[-1]


def build(method="GET", url="/", **options):
    return httpx.Request(method, httpx.URL("http://localhost:8000").join(url), **options)


async def send(app, request):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app, client=("192.0.2.7", 5))) as c:
        return await c.send(request)


def ask(app, method="GET", url="/", **options):
    return asyncio.run(send(app, build(method, url, **options)))


def event_of(method="GET", url="/", *, prefix="", **options):
    handler = Recorder()
    ask(Gateway(handler, prefix=prefix), method, url, **options)
    return handler.event


def answer_to(result, method="GET"):
    return ask(Gateway(Recorder(result)), method)


def scope_of(**members):
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": "/", "raw_path": b"/"}
    return scope | {"query_string": b"", "headers": [], "client": ("192.0.2.7", 5)} | members


def drive(app, scope, messages=({"type": "http.request"},)):
    """Speak ASGI without a client between: what was sent, and how many messages were read before.

    After the messages the client is silent.
    """
    sent, unread, read = [], list(messages), []

    async def receive():
        if not unread:
            await asyncio.Event().wait()
        return unread.pop(0)

    async def collect(message):
        sent.append(message)
        read.append(len(messages) - len(unread))

    asyncio.run(app(scope, receive, collect))
    return sent, read[0]


# HTTP to event


def test_request_becomes_a_proxy_event():
    url = "/predict?top=1&top=3&explain="
    event = event_of("POST", url, content='{"text":"é"}', headers={"X-A": "1", "user-agent": "ua"})
    about = event.pop("requestContext")
    text = '{"text":"é"}'
    headers = {"host": "localhost:8000", "x-a": "1", "user-agent": "ua"}
    assert event == {
        "resource": "/{proxy+}",
        "path": "/predict",
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {"top": "3", "explain": ""},
        "multiValueQueryStringParameters": {"top": ["1", "3"], "explain": [""]},
        "pathParameters": {"proxy": "predict"},
        "stageVariables": None,
        "body": text,
        "isBase64Encoded": False,
    }
    assert about["identity"] == {"sourceIp": "192.0.2.7", "userAgent": "ua"}
    assert (about["path"], about["stage"], about["httpMethod"]) == ("/predict", "local", "POST")
    assert (about["protocol"], about["domainName"]) == ("HTTP/1.1", "localhost:8000")
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", about["requestId"])
    assert re.fullmatch(r"\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000", about["requestTime"])
    assert abs(about["requestTimeEpoch"] / 1000 - time.time()) < 5
    assert {"accountId", "apiId", "resourceId"} < about.keys()


def test_nothing_but_a_path_gives_nulls():
    handler = Recorder()
    drive(Gateway(handler), scope_of(client=None))
    nulls = {name for name, value in handler.event.items() if value is None}
    assert nulls == {
        *("headers", "multiValueHeaders", "queryStringParameters"),
        *("multiValueQueryStringParameters", "pathParameters", "stageVariables", "body"),
    }
    assert handler.event["resource"] == "/"
    assert handler.event["isBase64Encoded"] is False


# What a REST API with a stage "stage" was seen to give.
@pytest.mark.parametrize(
    ("sent", "path", "proxy"),
    [
        ("/stage/a", "/a", "a"),
        ("/stage/a/", "/a/", "a"),
        ("/stage//a", "/a", "a"),
        ("/stage/a//b", "/a//b", "a//b"),
        ("/stage/user/t%2Ba@x.org/t+a@x.org", "/user/t%2Ba@x.org/t+a@x.org", None),
        ("/stage/a%2Fb%20c", "/a%2Fb%20c", None),
    ],
)
def test_path_arrives_without_the_stage_and_percent_encoded(sent, path, proxy):
    event = event_of(url=sent, prefix="/stage")
    assert event["path"] == path
    assert event["pathParameters"] == {"proxy": proxy or path[1:]}
    assert event["requestContext"]["path"] == sent
    assert event["requestContext"]["stage"] == "stage"


@pytest.mark.parametrize("url", ["/prod", "/prod/"])
def test_stage_alone_is_the_root(url):
    event = event_of(url=url, prefix="/prod")
    assert (event["path"], event["resource"], event["pathParameters"]) == ("/", "/", None)


@pytest.mark.parametrize("url", ["/", "/predict", "/production", "/PROD/predict", "/x/prod/"])
def test_path_outside_the_prefix_is_refused(url):
    handler = Recorder()
    response = ask(Gateway(handler, prefix="/prod"), "POST", url)
    assert response.status_code == 403
    assert response.json() == {"message": "Missing Authentication Token"}
    assert not handler.events


@pytest.mark.parametrize(
    "scope",
    [
        {"method": "TRACE"},
        {"method": "get"},
        {"method": "OPTIONS", "raw_path": b"*"},
    ],
)
def test_method_or_target_that_no_resource_has_is_refused(scope):
    sent, _ = drive(Gateway(Recorder()), scope_of(**scope))
    assert sent[0]["status"] == 403


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"http://localhost/predict", "/predict"),
        (b"HTTPS://localhost:8443/predict", "/predict"),
        (b"http://localhost", "/"),
        (b"/http://localhost/predict", "/http://localhost/predict"),
    ],
)
def test_target_as_sent_to_a_proxy_is_taken_for_its_path(target, path):
    handler = Recorder()
    drive(Gateway(handler), scope_of(raw_path=target))
    assert handler.event["path"] == path


def test_server_without_raw_path_gives_the_path_encoded():
    handler = Recorder()
    drive(Gateway(handler), scope_of(raw_path=None, path="/a b/é%"))
    assert handler.event["path"] == "/a%20b/%C3%A9%25"


@pytest.mark.parametrize(
    ("query", "single", "multi"),
    [
        ("a=t%2Ba&b=t+a", {"a": "t+a", "b": "t a"}, {"a": ["t+a"], "b": ["t a"]}),
        ("a=1&b=2&a=3", {"a": "3", "b": "2"}, {"a": ["1", "3"], "b": ["2"]}),
        ("flag", {"flag": ""}, {"flag": [""]}),
        ("a%5B%5D=x%3D%26", {"a[]": "x=&"}, {"a[]": ["x=&"]}),
        ("a=%FF", {"a": "\ufffd"}, {"a": ["\ufffd"]}),
    ],
)
def test_query_is_decoded_and_the_last_value_wins(query, single, multi):
    event = event_of(url=f"/?{query}")
    assert event["queryStringParameters"] == single
    assert event["multiValueQueryStringParameters"] == multi


def test_repeated_header_keeps_every_value():
    event = event_of(headers=[("X-Tag", "a"), ("x-tag", "b")])
    assert event["headers"]["x-tag"] == "b"
    assert event["multiValueHeaders"]["x-tag"] == ["a", "b"]


def test_headers_of_the_connection_stay_with_it():
    headers = {"connection": "keep-alive", "expect": "100-continue", "te": "gzip"}
    event = event_of("POST", content=b"abc", headers=headers)
    assert set(event["headers"]) == {"host"}


@pytest.mark.parametrize(
    ("body", "headers", "text"),
    [
        (b"", {}, None),
        (b"", {"content-encoding": "gzip"}, None),
        ("é\0\r\n".encode(), {}, "é\0\r\n"),
        (b'{"a":1}', {"content-type": "text/plain"}, '{"a":1}'),
        # Binary types of the stack, as API Gateway passes them on.
        (b'{"a":1}', {"content-type": "application/octet-stream"}, base64),
        (b"abc", {"content-type": "Image/PNG; a=b"}, base64),
        (b"--a--", {"content-type": "multipart/form-data; boundary=a"}, base64),
        (b"\xff\xfe", {"content-type": "application/json"}, base64),
        (b"\xed\xa0\x80", {}, base64),
        (b"plain", {"content-encoding": "gzip"}, base64),
    ],
)
def test_body_is_base64_where_it_is_no_text_or_of_a_binary_type(body, headers, text):
    event = event_of("POST", content=body, headers=headers)
    assert event["isBase64Encoded"] is (text is base64)
    assert event["body"] == (base64.b64encode(body).decode() if text is base64 else text)


VISIBLE = st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_categories=["Cc"])
HEADERS = st.tuples(
    st.text(string.ascii_letters + string.digits + "-_", max_size=9).map("X-{}".format),
    st.text(VISIBLE, max_size=20),
)
WORDS = st.text(st.characters(codec="utf-8"), max_size=9)


@given(
    segments=st.lists(st.binary(max_size=8), max_size=4),
    query=st.lists(st.tuples(WORDS, WORDS), max_size=4),
    headers=st.lists(HEADERS, max_size=4),
    body=st.binary(max_size=99) | st.text(max_size=99).map(lambda s: s.encode(errors="replace")),
)
@settings(max_examples=150, deadline=None)
def test_any_request_reaches_the_handler_as_it_was_sent(segments, query, headers, body):
    url = "/" + "/".join(quote(segment, safe="") for segment in segments) + "?" + urlencode(query)
    fields = [(name, value.encode("latin-1")) for name, value in headers]
    request = build("POST", f"http://localhost{url}", headers=fields, content=body)
    result = {"statusCode": 200, "body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    handler = Recorder(result)
    with contextlib.redirect_stderr(io.StringIO()):
        response = asyncio.run(send(Gateway(handler), request))
    event = handler.event
    text = event["body"] or ""
    assert (base64.b64decode(text) if event["isBase64Encoded"] else text.encode()) == body
    assert event["path"].encode() == request.url.raw_path.partition(b"?")[0]
    multi = event["multiValueQueryStringParameters"] or {}
    assert multi == {name: [v for n, v in query if n == name] for name, _ in query}
    assert (event["queryStringParameters"] or {}) == dict(query)
    for name in {name.lower() for name, _ in headers}:
        values = [value for sent, value in headers if sent.lower() == name]
        assert event["multiValueHeaders"][name] == values
        assert event["headers"][name] == values[-1]
    assert json.loads(json.dumps(event)) == event
    assert (response.status_code, response.content) == (200, body)


def test_context_counts_down_from_the_integration_timeout():
    handler = Recorder()
    app = Gateway(handler)
    for _ in range(2):
        ask(app)
    first, second = handler.contexts
    assert first.aws_request_id != second.aws_request_id
    assert first.aws_request_id != handler.events[0]["requestContext"]["requestId"]
    before = second.get_remaining_time_in_millis()
    time.sleep(0.002)
    assert 28_000 < second.get_remaining_time_in_millis() < before <= 29_000
    assert dataclasses.replace(first, deadline=0).get_remaining_time_in_millis() == 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.deadline = 0


# Event response to HTTP


def test_response_carries_status_headers_and_body():
    headers = {"Content-Type": "text/plain", "X-A": " é "}
    response = answer_to({"statusCode": 418, "headers": headers, "body": "téa"})
    assert response.status_code == 418
    assert response.content == "téa".encode()
    sent = {"content-type": "text/plain", "x-a": "é", "content-length": "4"}
    assert dict(response.headers) == sent


def test_response_without_content_type_is_json_as_at_api_gateway():
    response = answer_to({"statusCode": 200, "headers": None, "body": None})
    assert dict(response.headers) == {"content-type": "application/json", "content-length": "0"}


def test_both_header_members_are_merged_and_equal_pairs_once():
    result = OK | {
        "headers": {"x-tag": "solo", "x-same": "v"},
        "multiValueHeaders": {"X-Tag": ["one", "two"], "x-same": ["v"]},
    }
    headers = answer_to(result).headers
    assert headers.get_list("x-tag") == ["one", "two", "solo"]
    assert headers.get_list("x-same") == ["v"]


def test_headers_of_the_connection_are_remapped():
    headers = {"Content-Length": "999", "Date": "d", "Connection": "close", "X-A": "1"}
    response = answer_to(OK | {"headers": headers | {"Transfer-Encoding": "chunked"}})
    assert dict(response.headers) == {
        "x-amzn-remapped-content-length": "999",
        "x-amzn-remapped-date": "d",
        "x-amzn-remapped-connection": "close",
        "x-a": "1",
        "content-type": "application/json",
        "content-length": "2",
    }


def test_base64_response_is_decoded():
    body = base64.b64encode(b"\x00\xff").decode()
    response = answer_to({"statusCode": 200, "body": body, "isBase64Encoded": True})
    assert response.content == b"\x00\xff"


def test_head_has_the_length_of_get_and_no_body():
    sent, _ = drive(Gateway(Recorder(OK | {"body": "four"})), scope_of(method="HEAD"))
    assert (b"content-length", b"4") in sent[0]["headers"]
    assert sent[1]["body"] == b""


def test_head_is_answered_without_a_body_says_no_length():
    sent, _ = drive(Gateway(Recorder(OK | {"body": ""})), scope_of(method="HEAD"))
    assert b"content-length" not in dict(sent[0]["headers"])


@pytest.mark.parametrize("status", [204, 304])
def test_status_without_content_has_no_body(status):
    sent, _ = drive(Gateway(Recorder({"statusCode": status, "body": "x"})), scope_of())
    assert b"content-length" not in dict(sent[0]["headers"])
    assert sent[1]["body"] == b""


def deep():
    value = []
    for _ in range(200_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (None, "the response is not an object"),
        ("secret", "the response is not an object"),
        ([OK], "the response is not an object"),
        ({"secret"}, "TypeError: the response is not JSON"),
        (OK | {"x": float("nan")}, "ValueError: the response is not JSON"),
        (OK | {"body": "secret \ud800"}, "UnicodeEncodeError: the response is not JSON"),
        (OK | {"x": deep()}, "RecursionError: the response is not JSON"),
        ({}, "statusCode is not an integer from 200 to 599"),
        (OK | {"statusCode": "200"}, "statusCode is not an integer from 200 to 599"),
        (OK | {"statusCode": True}, "statusCode is not an integer from 200 to 599"),
        (OK | {"statusCode": 200.0}, "statusCode is not an integer from 200 to 599"),
        (OK | {"statusCode": 101}, "statusCode is not an integer from 200 to 599"),
        (OK | {"statusCode": 600}, "statusCode is not an integer from 200 to 599"),
        (OK | {"body": {"secret": 1}}, "body is not a string"),
        (OK | {"body": 0}, "body is not a string"),
        (OK | {"headers": []}, "headers or multiValueHeaders is not an object"),
        (OK | {"body": b"secret"}, "TypeError: the response is not JSON"),
        (OK | {"body": "secret", "isBase64Encoded": True}, "body is not base64"),
        (OK | {"body": "YQ==\n", "isBase64Encoded": True}, "body is not base64"),
        (OK | {"body": "é", "isBase64Encoded": True}, "body is not base64"),
        (OK | {"headers": ["secret"]}, "headers or multiValueHeaders is not an object"),
        (OK | {"multiValueHeaders": "secret"}, "headers or multiValueHeaders is not an object"),
        (OK | {"multiValueHeaders": {"x": "secret"}}, "a value in multiValueHeaders is not a list"),
        *(
            (OK | headers, "a header is not a name and a text that HTTP can carry")
            for headers in (
                {"headers": {"x": 1}},
                {"headers": {"x": None}},
                {"headers": {"": "secret"}},
                {"headers": {"x: y": "secret"}},
                {"headers": {"x:y": "secret"}},
                {"headers": {"é": "secret"}},
                {"headers": {"x": "secret\r\nset-cookie: a"}},
                {"headers": {"x": "secret\0"}},
                {"headers": {"x": "Щ"}},
                {"multiValueHeaders": {"x": [["secret"]]}},
            )
        ),
    ],
)
def test_malformed_response_is_a_502_and_a_reason_in_the_log(result, reason, capsys):
    response = answer_to(result)
    assert response.status_code == 502
    assert response.json() == {"message": "Internal server error"}
    log = capsys.readouterr().err
    assert log.endswith(f"{reason}\n")
    assert "secret" not in log


@pytest.mark.parametrize(
    "error",
    [ValueError("secret"), TimeoutError(), SystemExit(3), KeyboardInterrupt(), StopIteration()],
)
def test_exception_in_the_handler_is_a_502_and_its_type_in_the_log(error, capsys):
    def handler(_event, _context):
        raise error

    app = Gateway(handler)
    responses = [ask(app), ask(app)]
    assert [response.status_code for response in responses] == [502, 502]
    assert responses[0].json() == {"message": "Internal server error"}
    log = capsys.readouterr().err
    name = type(error).__name__
    assert re.search(rf"  {name} in the handler, test_gateway\.py:\d+$", log, re.MULTILINE)
    assert "secret" not in log


# Limits


def test_limits_are_those_of_the_services():
    assert upload.REQUEST_BYTES == 10_485_760
    assert proxy.LAMBDA_BYTES == 6_291_456
    assert gateway.HEADER_BYTES == 10_240
    assert gateway.INTEGRATION_SECONDS == 29


@pytest.mark.parametrize("length", [b"10485761", b"0010485761", b"9" * 5000])
def test_declared_length_over_the_limit_is_refused_unread(length):
    scope = scope_of(method="POST", headers=[(b"content-length", length)])
    sent, read = drive(Gateway(Recorder()), scope)
    assert sent[0]["status"] == 413
    assert (b"connection", b"close") in sent[0]["headers"]
    assert json.loads(sent[1]["body"]) == {
        "message": "HTTP content length exceeded 10485760 bytes."
    }
    assert read == 0


def test_declared_length_may_have_leading_zeros():
    scope = scope_of(method="POST", headers=[(b"content-length", b"0" * 50 + b"3")])
    sent, _ = drive(Gateway(Recorder()), scope, [{"type": "http.request", "body": b"abc"}])
    assert sent[0]["status"] == 200


def test_body_of_no_declared_length_is_read_up_to_the_limit(monkeypatch):
    monkeypatch.setattr(upload, "REQUEST_BYTES", 10)
    chunk = {"type": "http.request", "body": b"1234", "more_body": True}
    scope = scope_of(method="POST", headers=[(b"transfer-encoding", b"chunked")])
    messages = [*[chunk] * 9, {"type": "http.request"}]
    sent, read = drive(Gateway(Recorder()), scope, messages)
    assert (sent[0]["status"], read) == (413, 3)


def test_stalled_upload_is_given_up(monkeypatch, capsys):
    monkeypatch.setattr(upload, "UPLOAD_SECONDS", 0.05)
    handler = Recorder()
    scope = scope_of(method="POST", headers=[(b"content-length", b"5")])
    chunk = {"type": "http.request", "body": b"12", "more_body": True}
    sent, _ = drive(Gateway(handler), scope, [chunk])
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]
    assert json.loads(sent[1]["body"]) == {"message": "Request Timeout"}
    assert not handler.events
    assert capsys.readouterr().err.endswith("  its body did not arrive in time\n")


@pytest.mark.parametrize("end", [{"type": "http.request"}, {"type": "http.disconnect"}, None])
def test_rest_of_a_refused_body_is_discarded_before_the_answer_ends(end, monkeypatch):
    monkeypatch.setattr(upload, "UPLOAD_SECONDS", 0.05)
    scope = scope_of(method="POST", headers=[(b"content-length", b"99999999")])
    chunk = {"type": "http.request", "body": b"1234", "more_body": True}
    messages = [chunk, chunk, *([end] if end else [])]
    sent, _ = drive(Gateway(Recorder()), scope, messages)
    assert [message.get("more_body", False) for message in sent] == [False, True, False]


def test_body_of_exactly_the_limit_is_answered(monkeypatch):
    monkeypatch.setattr(upload, "REQUEST_BYTES", 10)
    handler = Recorder()
    assert ask(Gateway(handler), "POST", content=b"0123456789").status_code == 200
    assert handler.event["body"] == "0123456789"


def test_client_that_leaves_during_the_upload_reaches_no_handler(capsys):
    handler = Recorder()
    messages = [
        {"type": "http.request", "body": b"a", "more_body": True},
        {"type": "http.disconnect"},
    ]
    drive(Gateway(handler), scope_of(method="POST"), messages)
    assert not handler.events
    assert capsys.readouterr().err.endswith("  the client left before its body was whole\n")


def test_client_that_leaves_before_its_answer_is_no_error(capsys):
    async def receive():
        return {"type": "http.request"}

    async def refuse(_message):
        raise BrokenPipeError

    asyncio.run(Gateway(Recorder())(scope_of(), receive, refuse))
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_event_over_the_lambda_limit_is_refused(monkeypatch):
    handler = Recorder()
    ask(Gateway(handler), "POST", content=b"a" * 100)
    compact = json.dumps(handler.event, separators=(",", ":"))
    monkeypatch.setattr(gateway, "LAMBDA_BYTES", len(compact))
    assert ask(Gateway(handler), "POST", content=b"a" * 100).status_code == 200
    response = ask(Gateway(handler), "POST", content=b"a" * 101 + b"\n")
    assert response.status_code == 413
    assert response.json() == {"message": "Request Too Long"}
    assert len(handler.events) == 2


def test_response_over_the_lambda_limit_is_a_502(capsys):
    response = answer_to(OK | {"body": "a" * proxy.LAMBDA_BYTES})
    assert response.status_code == 502
    assert capsys.readouterr().err.endswith("  the response exceeded 6291456 bytes\n")


@pytest.mark.parametrize(
    ("url", "headers"),
    [("/", {"x": "a" * 10_240}), ("/?" + "a" * 10_240, {}), ("/" + "a" * 10_240, {})],
)
def test_request_line_and_headers_over_the_limit_are_refused(url, headers):
    response = ask(Gateway(Recorder()), url=url, headers=headers)
    assert response.status_code == 431
    assert "10240 bytes" in response.json()["message"]


def test_headers_under_the_limit_are_answered():
    assert ask(Gateway(Recorder()), headers={"x": "a" * 10_000}).status_code == 200


def test_slow_handler_times_out_and_keeps_the_environment_busy(monkeypatch):
    release, events = threading.Event(), []

    def handler(event, _context):
        events.append(event["path"])
        release.wait(5)
        return OK

    app = Gateway(handler)
    with monkeypatch.context() as patch:
        patch.setattr(gateway, "INTEGRATION_SECONDS", 0.05)
        slow, queued = ask(app, url="/slow"), ask(app, url="/queued")
    assert app.busy
    release.set()
    after = ask(app, url="/after")
    assert [r.status_code for r in (slow, queued, after)] == [504, 504, 200]
    assert slow.json() == {"message": "Endpoint request timed out"}
    assert events == ["/slow", "/after"]
    assert not app.busy


def test_requests_at_the_same_time_are_handled_one_by_one():
    running, most, threads = 0, 0, set()

    def handler(_event, _context):
        nonlocal running, most
        running += 1
        most = max(most, running)
        threads.add(threading.current_thread())
        time.sleep(0.002)
        running -= 1
        return OK

    async def burst():
        app = Gateway(handler)
        return await asyncio.gather(*(send(app, build()) for _ in range(20)))

    assert {response.status_code for response in asyncio.run(burst())} == {200}
    assert (most, len(threads)) == (1, 1)
    assert threading.main_thread() not in threads


# The log


def test_request_is_one_aligned_line_without_its_query(capsys):
    app = Gateway(Recorder(OK | {"body": "x" * 1234}))
    ask(app, "POST", "/predict?text=secret")
    ask(app, "GET", "/health")
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    pattern = r"\d\d:\d\d:\d\d  (POST /predict|GET /health) +200 +\d+\.\d ms +1,234 B"
    assert len(lines) == 2
    assert all(re.fullmatch(pattern, line) for line in lines)
    assert lines[0].index("200") == lines[1].index("200")
    assert captured.out == ""


def test_standard_output_is_the_handlers_alone(capsys):
    def handler(_event, _context):
        print('{"_aws": {}}')  # noqa: T201 - as a handler writes its metrics
        return OK

    ask(Gateway(handler))
    assert capsys.readouterr().out == '{"_aws": {}}\n'


@pytest.mark.parametrize(
    ("raw_path", "logged"),
    [
        (b"/a%0d%0a03:12:55%20%20GET%20/", "/a%0d%0a03:12:55%20%20GET%20/"),
        (b"/a\r\n03:12:55  GET /", "/a%0D%0A03:12:55%20%20GET%20/"),
        (b"/\x1b[31m\x9b\x00\x7f", "/%1B[31m%9B%00%7F"),
        ("/é".encode(), "/%C3%A9"),
        (b"/" + b"a" * 79, "/" + "a" * 79),
        (b"/" + b"a" * 80, "/" + "a" * 76 + "..."),
    ],
)
def test_path_cannot_forge_a_line_of_the_log(raw_path, logged, capsys):
    drive(Gateway(Recorder()), scope_of(raw_path=raw_path, query_string=b"secret\r\n"))
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(rf"[\d:]+  GET {re.escape(logged)} +200 .*", line)
    assert line.isascii()
    assert line.isprintable()


def test_method_cannot_forge_a_line_of_the_log(capsys):
    drive(Gateway(Recorder()), scope_of(method="\x1b[2J\n" * 99))
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"[\d:]+  \? / +403 .*", line)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("status", "colour"), [(200, 32), (302, 36), (404, 33), (500, 31), (503, 31)]
)
def test_terminal_gets_a_coloured_status(status, colour, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    answer_to({"statusCode": status})
    assert f"  \033[{colour}m{status}\033[0m  " in terminal.getvalue()


def test_no_color_keeps_a_terminal_plain(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    answer_to(OK)
    assert "  200  " in terminal.getvalue()


def test_closed_standard_error_costs_no_answer(monkeypatch):
    closed = io.StringIO()
    closed.isatty = lambda: False
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    assert answer_to(OK).status_code == 200


# ASGI beside HTTP


def test_lifespan_is_answered():
    app = Gateway(Recorder())
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent, _ = drive(app, {"type": "lifespan"}, messages)
    types_ = [message["type"] for message in sent]
    assert types_ == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_websocket_is_refused():
    sent, _ = drive(Gateway(Recorder()), {"type": "websocket"})
    assert sent == [{"type": "websocket.close"}]


def test_request_that_the_stopping_server_cancels_is_a_503():
    release = threading.Event()
    app = Gateway(lambda _event, _context: release.wait(5) and OK)

    async def cancel():
        task = asyncio.create_task(send(app, build()))
        await asyncio.sleep(0.05)
        task.cancel()
        return await task

    response = asyncio.run(cancel())
    release.set()
    assert response.status_code == 503


# The server


@pytest.mark.parametrize("port", ["", "x", "-1", "65536", "80.0", "9" * 5000])
def test_invalid_port_is_one_sentence(port, capsys, monkeypatch):
    monkeypatch.delenv("PORT", raising=False)
    assert serve.main(["--port", port]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"error: port {port!r} is not a number from 0 to 65535: make serve PORT=8000"


def test_port_comes_from_the_environment(monkeypatch, capsys):
    monkeypatch.setenv("PORT", "nine")
    assert serve.main([]) == 1
    assert "port 'nine'" in capsys.readouterr().err


def test_taken_port_is_one_sentence_with_the_mend(capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert serve.main(["--port", str(port)]) == 1
    assert capsys.readouterr().err == (
        f"error: port {port} is taken by another program: "
        f"stop it, or choose another: make serve PORT={port + 1}\n"
    )


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            PermissionError(errno.EACCES, "Permission denied"),
            "port 80 is for administrators only: choose one from 1024 up: make serve PORT=8000",
        ),
        (
            OSError(errno.EADDRNOTAVAIL, "Not here (while attempting to bind on address 'x')"),
            "cannot listen on '127.0.0.1', port 80: Not here",
        ),
    ],
)
def test_port_that_cannot_be_had_is_one_sentence(error, reason, capsys, monkeypatch):
    def refuse(*_args, **_options):
        raise error

    monkeypatch.setattr(socket, "create_server", refuse)
    assert serve.main(["--port", "80"]) == 1
    assert capsys.readouterr().err == f"error: {reason}\n"


def test_wrong_setting_is_one_sentence(capsys, monkeypatch):
    class Handler(types.ModuleType):
        def __getattr__(self, name):
            raise SettingsError("AWS_EMF_NAMESPACE must be short")

    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setitem(sys.modules, "serving.app.handler", Handler("handler"))
    assert serve.main(["--port", "0"]) == 1
    assert capsys.readouterr().err == "error: AWS_EMF_NAMESPACE must be short\n"


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (("127.0.0.1", 8000), "http://127.0.0.1:8000"),
        (("0.0.0.0", 80), "http://localhost:80"),  # noqa: S104 - nothing listens
        (("::", 80, 0, 0), "http://localhost:80"),
        (("::1", 80, 0, 0), "http://[::1]:80"),
    ],
)
def test_banner_shows_an_address_that_a_browser_opens(address, url):
    listener = types.SimpleNamespace(getsockname=lambda: address)
    banner = serve.banner(listener, "/prod", "-d '{}'")
    assert "curl -d '{}' http" in banner
    assert f" {url}/prod/predict\n" in banner
    assert f"docs: {url}/prod/docs\n" in banner
    assert "Ctrl-C stops it" in banner


@pytest.mark.parametrize("golden", [True, False])
@pytest.mark.parametrize("write", [write_regression, write_classification])
def test_example_is_one_that_the_model_takes(tmp_path, start_service, write, golden):
    found = {"input": EXAMPLE | {"words": "it's quiet"}}
    task = {"label": "cheap", "probability": 1.0, "value": 1.0}
    write(tmp_path, golden=(found | task,) if golden else ())
    service = start_service(tmp_path)
    _, body, *_ = shlex.split(serve.find_example())
    assert json.loads(body) == (found["input"] if golden else EXAMPLE)
    assert service.request(body=body).status == 200


def test_there_is_no_model_there_is_no_example(tmp_path, monkeypatch):
    monkeypatch.setenv("QUICKTHAW_BUNDLE", str(tmp_path))
    assert serve.find_example() == "-d '…' -H 'content-type: application/json'"


def test_example_of_a_picture_is_a_file_that_curl_posts(tmp_path, start_service, monkeypatch):
    write_images(tmp_path / "bundle")
    service = start_service(tmp_path / "bundle")
    monkeypatch.chdir(tmp_path)
    option, place, _, header = shlex.split(serve.find_example())
    assert option == "--data-binary"
    name, _, value = header.partition(": ")
    data = Path(place.removeprefix("@")).read_bytes()
    answer = service.request(
        headers={name: value}, body=base64.b64encode(data).decode(), isBase64Encoded=True
    )
    assert answer.status == 200


PROGRAM = """
import json, sys, threading, types
stub = types.ModuleType("serving.app.handler")

def lambda_handler(event, context):
    if event["path"] == "/hang":
        print("hanging", flush=True)
        threading.Event().wait()
    return {"statusCode": 200, "body": json.dumps(event)}

stub.lambda_handler = lambda_handler
sys.modules["serving.app.handler"] = stub
from serving.hosts import gateway, proxy, serve
serve.GRACE_SECONDS = 0.1
sys.exit(serve.main(["--port", "0", "--stage-prefix", "/prod/"]))
"""


@contextlib.contextmanager
def server():
    """The real process, and the URL of its banner."""
    environment = {k: v for k, v in os.environ.items() if k != "PORT"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, cwd=ROOT, env=environment, **pipes) as process:
        try:
            lines = [process.stderr.readline() for _ in range(6)]
            curl = next(line for line in lines if "curl" in line)
            yield process, curl.split()[-1].removesuffix("/predict")
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_server_answers_then_stops_in_order_at_a_signal(number):
    with server() as (process, url), httpx.Client(base_url=url, trust_env=False) as client:
        query = parse_qsl("a=1&a=%26")
        event = client.post("/predict", params=query, json={"text": "goal"}).json()
        assert (event["path"], event["requestContext"]["path"]) == ("/predict", "/prod/predict")
        assert event["body"] == '{"text":"goal"}'
        assert event["multiValueQueryStringParameters"] == {"a": ["1", "&"]}
        large = b"a" * (upload.REQUEST_BYTES + 1)
        assert client.post("/predict", content=large).status_code == 413
        assert client.post("/predict", content=iter([large])).status_code == 413
        assert client.head("/health").status_code == 200
        process.send_signal(number)
        out, err = process.communicate(timeout=5)
    assert (process.returncode, out) == (0, "")
    lines = err.splitlines()
    assert lines[-1] == "stopped"
    assert [line.split()[1] for line in lines[:4]] == ["POST", "POST", "POST", "HEAD"]
    assert "Traceback" not in err


def test_server_stops_though_the_handler_hangs():
    with server() as (process, url), ThreadPoolExecutor() as pool:
        answer = pool.submit(httpx.get, f"{url}/hang", trust_env=False)
        assert process.stdout.readline() == "hanging\n"
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=5)
    assert process.returncode == 0
    assert err.splitlines()[-1] == "stopped"
    assert "Traceback" not in err
    assert answer.result().status_code == 503


def test_port_is_only_checked_starts_nothing(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert serve.main(["--check", "--port", port]) == 1
    assert serve.main(["--check", "--port", port]) == 0
    assert "is taken" in capsys.readouterr().err


def test_connection_sends_at_once_what_is_written():
    # With Nagle's algorithm the body of an answer waits for the client's delayed ACK.
    with (
        serve.listen("127.0.0.1", "0") as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

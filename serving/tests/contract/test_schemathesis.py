"""The running HTTP API, held by schemathesis against the OpenAPI document that it serves.

Its command line is used: its pytest fixtures need an attribute that pytest 9.2 no longer has.
"""

import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager

import httpx
import pytest
import uvicorn

from serving.app import limits
from serving.hosts.gateway import Gateway
from serving.hosts.serve import listen
from serving.tests import records
from serving.tests.sample import write_bundle

CONFIG = """
continue-on-failure = true
warnings.fail-on = true  # such as: an operation that hardly a request got through to
generation = { deterministic = true, database = "none" }

[phases.coverage]
generate-duplicate-query-parameters = true
# Without TRACE and QUERY: API Gateway answers those itself, 403.
unexpected-methods = ["DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"]

# The default ones, and 413: what breaks a rule can be over the limit of bytes, too.
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429, "5xx"]
"""


@contextmanager
def serving(handler):
    """The URL of a server on loopback that answers through a Lambda handler, as `make serve`."""
    gateway = Gateway(handler)
    server = uvicorn.Server(uvicorn.Config(gateway, http="h11", ws="none", log_config=None))
    with listen("127.0.0.1", "0") as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def handler(start_service, tmp_path, pipeline):
    write_bundle(tmp_path / "bundle", pipeline, "frozen")
    return start_service(tmp_path / "bundle").handler.lambda_handler


@pytest.fixture
def check(tmp_path, capsys):
    """Hold the API at a URL against its document: the exit status, and the report."""
    (tmp_path / "schemathesis.toml").write_text(CONFIG)

    def run(url, *options):
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json"]
        done = subprocess.run(
            [*command, "--checks=all", "--no-color", *options],
            cwd=tmp_path,
            env=os.environ | {"no_proxy": "127.0.0.1"},
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )
        capsys.readouterr()  # the server's lines, which would hide the report
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.mark.slow
@pytest.mark.parametrize("task", ["text", *records.WRITE])
def test_request_of_any_kind_is_answered_as_documented(
    start_service, tmp_path, handler, check, task
):
    if task != "text":
        records.WRITE[task](tmp_path / task)
        handler = start_service(tmp_path / task).handler.lambda_handler
    with serving(handler) as url:
        status, report = check(url, "--max-examples=300")
    assert status == 0, report
    assert "Tested: 5" in report


@pytest.mark.slow
def test_api_that_breaks_its_promises_is_found_out(handler, check):
    """The test above does not pass because nothing is checked: each fault has its failure."""

    def faulty(event, context):
        answer = handler(event, context)
        status, headers = answer["statusCode"], answer["multiValueHeaders"]
        if status == 405:
            del headers["Allow"]  # ST204
        elif event["path"] == "/health":
            answer["statusCode"] = 418  # ST103
        elif event["path"] == "/labels":
            answer["body"] = '{"labels":[{}]}'  # ST108
        elif event["path"] == "/model":
            headers["Content-Type"] = ["text/plain"]  # ST105
        elif event["path"] == "/predict":
            answer["statusCode"] = 500  # ST101
        elif event["path"] == "/predict/batch":
            answer["statusCode"] = 422 if status == 200 else 200  # ST202, ST201
        return answer

    with serving(faulty) as url:
        status, report = check(url, "--phases=coverage")
    assert status == 1, report
    found = set(re.findall(r"^- (ST\d+) ", report, re.MULTILINE))
    assert found == {"ST101", "ST103", "ST105", "ST108", "ST201", "ST202", "ST204"}, report


# schemathesis finds neither of the next two: it takes other spellings of a value for the value, and
# sends no query to an operation that documents none.


def test_query_value_that_is_not_its_json_is_refused(handler):
    values = ["top=%2B3", "top=%203", "top=3%0A", "top=03", "top=1_0"]
    values += [f"explain={value}" for value in ("1", "t", "y", "on", "yes", "TRUE")]
    with serving(handler) as url, httpx.Client(base_url=url, trust_env=False) as client:
        answers = {
            value: client.post(f"/predict?{value}", json={"text": "salt"}).status_code
            for value in values
        }
    assert answers == dict.fromkeys(values, 422)


def test_query_of_too_many_names_is_answered_as_documented(handler):
    query = {f"name{number}": "" for number in range(limits.MAX_PARAMETERS + 1)}
    with serving(handler) as url, httpx.Client(base_url=url, trust_env=False) as client:
        operations = client.get("/openapi.json").json()["paths"]
        undocumented = {
            (method, path, status)
            for path, methods in operations.items()
            for method, operation in methods.items()
            if (status := str(client.request(method, path, params=query).status_code))
            not in operation["responses"]
        }
    assert undocumented == set()

"""The handler under the real awslambdaric: what a process loads to answer."""

import json

import pytest

pytest.importorskip("awslambdaric", reason="the Lambda runtime is NOT tested: it is for Linux")

from serving.app import native
from serving.tests import records
from serving.tests.sample import fit, proxy_event, write_bundle
from tools.runtime_api import Runtime

FAST = {
    "serving.app",
    *(
        f"serving.app.{name}"
        for name in [
            "encoder",
            "engines",
            "engines.base",
            "engines.classification",
            "engines.frozen",
            "engines.frozen.analysis",
            "engines.frozen.engine",
            "engines.frozen.file",
            *(["_kernel", "engines.frozen.ops.words"] if native.kernel else []),
            "engines.frozen.memo",
            "native",
            "engines.frozen.ngrams",
            "engines.frozen.ops",
            "engines.frozen.ops.classify",
            "engines.frozen.ops.linear",
            "engines.frozen.ops.shares",
            "engines.frozen.ops.vectorize",
            "engines.frozen.preprocess",
            "engines.frozen.rows",
            "engines.predictor",
            "errors",
            "features",
            "handler",
            "http",
            "http.fast_path",
            "inputs",
            "inputs.text",
            "limits",
            "request",
            "request.reader",
            "request.shapes",
            "request.strict_json",
            "settings",
            "telemetry",
            "telemetry.metrics",
        ]
    ),
    "serving.bundle",
    *(f"serving.bundle.{name}" for name in ["errors", "files", "inputs", "manifest"]),
    "_blake2",
}
EVENT = proxy_event(body={"text": "the boat"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("frozen")
    write_bundle(path, fit(), "frozen")
    return path


def loaded(handler, folder, *events):
    """The modules that are loaded after the events."""
    with Runtime(handler, {"QUICKTHAW_BUNDLE": str(folder)}) as runtime:
        answers = [runtime.invoke(event) for event in events]
        assert [one.kind for one in answers] == ["response"] * len(events), answers
        return set(answers[-1].json["modules"])


def test_good_request_loads_the_fast_lane_and_nothing_else(folder):
    bare = loaded("serving.tests.bare.handler", folder, EVENT)
    found = loaded("serving.tests.loaded.handler", folder, EVENT, EVENT)
    tests = {"serving.tests", "serving.tests.bare", "serving.tests.loaded"}
    assert found - bare - tests == FAST


def test_other_request_loads_what_it_needs_then(folder):
    found = loaded("serving.tests.loaded.handler", folder, EVENT, proxy_event("GET", "/health"))
    assert {"aws_lambda_powertools", "pydantic", "aws_embedded_metrics"} <= found
    assert not {"sklearn", "numpy", "joblib", "aiohttp"} & found


def test_text_model_of_scikit_learns_loads_no_pandas(tmp_path):
    write_bundle(tmp_path, fit())
    found = loaded("serving.tests.loaded.handler", tmp_path, EVENT)
    assert "sklearn" in found
    assert not {"pandas", "serving.app.engines.frame"} & found


@pytest.mark.parametrize("task", records.WRITE)
def test_runtime_answers_a_record_and_a_batch_at_once(tmp_path, task):
    records.WRITE[task](tmp_path)
    events = [
        proxy_event(body=records.EXAMPLE),
        proxy_event(path="/predict/batch", body=records.RECORDS),
        proxy_event(body=records.EXAMPLE | {"rooms": "3"}),
    ]
    found = loaded("serving.tests.loaded.handler", tmp_path, *events)
    assert {"pandas", "serving.app.engines.frame"} <= found
    assert not {"aws_lambda_powertools", "pydantic", "aws_embedded_metrics"} & found


def test_runtime_answers_both_lanes_and_writes_one_document_each(folder):
    with Runtime(
        "serving.app.handler.lambda_handler", {"QUICKTHAW_BUNDLE": str(folder)}
    ) as runtime:
        answers = [runtime.invoke(one).json for one in (EVENT, proxy_event("GET", "/model"), "?")]
        documents = [json.loads(line) for line in runtime.output()[0].splitlines()]
    assert [one["statusCode"] for one in answers] == [200, 200, 400]
    assert [one["path"] for one in documents] == ["fast", "full", "full"]
    assert [one["status"] for one in documents] == [200, 200, 400]

"""Hostile events, through the handler and through the real awslambdaric: each gets its answer."""

import json

import pytest

from serving.tests import hostile, hostile_images, hostile_records, images, records
from serving.tests.answers import check_answer, read_json
from serving.tests.hostile import PAYLOADS, SECRET
from serving.tests.sample import fit, proxy_event, write_bundle
from tools.fuzz.attack import attack

TABLES = {"text": hostile.EVENTS, "record": hostile_records.EVENTS, "image": hostile_images.EVENTS}
GOOD = {
    "text": proxy_event(body={"text": "the boat"}),
    "record": proxy_event(body=records.EXAMPLE),
    "image": hostile_images.post(hostile_images.PICTURE),
}
# A model each, and the table that attacks it.
WRITE = {
    "frozen": ("text", lambda path: write_bundle(path, fit(), "frozen")),
    "sklearn": ("text", lambda path: write_bundle(path, fit(), "sklearn")),
    "records": ("record", records.write_classification),
    "values": ("record", records.write_regression),
    "images": ("image", images.write_images),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Write the bundle of a model, once."""
    written = {}

    def write(name):
        if name not in written:
            written[name] = tmp_path_factory.mktemp(name)
            WRITE[name][1](written[name])
        return written[name]

    return write


@pytest.fixture
def start_runtime(tmp_path_factory):
    """Start a handler in a process of its own."""
    runtime_api = pytest.importorskip(
        "tools.runtime_api", reason="the Lambda runtime is NOT tested: it is for Linux"
    )
    pytest.importorskip("awslambdaric", reason="the Lambda runtime is NOT tested: it is for Linux")
    started = []

    def start(handler, folder):
        started.append(runtime_api.Runtime(handler, {"QUICKTHAW_BUNDLE": str(folder)}))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_no_two_events_have_one_name():
    assert len(hostile.EVENTS) == sum(len(items) for _, _, _, items in hostile.GROUPS)
    items = sum(len(items) for *_, items in hostile_images.GROUPS + hostile_images.CUSTOM)
    assert len(hostile_images.EVENTS) == items
    assert all(len(events) >= 150 for events in TABLES.values())


@pytest.mark.parametrize(
    ("model", "name"),
    [(model, name) for model, (kind, _) in WRITE.items() for name in TABLES[kind]],
)
def test_event_is_hostile_gets_its_status_from_both_lanes(folders, start_service, model, name):
    status, event = TABLES[WRITE[model][0]][name]
    start_service(folders(model))
    attack(json.dumps(proxy_event("GET", "/health")).encode())  # what is imported takes its time
    assert attack(json.dumps(event).encode()).status == status


@pytest.mark.parametrize("model", WRITE)
def test_all_of_them_are_sent_to_one_runtime_it_lives_and_leaks_nothing(
    folders, start_runtime, model
):
    kind = WRITE[model][0]
    events, good = TABLES[kind], GOOD[kind]
    runtime = start_runtime("serving.app.handler.lambda_handler", folders(model))
    assert runtime.invoke(good).json["statusCode"] == 200
    wrong = {}
    for name, (status, event) in events.items():
        invocation = runtime.invoke(event)
        if invocation.kind != "response" or check_answer(invocation.json, event) != status:
            wrong[name] = invocation
        else:
            assert SECRET not in without_terms(invocation.json["body"])
    assert not wrong
    for payload in PAYLOADS.values():
        assert runtime.invoke(payload).kind == "error"
    assert runtime.invoke(good).json["statusCode"] == 200
    assert runtime.process.poll() is None
    out, err = runtime.output()
    assert SECRET.encode() not in out + err
    documents = [read_json(line) for line in out.decode().splitlines() if line.startswith("{")]
    assert len(documents) == len(events) + 2


def without_terms(body):
    """An answer less the words of the text that its explanation gives back, as it should."""
    return body.partition('"explanation"')[0]


FAILURES = {
    "error": 500,
    "exit": 500,
    "memory": 500,
    "key": 500,
    "os": 500,
    "recurse": 500,
    "damage": 503,
}


def test_engine_fails_in_any_way_the_runtime_lives_and_logs_one_record(tmp_path, start_runtime):
    write_bundle(tmp_path, fit(), "frozen")
    runtime = start_runtime("serving.tests.failing.lambda_handler", tmp_path)
    for path, body in {"/predict": "text", "/predict/batch": "texts"}.items():
        for what, status in FAILURES.items():
            text = f"{what} {SECRET}"
            event = proxy_event(path=path, body={body: text if body == "text" else [text]})
            invocation = runtime.invoke(event)
            assert invocation.kind == "response"
            assert check_answer(invocation.json) == status
            out, err = runtime.output()
            (record,), (document,) = (
                map(read_json, err.splitlines()),
                map(read_json, out.splitlines()),
            )
            assert record["level"] == "ERROR"
            if status == 500:
                assert record["request_id"] == read_json(invocation.json["body"])["request_id"]
            assert document["status"] == status
            assert SECRET.encode() not in out + err + invocation.body
    assert runtime.process.poll() is None


def test_no_file_can_be_opened_the_last_answer_needs_none(tmp_path, start_runtime):
    write_bundle(tmp_path, fit(), "frozen")
    runtime = start_runtime("serving.tests.failing.lambda_handler", tmp_path)
    for event, status in (
        (proxy_event(body={"text": "no-files"}), 200),
        (proxy_event(body="{"), 500),  # what would say more cannot be loaded any more
        (proxy_event("GET", "/health"), 500),
        (proxy_event(body={"text": "answer"}), 200),
    ):
        assert check_answer(runtime.invoke(event).json) == status


@pytest.mark.parametrize("name", ["stdout", "stderr"])
@pytest.mark.parametrize("how", ["fill", "close", "no"])
def test_output_cannot_be_written_the_answers_go_out(tmp_path, start_runtime, name, how):
    write_bundle(tmp_path, fit(), "frozen")
    runtime = start_runtime("serving.tests.failing.lambda_handler", tmp_path)
    for what, status in {
        f"{how}-{name}": 200,
        "answer": 200,
        "error": 500,
        "damage": 503,
        "exit": 500,
    }.items():
        invocation = runtime.invoke(proxy_event(body={"text": what}))
        assert check_answer(invocation.json) == status
    assert check_answer(runtime.invoke(proxy_event("GET", "/nothing")).json) == 404
    assert runtime.process.poll() is None

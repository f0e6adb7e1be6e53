"""`make logs`: every line is read once, in order, and nothing that is in one does any harm."""

import io
import json
import signal
import subprocess
import sys
import time
from datetime import datetime
from itertools import count
from types import SimpleNamespace

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    UnauthorizedSSOTokenError,
)
from hypothesis import given
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from serving.app.metrics import Emitter, Measurements
from serving.app.settings import read_settings
from serving.deployment import logs
from serving.deployment.logline import Entry, Kind, Sorter, render
from serving.deployment.stack import Outputs, StackError
from serving.tests.hostile import TEXTS

NOW = 1_795_274_199_000
UUID = "d8b91d93-fb12-4052-8e85-d960882e4472"
# The real program, where only CloudFormation is not asked.
PROGRAM = """
import runpy, sys
from serving.deployment import stack
stack.read_outputs = lambda stage: stack.Outputs("", "none", "f", "/aws/lambda/f", "")
runpy.run_module("serving.deployment.logs", run_name="__main__")
"""


def emf(**values):
    """A document as the service writes it; None takes a value away."""
    document = {
        "LogGroup": "f",
        "requestId": UUID,
        "lane": "fast",
        "route": "/predict",
        "engine": "frozen",
        "modelVersion": "8f4c7743fc43",
        "label": "sci.space",
        "status": 200,
        "_aws": {"Timestamp": NOW, "CloudWatchMetrics": []},
        "predict.duration": 0.158,
        "prediction.confidence": 0.9494,
        "input.num_texts": 1,
    } | values
    return json.dumps({key: one for key, one in document.items() if one is not None})


def record(**values):
    return json.dumps(
        {"level": "ERROR", "timestamp": "2026-11-21T15:16:39Z", "service": "quickthaw"} | values
    )


COLD = emf(**{"cold_start": 1, "load_model.duration": 2.18})
FAILED = emf(status=500, label=None)
REFUSED = emf(status=422, label=None)
RECORD = record(message="failed", error="ValueError", request_id=UUID, places=["a.py:1 f", "b:2 g"])
REPORT = f"REPORT RequestId: {UUID}\tDuration: 1.92 ms\tBilled Duration: 2 ms\tMemory Size: 512 MB"
COLD_REPORT = f"{REPORT}\tMax Memory Used: 41 MB\tInit Duration: 191.23 ms\t"
TIMEOUT = f"2026-11-21T15:16:39.484Z {UUID} Task timed out after 28.00 seconds"


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """No colours, and a zone that is not UTC."""
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(scope="module")
def moto():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


class Group:
    """A log group of its own on the local server, and the client of it."""

    numbers = count()

    def __init__(self):
        self.name = f"/aws/lambda/f{next(self.numbers)}"
        self.client = boto3.client("logs")
        self.client.create_log_group(logGroupName=self.name)
        self.now = int(time.time() * 1000)
        self._streams = set()

    def put(self, *messages, ago=1000, stream="a"):
        """Store messages a millisecond apart, the last one `ago` milliseconds ago."""
        if stream not in self._streams:
            self._streams.add(stream)
            self.client.create_log_stream(logGroupName=self.name, logStreamName=stream)
        first = self.now - ago - len(messages) + 1
        self.client.put_log_events(
            logGroupName=self.name,
            logStreamName=stream,
            logEvents=[
                {"timestamp": first + index, "message": message}
                for index, message in enumerate(messages)
            ],
        )

    def read(self, connect=None, *, follow=False, since=3_600_000):
        reader = logs.Reader(
            connect or (lambda: self.client), self.name, self.now - since, follow=follow
        )
        return reader.read()


@pytest.fixture
def credentials(moto, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture
def group(credentials, monkeypatch):
    group = Group()
    outputs = Outputs("", "none", "f", group.name, "")
    monkeypatch.setattr(logs, "read_outputs", lambda stage: outputs)
    return group


@pytest.fixture
def waits(monkeypatch):
    """What would have been waited for, in seconds."""
    found = []
    monkeypatch.setattr(logs, "pause", found.append)
    return found


@pytest.fixture
def show(tmp_path, capsys):
    """What `make logs` shows of a file of these lines."""

    def run(lines, *arguments):
        path = tmp_path / "log"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        assert logs.main([*arguments, str(path)]) == 0
        return capsys.readouterr().out

    return run


class Paged:
    """The client, with small pages."""

    def __init__(self, client):
        self._client = client
        self.asked = 0

    def filter_log_events(self, **query):
        self.asked += 1
        return self._client.filter_log_events(limit=100, **query)


def refuse(code, status=400):
    answer = {
        "Error": {"Code": code, "Message": code},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "FilterLogEvents")


class Script:
    """A client that answers, raises or interrupts as it is told, one call after the other."""

    def __init__(self, *script):
        self._script = list(script)
        self.queries = []

    def filter_log_events(self, **query):
        self.queries.append(query.copy())
        step = self._script.pop(0)
        if isinstance(step, BaseException):
            raise step
        return step


def page(*ids, token=None, at=NOW):
    """A page of events, whose ids are their messages."""
    events = [{"eventId": one, "timestamp": at, "message": one} for one in ids]
    return {"events": events} | ({"nextToken": token} if token else {})


def read(client, *, follow=False):
    return logs.Reader(lambda: client, "/aws/lambda/f", NOW, follow=follow).read()


def take(entries):
    """The messages until an interrupt ends it."""
    found = []
    with pytest.raises(KeyboardInterrupt):
        found.extend(entry.text for entry in entries)
    return found


# Reading from CloudWatch


def test_log_has_many_pages_and_streams_all_is_read_once_and_in_order(group):
    for stream in ("a", "b", "c"):
        group.put(*(f"{stream}{index} {'x' * 100}" for index in range(150)), stream=stream)
    client = Paged(group.client)
    found = list(group.read(lambda: client))
    assert client.asked > 4
    assert len({entry.text for entry in found}) == len(found) == 450
    assert [entry.time for entry in found] == sorted(entry.time for entry in found)
    assert {entry.stream for entry in found} == {"a", "b", "c"}


def test_since_is_given_older_lines_are_not_asked_for(group):
    group.put("old", ago=120_000)
    group.put("new", ago=1_000)
    assert [entry.text for entry in group.read(since=60_000)] == ["new"]


def test_stage_is_read_shows_its_group_and_a_summary(group, capsys):
    group.put(COLD, RECORD, FAILED, REFUSED, f"END RequestId: {UUID}")
    assert logs.main([]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 3 + 4
    assert err.startswith(f"{group.name} since ")
    assert "times are CET" in err
    assert err.endswith(
        "3 requests, 1 refused (4xx), 1 failed (5xx), 1 cold starts, 1 errors logged, p50 0.16 ms\n"
    )


def test_lines_arrive_late_each_is_shown_once(group, monkeypatch):
    group.put("first", ago=30_000)
    steps = [
        lambda: group.put("second", ago=1_000),
        lambda: group.put("late", ago=20_000, stream="b"),
        lambda: None,
    ]

    def pause(_seconds):
        if not steps:
            raise KeyboardInterrupt
        steps.pop(0)()

    monkeypatch.setattr(logs, "pause", pause)
    assert take(group.read(follow=True)) == ["first", "second", "late"]


def test_log_is_followed_for_long_few_lines_are_remembered(monkeypatch):
    monkeypatch.setattr(logs, "MAX_SEEN", 50)
    window, shown = logs.Window(0), []
    for second in range(1_000):
        events = page(*(f"{second}.{one}" for one in range(10)), at=second * 1000)["events"]
        shown += window.take(events, NOW)
        assert len(window._seen) <= 50
        assert window.take([one for one in events if one["timestamp"] >= window.start], NOW) == []
    assert len(shown) == 10_000


def test_line_is_of_the_future_what_is_of_now_is_still_asked_for():
    window = logs.Window(NOW - 1_000_000)
    window.take(page("a", at=NOW + 7_200_000)["events"], NOW)
    assert window.start == NOW - logs.OVERLAP
    assert [entry.text for entry in window.take(page("b")["events"], NOW)] == ["b"]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (refuse("ThrottlingException"), "CloudWatch wants fewer requests"),
        (refuse("InternalFailure", 500), "CloudWatch has a fault of its own (InternalFailure)"),
        (EndpointConnectionError(endpoint_url="x"), "CloudWatch cannot be reached"),
    ],
)
def test_aws_does_not_answer_for_a_while_it_is_said_once_and_tried_again(
    error, says, waits, capsys
):
    client = Script(page("a", token="next"), error, error, error, page("b"))
    assert [entry.text for entry in read(client)] == ["a", "b"]
    assert waits == [1, 2, 4]
    assert [query.get("nextToken") for query in client.queries] == [None, *["next"] * 4]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(says)


def test_aws_does_not_answer_at_all_is_an_error(waits):
    with pytest.raises(logs.LogsError, match=r"cannot be reached .*: run it again later"):
        list(read(Script(*[EndpointConnectionError(endpoint_url="x")] * logs.TRIES)))
    assert sum(waits) == 31


def test_aws_does_not_answer_a_follower_waits_as_long_as_it_takes(waits):
    errors = [EndpointConnectionError(endpoint_url="x")] * 50
    assert take(read(Script(*errors, page("a"), KeyboardInterrupt()), follow=True)) == ["a"]
    assert max(waits) == logs.MAX_WAIT


@pytest.mark.parametrize(
    "error", [refuse("ExpiredTokenException"), UnauthorizedSSOTokenError(), None]
)
def test_credentials_expire_a_follower_goes_on_with_those_of_a_new_login(error, waits, capsys):
    first = Script(page("a"), error or refuse("ExpiredTokenException"))
    second = Script(page("a", "b"), KeyboardInterrupt())
    clients = [first, second]
    reader = logs.Reader(lambda: clients.pop(0), "/aws/lambda/f", NOW, follow=True)
    assert take(reader.read()) == ["a", "b"]
    assert "log in again" in capsys.readouterr().err


def test_page_has_expired_a_follower_begins_anew_without_repeating(waits):
    client = Script(
        page("a", token="next"),
        refuse("InvalidParameterException"),
        page("a", "b"),
        KeyboardInterrupt(),
    )
    assert take(read(client, follow=True)) == ["a", "b"]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (refuse("AccessDeniedException"), "logs:FilterLogEvents"),
        (refuse("ExpiredTokenException"), "check AWS_PROFILE and AWS_REGION"),
        (NoCredentialsError(), "Unable to locate credentials"),
    ],
)
def test_aws_refuses_is_an_error_that_says_the_mend(error, says, waits):
    with pytest.raises(logs.LogsError, match=says):
        list(read(Script(error)))
    assert not waits


def test_log_group_is_gone_is_an_error(group, capsys):
    group.client.delete_log_group(logGroupName=group.name)
    assert logs.main([]) == 1
    err = capsys.readouterr().err
    assert err.endswith(f"error: there is no log group {group.name}: 'make deploy' makes it\n")


def test_stack_is_not_there_is_an_error(monkeypatch, capsys):
    def read_outputs(stage):
        raise StackError(f"there is no stack quickthaw-{stage}: 'make deploy STAGE={stage}'")

    monkeypatch.setattr(logs, "read_outputs", read_outputs)
    assert logs.main(["--stage", "prod"]) == 1
    assert "error: there is no stack quickthaw-prod: " in capsys.readouterr().err


# When to begin


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("2h", 7_200), ("1d", 86_400), ("999999999d", NOW / 1000)],
)
def test_since_is_a_duration_is_counted_from_now(text, seconds):
    assert logs.parse_since(text, NOW / 1000) == pytest.approx(NOW - seconds * 1000)


def test_since_is_an_iso_time_is_local_unless_it_says_otherwise():
    assert logs.parse_since("2026-11-21T15:00", NOW) == (
        datetime.fromisoformat("2026-11-21T14:00Z").timestamp() * 1000
    )
    assert logs.parse_since("1960-01-01", NOW) == 0
    assert logs.parse_since("2026-11-21T15:00Z", NOW) == (
        datetime.fromisoformat("2026-11-21T15:00Z").timestamp() * 1000
    )


@pytest.mark.parametrize("text", ["ten", "10", "10w", "-1m", "1.5h", "٣m", "0001-01-01", " "])
def test_since_is_no_time_is_an_error(text, capsys):
    assert logs.main([f"--since={text}"]) == 1
    assert "is no time: SINCE=90s, 10m" in capsys.readouterr().err


def test_since_is_in_the_future_is_an_error(capsys):
    assert logs.main(["--since", "2999-01-01"]) == 1
    assert "is in the future" in capsys.readouterr().err


# What a line becomes


def test_documents_are_folded_into_aligned_columns(show):
    out = show(
        [
            COLD,
            emf(route="/predict/batch", label=None, **{"input.num_texts": 1000}),
            REFUSED,
            emf(route="none", status=404, label=None, modelVersion=None, _aws=None),
        ]
    )
    assert out == (
        "11-21 16:16:39.000  200  /predict        sci.space                 0.949"
        "      0.16 ms  8f4c7743fc43  cold, model loaded in 2.2 ms\n"
        "11-21 16:16:39.000  200  /predict/batch  1000 texts                0.949"
        "      0.16 ms  8f4c7743fc43\n"
        "11-21 16:16:39.000  422  /predict        1 texts                   0.949"
        f"      0.16 ms  8f4c7743fc43  request {UUID}\n"
        "                    404  none            1 texts                   0.949"
        f"      0.16 ms  -             request {UUID}\n"
    )


def test_handler_writes_its_documents_each_is_one_line(client, show):
    answers = [
        client.request(body={"text": "the boat"}),
        client.request(path="/predict/batch", body={"texts": ["the boat", "the soup"]}),
        client.request(body={"secret-name": "a"}),
        client.request("GET", "/health"),
        client.send("what?"),
    ]
    lines = show([json.dumps(one) for answer in answers for one in answer.emf]).splitlines()
    assert [line[20:23] for line in lines] == ["200", "200", "422", "200", "400"]
    assert " sailing " in lines[0]
    assert "cold, model loaded in " in lines[0]
    assert " 2 texts " in lines[1]


def test_extraction_is_off_the_documents_are_folded_all_the_same(capsys, show):
    settings = read_settings({"AWS_EMF_DISABLE_METRIC_EXTRACTION": "true"})
    properties = {"requestId": UUID, "route": "/predict", "status": 200}
    Emitter(settings).emit(Measurements({"predict.duration": 1.5}, properties), fast=True)
    (line,) = show([capsys.readouterr().out.strip()]).splitlines()
    assert line.split() == ["200", "/predict", "-", "-", "1.50", "ms", "-"]


def test_model_is_missing_its_record_is_shown_whole(start_service, tmp_path, show):
    client = start_service(tmp_path / "nothing")
    answer = client.request(body={"text": "a"})
    out = show([RECORD, *map(json.dumps, answer.logged), *map(json.dumps, answer.emf)])
    assert out.splitlines()[:4] == [
        "11-21 16:16:39.000  ERROR failed ValueError",
        f"                    request_id: {UUID}",
        "                    a.py:1 f",
        "                    b:2 g",
    ]
    assert "  503  /predict " in out.splitlines()[-1]


def test_init_is_reported_its_duration_is_shown_and_routine_is_not(show):
    out = show(
        [
            f"START RequestId: {UUID} Version: 7",
            "INIT_START Runtime Version: python:3.13.v1\tRuntime Version ARN: arn",
            "21 Nov 2026 15:16:39,482 [INFO] (rapid) INIT REPORT(durationMs: 119.599000)",
            "21 Nov 2026 15:16:39,482 [INFO] (rapid) INVOKE START(requestId: 1)",
            f"END RequestId: {UUID}",
            REPORT,
            COLD_REPORT,
            f"REPORT RequestId: {UUID}\tInit Duration: 0.09 ms\tDuration: 121.74 ms",
            "RESTORE_REPORT Restore Duration: 201.10 ms",
            "XRAY TraceId: 1",
        ]
    )
    assert [line.strip() for line in out.splitlines()] == [
        "init 119.6 ms",
        "init 191.2 ms, billed 2 ms, 41 of 512 MB",
        "restore 201.1 ms",
    ]


FAILURES = [
    TIMEOUT,
    f"RequestId: {UUID} Error: Runtime exited with error: signal: killed\nRuntime.ExitError",
    "INIT_REPORT Init Duration: 9999.58 ms\tPhase: init\tStatus: timeout",
    "INIT_REPORT Init Duration: 12.0 ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError",
    f"{COLD_REPORT}Status: error\tError Type: Runtime.OutOfMemory",
    "[ERROR] Runtime.ImportModuleError: no module\rTraceback (most recent call last):\r  File",
    "[ERROR] [1795274199650] LAMBDA_RUNTIME Failed to get next invocation.",
    '{"time":"2026-11-21T15:16:39Z","type":"platform.report","record":{"status":"timeout"}}',
    '{"timestamp":"2026-11-21T15:16:39Z","level":"ERROR","errorType":"KeyError","stackTrace":["a"]}',
]


@pytest.mark.parametrize("line", FAILURES)
def test_environment_fails_is_an_error_in_all_its_lines(line):
    sorted_ = Sorter().sort(Entry(line, NOW))
    assert sorted_.kind is Kind.ERROR
    first, *others = render(sorted_, colours=False).splitlines()
    assert first.startswith("11-21 16:16:39.000  ")
    assert all(other.startswith(" " * 20) for other in others)
    assert len(others) == line.count("\r") + line.count("\n") + line.count("stackTrace")


def test_traceback_is_of_single_lines_all_are_errors_and_nothing_after_it(show):
    traceback = [
        "Traceback (most recent call last):",
        '  File "a.py", line 1, in <module>',
        "",
        "    raise ValueError",
        "ValueError: what?",
    ]
    chained = ["During handling of the above exception, another exception occurred:", *traceback]
    out = show([*traceback, *chained, "another", emf()], "--errors")
    assert [line.strip() for line in out.splitlines()] == [
        line.strip() for line in traceback + chained
    ]


def test_tracebacks_of_two_streams_are_mixed_each_is_known():
    sorter = Sorter()
    texts = [("Traceback (most recent call last):", "a"), ("  note", "b"), ("  File", "a")]
    kinds = [sorter.sort(Entry(text, NOW, stream)).kind for text, stream in texts]
    assert kinds == [Kind.ERROR, Kind.OTHER, Kind.MORE]


def test_tracebacks_of_two_streams_are_mixed_in_a_file_each_is_known(show):
    streams = [f"2026-11-21T15:16:39Z 2026/11/21/[7]{name} " for name in "ab"]
    texts = ["Traceback (most recent call last):", "  note", "  File"]
    out = show(map("".join, zip([*streams, streams[0]], texts, strict=True)), "--errors")
    assert [line[20:] for line in out.splitlines()] == [texts[0], texts[2]]


@pytest.mark.parametrize(
    "between", [emf(), REPORT, "[ERROR] a\rTraceback (most recent call last):"]
)
def test_traceback_has_ended_what_follows_is_no_part_of_it(between):
    sorter = Sorter()
    texts = ["Traceback (most recent call last):", between, "  another"]
    assert [sorter.sort(Entry(text, NOW)).kind for text in texts][-1] is Kind.OTHER


@pytest.mark.parametrize(
    "prefix",
    ["2026-11-21T15:16:39.000000+00:00 2026/11/21/[$LATEST]0a1b ", "2026-11-21T15:16:39Z ", ""],
)
def test_line_has_the_prefix_of_another_program_is_folded(prefix, show):
    (line,) = show([f"{prefix}{emf()}"]).splitlines()
    assert line.startswith("11-21 16:16:39.000  200  /predict ")


# Filters


LINES = [
    COLD,
    FAILED,
    REFUSED,
    RECORD,
    TIMEOUT,
    COLD_REPORT,
    emf(modelVersion="0123456789ab", _aws={"Timestamp": NOW - 86_400_000}),
    "another",
    f"END RequestId: {UUID}",
]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], LINES[:-1]),
        (["--errors"], [FAILED, RECORD, TIMEOUT]),
        (["--cold"], [COLD, COLD_REPORT]),
        (["--model", "8f4c"], [COLD, FAILED, REFUSED]),
        (["--model", "8f4c", "--errors"], [FAILED]),
        (["--model", "None"], []),
        (["--since", "2026-11-21T00:00"], LINES[:6]),
        (["--since", "2026-11-21T00:00", "--raw"], LINES[:6]),
        (["--raw"], LINES),
    ],
)
def test_filter_is_set_shows_only_what_it_names(arguments, wanted, show, monkeypatch):
    if "--raw" not in arguments:
        assert show(LINES, *arguments) == show(wanted)
        wanted = wanted if arguments else LINES
    assert show(LINES, "--raw", *arguments).splitlines() == wanted


# Files, standard input, and how it ends


def run(*arguments):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_file_is_not_there_is_an_error(tmp_path, capsys):
    for path in (tmp_path / "none", tmp_path):
        assert logs.main([str(path)]) == 1
        assert f"error: {path} cannot be read (" in capsys.readouterr().err


def test_standard_input_is_read(monkeypatch, capsys):
    stdin = SimpleNamespace(buffer=io.BytesIO(f"{emf()}\n\xff".encode("latin-1")))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert logs.main(["-"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert "  200  " in first
    assert second.strip() == r"\xff"


def test_file_is_followed_whole_lines_are_shown_also_when_it_begins_anew(tmp_path, monkeypatch):
    path = tmp_path / "log"
    path.write_text("first\nsec", encoding="utf-8")
    steps = ["first\nsecond\nthi", "anew\n"]

    def pause(_seconds):
        if not steps:
            raise KeyboardInterrupt
        path.write_text(steps.pop(0), encoding="utf-8")

    monkeypatch.setattr(logs, "pause", pause)
    assert take(logs.read_file(str(path), follow=True)) == ["first", "second", "anew"]


def test_ctrl_c_comes_while_a_stage_is_followed_it_ends_without_a_word(credentials):
    boto3.client("logs").create_log_group(logGroupName="/aws/lambda/f")
    with run("--follow") as program:
        assert program.stderr.readline().startswith("/aws/lambda/f since ")
        time.sleep(0.3)  # within a request or a pause
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=20)
    assert (program.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_comes_while_a_file_is_followed_it_ends_without_a_word(tmp_path, number):
    path = tmp_path / "log"
    path.write_text(f"{emf()}\n", encoding="utf-8")
    with run("--follow", str(path)) as program:
        assert "  200  " in program.stdout.readline()
        program.send_signal(number)
        out, err = program.communicate(timeout=20)
    assert (program.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize("follow", [False, True])
def test_reader_leaves_it_ends_without_a_word(tmp_path, follow):
    path = tmp_path / "log"
    path.write_text(f"{emf()}\n" * (1 if follow else 5_000), encoding="utf-8")
    with run(*(["--follow"] if follow else []), str(path)) as program:
        assert "  200  " in program.stdout.readline()
        program.stdout.close()
        assert program.stderr.read() == ""
        assert program.wait(20) == 0


def test_standard_output_is_full_is_an_error(tmp_path):
    (tmp_path / "log").write_text(f"{emf()}\n", encoding="utf-8")
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [sys.executable, "-m", "serving.deployment.logs", tmp_path / "log"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "error: standard output cannot be written (No space left on device)\n"


# Colours, and what must not reach a terminal


@pytest.mark.parametrize(
    ("environment", "is_terminal", "wanted"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_colours_are_for_terminals_unless_told_otherwise(
    environment, is_terminal, wanted, monkeypatch
):
    for name, value in ({"TERM": "xterm"} | environment).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal, raising=False)
    assert logs.wants_colours() is wanted


@pytest.mark.parametrize(
    ("line", "colour"),
    [(emf(), 32), (REFUSED, 33), (FAILED, 31), (RECORD, 31), (TIMEOUT, 31), (COLD_REPORT, 36)],
)
def test_line_is_coloured_by_what_it_is(line, colour):
    sorted_ = Sorter().sort(Entry(line, NOW))
    coloured = render(sorted_, colours=True)
    assert f"  \033[{colour}m" in coloured
    plain = coloured
    for code in (2, 31, 32, 33, 36):
        plain = plain.replace(f"\033[{code}m", "")
    assert plain.replace("\033[0m", "") == render(sorted_, colours=False)


def is_harmless(text):
    return all(one.isprintable() or one in "\n\t" for one in text)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_line_holds_what_a_terminal_obeys_it_is_shown_in_other_characters(text):
    for line in (text, emf(label=text, route=text), record(message=text, places=[text])):
        for entry in (Entry(line), Entry(line, NOW)):
            sorted_ = Sorter().sort(entry)
            first, *others = render(sorted_, colours=False).split("\n")
            assert is_harmless(first)
            assert all(other.startswith(" " * 20) and is_harmless(other) for other in others)


def test_raw_is_as_stored_but_harmless_on_a_terminal(show, monkeypatch):
    assert show(["a\x1b[2Jb"], "--raw") == "a\x1b[2Jb\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert show(["a\x1b[2Jb"], "--raw") == "a\\x1b[2Jb\n"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**308, 10**400)
    | st.floats()
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(
    [
        *("_aws", "requestId", "route", "status", "label", "modelVersion", "cold_start", "level"),
        *("load_model.duration", "predict.duration", "prediction.confidence", "input.num_texts"),
        *("timestamp", "message", "error", "type", "record", "errorType"),
    ]
)
DOCUMENTS = st.dictionaries(NAMES | st.text(), VALUES, max_size=12)
BEGINNINGS = st.sampled_from(
    ["", "{", "[ERROR] ", "REPORT RequestId: 1 Duration: ", "RESTORE_REPORT Restore Duration: "]
)


@given(
    st.lists(
        st.tuples(BEGINNINGS, st.text(st.characters())).map("".join)
        | DOCUMENTS.map(json.dumps)
        | st.sampled_from(["{" * 20_000, '{"a":' * 20_000, f'{{"status": {"9" * 5000}}}']),
        max_size=4,
    ),
    st.none() | st.floats() | st.integers(),
    st.booleans(),
)
def test_line_is_anything_at_all_it_is_shown_and_harmless(lines, time_, colours):
    sorter, summary, options = Sorter(), logs.Summary(), logs.parse_arguments(["--model", "a"])
    for line in lines:
        sorted_ = sorter.sort(Entry(line, time_))
        logs.is_wanted(sorted_, options)
        summary.add(sorted_)
        assert is_harmless(
            render(sorted_, colours=colours).replace("\033[", "").replace("\033", "")
        )
        if "_aws" in sorted_.values:
            assert sorted_.kind is Kind.REQUEST
            assert "\n" not in render(sorted_, colours=colours)
    assert "requests" in f"{summary}"


@given(DOCUMENTS, st.none() | st.integers())
def test_document_is_of_emf_is_exactly_one_line(document, time_):
    for extra in ({"_aws": {}}, {"requestId": 1, "route": 2, "status": 3}):
        sorted_ = Sorter().sort(Entry(json.dumps(document | extra), time_))
        assert sorted_.kind is Kind.REQUEST
        assert len(render(sorted_, colours=False).splitlines()) == 1

"""`make logs`: every line is read once, in order, and nothing that is in one does any harm."""

import io
import json
import signal
import subprocess
import sys
import time
from datetime import datetime
from functools import partial
from itertools import count
from types import SimpleNamespace

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
    UnauthorizedSSOTokenError,
)
from hypothesis import given
from hypothesis import strategies as st

from serving.deployment.commands.logs import __main__ as program
from serving.deployment.commands.logs import source
from serving.deployment.commands.logs.line import Entry, Kind, Sorter
from serving.deployment.commands.logs.render import render, render_header
from serving.deployment.stack import BulkOutputs, Deployment, Outputs, StackError
from serving.tests.hostile import TEXTS
from serving.tests.moto_server import serve_moto

NOW = 1_795_274_199_000
UUID = "d8b91d93-fb12-4052-8e85-d960882e4472"
MODEL = ("--model", "hobbies")
MODULE = ("-m", "serving.deployment.commands.logs", *MODEL)
# The real program, where only CloudFormation is not asked.
STAGE = """
import runpy, sys
from serving.deployment import stack
stack.read_outputs = lambda _: stack.Outputs("", "none", "f", "/aws/lambda/f", "")
runpy.run_module("serving.deployment.commands.logs", run_name="__main__")
"""


def emf(**values):
    """A document as the service writes it; None takes a value away."""
    document = {
        "LogGroup": "f",
        "requestId": UUID,
        "path": "fast",
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
    with serve_moto() as port:
        yield f"http://127.0.0.1:{port}"


class Group:
    """A log group of its own on the local server, and the client of it."""

    numbers = count()

    def __init__(self):
        self.name = f"/aws/lambda/f{next(self.numbers)}"
        self.client = source.connect()
        self.client.create_log_group(logGroupName=self.name)
        for stream in "abc":
            self.client.create_log_stream(logGroupName=self.name, logStreamName=stream)
        self.now = int(time.time() * 1000)

    def put(self, *messages, ago=1000, stream="a"):
        """Store messages a millisecond apart, the last one `ago` milliseconds ago."""
        times = range(self.now - ago - len(messages) + 1, self.now - ago + 1)
        events = [
            {"timestamp": one, "message": text} for one, text in zip(times, messages, strict=True)
        ]
        self.client.put_log_events(logGroupName=self.name, logStreamName=stream, logEvents=events)

    def read(self, *, follow=False):
        return source.Reader(self.name, self.now - 3_600_000, follow=follow).read()


@pytest.fixture
def credentials(moto, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)


@pytest.fixture
def group(credentials, monkeypatch):
    group = Group()
    outputs = Outputs("", "none", "f", group.name, "")
    monkeypatch.setattr(source, "read_outputs", lambda _: outputs)
    return group


@pytest.fixture
def waits(monkeypatch):
    """What would have been waited for, in seconds."""
    found = []
    monkeypatch.setattr(source, "pause", found.append)
    return found


@pytest.fixture
def meanwhile(plan_pauses):
    return plan_pauses(source)


@pytest.fixture
def show(tmp_path, capsys):
    """What `make logs` shows of a file of these lines."""

    def run(lines, *arguments):
        path = tmp_path / "log"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        assert program.main([*MODEL, *arguments, str(path)]) == 0
        return capsys.readouterr().out

    return run


def refuse(code, status=400):
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
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
    known = {"timestamp": at, "logStreamName": "a"}
    events = [{"eventId": one, "message": one} | known for one in ids]
    return {"events": events} | ({"nextToken": token} if token else {})


@pytest.fixture
def read(monkeypatch):
    """Read a group with clients of ours, one after the other."""

    def run(*clients, follow=False):
        left = list(clients)
        monkeypatch.setattr(source, "connect", lambda: left.pop(0))
        return source.Reader("/aws/lambda/f", NOW, follow=follow).read()

    return run


def take(entries):
    """The messages until an interrupt ends it."""
    found = []
    with pytest.raises(KeyboardInterrupt):
        found.extend(entry.text for entry in entries)
    return found


def render_safely(line):
    """What is shown: printable, not to be mistaken for other lines, and the same in colours."""
    text = render(line, colours=False)
    first, *others = text.split("\n")
    assert all(one.isprintable() or one == "\t" for part in (first, *others) for one in part)
    assert all(other.startswith(" " * 20) for other in others)
    coloured = render(line, colours=True)
    for code in (0, 2, 31, 32, 33, 36):
        coloured = coloured.replace(f"\033[{code}m", "")
    assert coloured.split() == text.split()
    return text


# Reading from CloudWatch


def test_log_has_many_pages_and_streams_all_since_then_is_read_once_and_in_order(
    group, monkeypatch
):
    group.put("too old", ago=7_200_000)
    for stream in "abc":
        group.put(*(f"{stream}{index} {'x' * 100}" for index in range(150)), stream=stream)
    asked = []

    def filter_log_events(**query):  # in small pages
        asked.append(query)
        return group.client.filter_log_events(limit=100, **query)

    client = SimpleNamespace(filter_log_events=filter_log_events)
    monkeypatch.setattr(source, "connect", lambda: client)
    found = list(group.read())
    assert len(asked) > 4
    assert len({entry.text for entry in found}) == len(found) == 450
    assert [entry.time for entry in found] == sorted(entry.time for entry in found)
    assert {entry.stream for entry in found} == {"a", "b", "c"}


def test_only_aws_region_is_set_it_is_the_region_that_is_asked(credentials):
    assert source.connect().meta.region_name == "eu-north-1"


def test_stage_is_read_shows_its_group_and_a_summary(group, capsys):
    group.put(COLD, RECORD, FAILED, REFUSED, f"END RequestId: {UUID}")
    assert program.main([*MODEL]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1 + 3 + 4
    assert err.startswith(f"{group.name} since ")
    assert "times are CET" in err
    assert err.endswith(
        "3 requests, 1 refused (4xx), 1 failed (5xx), 1 cold start, 1 error logged, p50 0.16 ms\n"
    )


def test_lines_arrive_late_each_is_shown_once(group, meanwhile):
    group.put("first", ago=30_000)
    meanwhile(
        lambda: group.put("second", ago=1_000),
        lambda: group.put("late", ago=20_000, stream="b"),
        lambda: None,
    )
    assert take(group.read(follow=True)) == ["first", "second", "late"]


def test_log_is_followed_for_long_each_line_is_shown_once_and_few_are_remembered():
    window, shown = source.Window(0), []
    for second in range(1_000):
        events = page(*(f"{second}.{one}" for one in range(10)), at=second * 1000)["events"]
        shown += window.take(events)
        assert window.take(events) == []
        assert len(window._seen) <= 10 * (source.OVERLAP / 1000 + 1)
    assert len(shown) == 10_000


@pytest.mark.parametrize(
    "error",
    [
        refuse("ThrottlingException"),
        refuse("InternalFailure", 500),
        EndpointConnectionError(endpoint_url="x"),
        ReadTimeoutError(endpoint_url="x"),
    ],
)
def test_aws_does_not_answer_for_a_while_it_is_said_once_and_tried_again(
    error, read, waits, capsys
):
    client = Script(page("a", token="next"), error, error, error, page("b"))
    assert [entry.text for entry in read(client)] == ["a", "b"]
    assert waits == [1, 2, 4]
    assert [query.get("nextToken") for query in client.queries] == [None, *["next"] * 4]
    assert capsys.readouterr().err == f"CloudWatch does not answer ({error}): trying again\n"


def test_aws_does_not_answer_at_all_is_an_error_but_a_follower_waits(read, waits):
    errors = [EndpointConnectionError(endpoint_url="x")] * 2_000
    with pytest.raises(source.LogsError, match=r"does not answer .*: run it again later"):
        list(read(Script(*errors)))
    assert waits == [1, 2, 4, 8, 16]
    assert take(read(Script(*errors, page("a"), KeyboardInterrupt()), follow=True)) == ["a"]
    assert max(waits) == source.MAX_WAIT


@pytest.mark.parametrize("error", [refuse("ExpiredTokenException"), UnauthorizedSSOTokenError()])
def test_credentials_expire_a_follower_goes_on_with_those_of_a_new_login(
    error, read, waits, capsys
):
    clients = Script(page("a"), error), Script(page("a", "b"), KeyboardInterrupt())
    assert take(read(*clients, follow=True)) == ["a", "b"]
    assert "log in again" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (refuse("AccessDeniedException"), "logs:FilterLogEvents"),
        (refuse("ExpiredTokenException"), "check AWS_PROFILE and AWS_REGION"),
        (refuse("ResourceNotFoundException"), "there is no log group .*: 'make deploy'"),
        (NoCredentialsError(), "Unable to locate credentials"),
    ],
)
def test_aws_refuses_is_an_error_that_says_the_mend(error, says, read, waits):
    with pytest.raises(source.LogsError, match=says):
        list(read(Script(error)))
    assert not waits


def test_stack_is_not_there_is_an_error(monkeypatch, capsys):
    def read_outputs(deployment):
        raise StackError(f"there is no stack {deployment.name}: {deployment.make('deploy')}")

    monkeypatch.setattr(source, "read_outputs", read_outputs)
    assert program.main([*MODEL, "--stage", "prod"]) == 1
    assert "error: there is no stack quickthaw-hobbies-prod: " in capsys.readouterr().err


# When to begin


@pytest.mark.parametrize(
    ("text", "begin"),
    [
        ("90s", NOW - 90_000),
        ("10m", NOW - 600_000),
        ("2h", NOW - 7_200_000),
        ("1d", NOW - 86_400_000),
        ("2026-11-21T15:00", datetime.fromisoformat("2026-11-21T14:00Z").timestamp() * 1000),
        ("2026-11-21T15:00Z", datetime.fromisoformat("2026-11-21T15:00Z").timestamp() * 1000),
    ],
)
def test_since_is_a_duration_or_an_iso_time_of_here_unless_it_says_otherwise(text, begin):
    assert source.parse_since(text, NOW / 1000) == pytest.approx(begin)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        *((one, "is no time: SINCE=90s, 10m") for one in ("ten", "10", "10w", "-1m", "1.5h", "٣m")),
        ("0001-01-01", "is no time"),
        ("2999-01-01", "is in the future"),
    ],
)
def test_since_is_no_time_or_in_the_future_is_an_error(text, says, capsys):
    assert program.main([*MODEL, f"--since={text}"]) == 1
    assert says in capsys.readouterr().err


# What a line becomes


def test_documents_are_folded_into_aligned_columns(show):
    batch = emf(route="/predict/batch", label=None, **{"input.num_texts": 1000})
    out = show([COLD, batch, REFUSED, emf(route="none", status=404, label=None, modelVersion=None)])
    assert out == (
        "time                status  route           label                     conf."
        "      predict  model\n"
        "11-21 16:16:39.000  200     /predict        sci.space                 0.949"
        "      0.16 ms  8f4c7743fc43  cold, model loaded in 2.2 ms\n"
        "11-21 16:16:39.000  200     /predict/batch  1,000 texts               0.949"
        "      0.16 ms  8f4c7743fc43\n"
        "11-21 16:16:39.000  422     /predict        1 text                    0.949"
        f"      0.16 ms  8f4c7743fc43  request {UUID}\n"
        "11-21 16:16:39.000  404     none            1 text                    0.949"
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
    documents = [one for answer in answers for one in answer.emf]
    _, *lines = show(map(json.dumps, documents)).splitlines()
    assert [line[20:23] for line in lines] == ["200", "200", "422", "200", "400"]
    assert " sailing " in lines[0]
    assert "cold, model loaded in " in lines[0]
    assert "  invalid  request " in lines[2]
    assert "  bad-request  request " in lines[4]
    assert " 2 texts " in lines[1]
    for document in documents:  # as they are where the extraction of metrics is off
        del document["_aws"]
    _, *others = show(map(json.dumps, documents)).splitlines()
    assert [one[20:] for one in others] == [line[20:] for line in lines]


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
    assert "  503     /predict " in out.splitlines()[-1]


def test_init_is_reported_its_duration_is_shown_and_routine_is_not(show):
    lines = [
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
    out = show(lines)
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
]


@pytest.mark.parametrize("line", FAILURES)
def test_environment_fails_is_an_error_in_all_its_lines(line):
    sorted_ = Sorter().sort(Entry(line, NOW))
    assert sorted_.kind is Kind.ERROR
    assert render_safely(sorted_).count("\n") == line.count("\r") + line.count("\n")


TRACEBACK = [
    "Traceback (most recent call last):",
    '  File "a.py", line 1, in <module>',
    "",
    "    raise ValueError",
    "ValueError: what?",
]
CHAINED = "During handling of the above exception, another exception occurred:"


@pytest.mark.parametrize(
    ("errors", "others"),
    [
        ([*TRACEBACK, CHAINED, *TRACEBACK], ["another", "  another"]),
        (TRACEBACK[:2], [emf(), "  another"]),
        (TRACEBACK[:2], [REPORT, "  another"]),
        ([*TRACEBACK[:2], f"[ERROR] a\r{TRACEBACK[0]}"], ["  another"]),
    ],
)
def test_traceback_is_of_single_lines_all_are_errors_and_nothing_after_it(errors, others):
    sorter = Sorter()
    assert all(sorter.sort(Entry(text, NOW)).is_error for text in errors)
    assert not any(sorter.sort(Entry(text, NOW)).is_error for text in others)


@pytest.mark.parametrize(
    "write",
    [
        lambda stream, text: Entry(text, NOW, stream),
        lambda stream, text: Entry(f"2026-11-21T15:16:39Z 2026/11/21/[7]{stream} {text}"),
    ],
    ids=["CloudWatch", "file"],
)
def test_tracebacks_of_two_streams_are_mixed_each_is_known(write):
    sorter, lines = Sorter(), [("a", TRACEBACK[0]), ("b", "  note"), ("a", "  File")]
    assert [sorter.sort(write(*one)).is_error for one in lines] == [True, False, True]


@pytest.mark.parametrize(
    "prefix",
    ["2026-11-21T15:16:39.000000+00:00 2026/11/21/[$LATEST]0a1b ", "2026-11-21T15:16:39Z "],
)
def test_line_has_the_prefix_of_another_program_is_folded(prefix, show):
    _, line = show([f"{prefix}{emf()}"]).splitlines()
    assert line.startswith("11-21 16:16:39.000  200     /predict ")


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
        (["--version", "8f4c"], [COLD, FAILED, REFUSED]),
        (["--version", "8f4c", "--errors"], [FAILED]),
        (["--version", "None"], []),
        (["--since", "2026-11-21T00:00"], LINES[:6]),
        (["--since", "2026-11-21T00:00", "--raw"], LINES[:6]),
        (["--raw"], LINES),
    ],
)
def test_filter_is_set_shows_only_what_it_names(arguments, wanted, show):
    if "--raw" not in arguments:
        assert show(LINES, *arguments) == show(wanted)
        wanted = wanted if arguments else LINES
    assert show(LINES, "--raw", *arguments).splitlines() == wanted


# Files, standard input, and how it ends


def run(*arguments):
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, *arguments], stdout=pipe, stderr=pipe, text=True)


def test_file_is_not_there_is_an_error(tmp_path, capsys):
    for path in (tmp_path / "none", tmp_path):
        assert program.main([*MODEL, str(path)]) == 1
        assert f"error: {path} cannot be read (" in capsys.readouterr().err


def test_standard_input_is_read(monkeypatch, capsys):
    stdin = SimpleNamespace(buffer=io.BytesIO(f"{emf()}\n\xff".encode("latin-1")))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert program.main([*MODEL, "-"]) == 0
    _, first, second = capsys.readouterr().out.splitlines()
    assert "  200  " in first
    assert second.strip() == r"\xff"


def test_file_is_followed_whole_lines_are_shown_also_when_it_begins_anew(tmp_path, meanwhile):
    path = tmp_path / "log"
    path.write_text("first\nsec", encoding="utf-8")
    texts = ["first\nsecond\nthi", "anew\n"]
    meanwhile(*(partial(path.write_text, text, encoding="utf-8") for text in texts))
    assert take(source.read_file(str(path), follow=True)) == ["first", "second", "anew"]


def test_ctrl_c_comes_while_a_stage_is_followed_it_ends_without_a_word(credentials):
    source.connect().create_log_group(logGroupName="/aws/lambda/f")
    with run("-c", STAGE, *MODEL, "--follow") as started:
        assert started.stderr.readline().startswith("/aws/lambda/f since ")
        time.sleep(0.3)  # within a request or a pause
        started.send_signal(signal.SIGINT)
        out, err = started.communicate(timeout=20)
    assert (started.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize(
    ("end", "follow"),
    [
        (lambda started: started.send_signal(signal.SIGINT), True),
        (lambda started: started.send_signal(signal.SIGTERM), True),
        (lambda started: started.stdout.close(), True),
        (lambda started: started.stdout.close(), False),
    ],
    ids=["SIGINT", "SIGTERM", "reader leaves a follower", "reader leaves"],
)
def test_signal_comes_or_the_reader_leaves_it_ends_without_a_word(tmp_path, end, follow):
    path = tmp_path / "log"
    path.write_text(f"{emf()}\n" * (1 if follow else 5_000), encoding="utf-8")
    with run(*MODULE, *(["--follow"] if follow else []), path) as started:
        assert started.stdout.readline().startswith("time ")
        assert "  200  " in started.stdout.readline()
        end(started)
        try:
            started.wait(20)
        finally:
            started.kill()
        assert started.stderr.read() == ""
        assert started.wait(20) == 0


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
    assert program.wants_colours() is wanted


@pytest.mark.parametrize(
    ("line", "colour"),
    [(emf(), 32), (REFUSED, 33), (FAILED, 31), (RECORD, 31), (TIMEOUT, 31), (COLD_REPORT, 36)],
)
def test_line_is_coloured_by_what_it_is(line, colour):
    assert f"  \033[{colour}m" in render(Sorter().sort(Entry(line, NOW)), colours=True)


HOSTILE = TEXTS | {
    "nested too deep": '{"a":' * 20_000,
    "nested": f'{{"level": "ERROR", "message": {"[" * 9_000}{"]" * 9_000}}}',
    "number that is too long": f'{{"status": {"9" * 5000}}}',
    "number that is no double": f'{{"_aws": {{}}, "status": {"9" * 400}}}',
    "year one": '{"level": "ERROR", "timestamp": "0001-01-01T00:00+14:00"}',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_line_is_hostile_it_is_shown_and_harmless(text):
    for line in (text, emf(label=text, route=text), record(message=text, places=[text])):
        render_safely(Sorter().sort(Entry(line)))


def test_raw_is_as_stored_but_harmless_on_a_terminal(show, monkeypatch):
    assert show(["a\x1b[2Jb"], "--raw") == "a\x1b[2Jb\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert show(["a\x1b[2Jb"], "--raw") == "a\\x1b[2Jb\n"


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.integers(10**308, 10**400), st.floats())
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(
    [
        *("_aws", "requestId", "route", "status", "label", "modelVersion", "cold_start", "level"),
        *("load_model.duration", "predict.duration", "prediction.confidence", "input.num_texts"),
        *("timestamp", "message", "error"),
    ]
)
DOCUMENTS = st.dictionaries(NAMES | st.text(), VALUES, max_size=12)
BEGINNINGS = st.sampled_from(
    ["", "{", "[ERROR] ", "REPORT RequestId: 1 Duration: ", "RESTORE_REPORT Restore Duration: "]
)


@given(
    st.lists(
        st.tuples(BEGINNINGS, st.text(st.characters())).map("".join) | DOCUMENTS.map(json.dumps),
        max_size=4,
    ),
    st.none() | st.floats() | st.integers(),
)
def test_line_is_anything_at_all_it_is_shown_and_harmless(lines, time_):
    sorter, summary = Sorter(), program.Summary()
    options = program.parse_arguments([*MODEL, "--version", "a"])
    for line in lines:
        sorted_ = sorter.sort(Entry(line, time_))
        program.is_wanted(sorted_, options)
        summary.add(sorted_)
        render_safely(sorted_)
    assert "request" in f"{summary}"


@given(DOCUMENTS, st.none() | st.integers())
def test_document_is_of_emf_is_exactly_one_line(document, time_):
    for extra in ({"_aws": {}}, {"requestId": 1, "route": 2, "status": 3}):
        sorted_ = Sorter().sort(Entry(json.dumps(document | extra), time_))
        assert sorted_.kind is Kind.REQUEST
        assert "\n" not in render_safely(sorted_)


def test_requests_are_shown_under_the_names_of_their_columns(show):
    header, *lines = show([COLD, emf(status=404, label=None, route="none")]).splitlines()
    assert header == render_header(colours=False)
    for name, found in (("status", "200"), ("route", "/predict"), ("label", "sci.space")):
        assert header.index(name) == lines[0].index(found)
    assert header.index("model") == lines[0].index("8f4c7743fc43")
    assert header.index("conf.") == lines[0].index("0.949")
    assert header.index("predict  ") + len("predict") == lines[0].index(" ms") + len(" ms")
    assert "status" not in lines[1]


def test_no_request_is_shown_or_lines_are_for_a_program_there_is_no_header(show):
    assert "status" not in show([RECORD, COLD_REPORT])
    assert show([COLD], "--raw") == f"{COLD}\n"


def test_request_is_refused_the_problem_is_named(show):
    lines = show([emf(status=422, problem="invalid"), emf(status=500, problem="internal"), COLD])
    _, refused, failed, fine = lines.splitlines()
    assert f"  invalid  request {UUID}" in refused
    assert f"  internal  request {UUID}" in failed
    assert "request" not in fine


def test_stage_cannot_be_read_the_log_of_this_machine_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert program.main([*MODEL]) == 1
    said = capsys.readouterr().err
    assert "You must specify a region" in said
    assert "serve.jsonl" not in said
    program.LOCAL.parent.mkdir()
    program.LOCAL.touch()
    assert program.main([*MODEL]) == 1
    assert "'make logs FILE=.local/serve.jsonl'" in capsys.readouterr().err
    assert program.main([*MODEL, "nowhere"]) == 1
    assert "on this machine" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"bulk.num_errors": 3}, ["50 rows", "12.50 ms", "8f4c7743fc43", "3 with an error"]),
        ({"bulk.num_rows": 1, "bulk.num_errors": 0}, ["1 row ", "bulk"]),
        ({"bulk.answered_before": 1}, ["answered before"]),
        ({"bulk.num_rows": "many", "bulk.num_errors": []}, ["bulk"]),
    ],
)
def test_object_of_bulk_is_a_line(values, shown):
    found = {"modelVersion": "8f4c7743fc43", "_aws": {}, "bulk.num_rows": 50} | values
    line = Sorter().sort(Entry(json.dumps(found | {"bulk.duration": 12.5}), NOW))
    text = render(line, colours=False)
    assert all(one in text for one in shown)


def test_logs_of_bulk_are_those_of_its_function(monkeypatch):
    outputs = BulkOutputs("", "", "", "", "/aws/lambda/bulk")
    monkeypatch.setattr(source, "read_bulk", lambda _: outputs)
    monkeypatch.setattr(source.Reader, "read", lambda self: [vars(self)])
    (found,) = source.read_deployment(Deployment("hobbies", "dev"), 0, follow=False, bulk=True)
    assert "/aws/lambda/bulk" in found.values()


def test_objects_are_counted_as_such():
    summary = program.Summary()
    for values in ({"bulk.num_rows": 2}, {"bulk.num_rows": 0}):
        summary.add(Sorter().sort(Entry(json.dumps(values | {"_aws": {}}), NOW)))
    assert str(summary) == "2 objects, 0 cold starts, 0 errors logged"

"""The cloud's bulk, on a local S3 and SQS: each object is answered once, by its content."""

import json
import logging
import os
import random
import re
import signal
import sys
import tempfile
import threading
import time
from base64 import b64decode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from sklearn.linear_model import LogisticRegression

from scoring.cloud import __main__ as process
from scoring.cloud import protection
from scoring.cloud.__main__ import ALIVE, Worker, read_hold
from scoring.cloud.answering import Answerer
from scoring.cloud.taking import Taker
from scoring.tests.cloud import Cloud, make_message
from scoring.tests.test_tables import write_table
from serving.app.errors import SettingsError
from serving.bulk import MessageError, Object, name_answer, read_objects
from serving.bundle.manifest import read_manifest
from serving.tests import sample
from serving.tests.hostile import TEXTS
from serving.tests.images import PICTURES, encode
from serving.tests.moto_server import serve_moto
from serving.tests.records import make_records
from serving.tests.sample import write_bundle

PRIVATE = "nobody-may-read-this"


@pytest.fixture
def cloud(monkeypatch):
    with serve_moto() as port:
        made = Cloud(port)
        for name, value in made.environ.items():
            monkeypatch.setenv(name, value)
        yield made
        made.end()


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """Another model of texts."""
    folder = tmp_path_factory.mktemp("other")
    write_bundle(folder, sample.fit(LogisticRegression(C=0.5)), "frozen")
    return folder


@pytest.fixture
def make_taker(monkeypatch):
    """What takes messages with the model of a folder."""

    def make(bundle):
        monkeypatch.setenv("QUICKTHAW_BUNDLE", str(bundle))
        return Taker()

    return make


def take_all(cloud, taker):
    """Take the messages that wait, as Lambda would have them: those that come back."""
    return [
        one["messageId"]
        for one in cloud.make_event()["Records"]
        if not taker.take(one["messageId"], one["body"])
    ]


def put_bad_rows(rows):
    return [one | {"rooms": 1.5} if place % 7 == 5 else one for place, one in enumerate(rows)]


@pytest.mark.parametrize("suffix", [".csv", ".JSONL", ".parquet"])
def test_table_is_answered_as_make_score_answers_its_file(  # noqa: PLR0913, PLR0917
    suffix, cloud, make_taker, rents, tmp_path, score, capsys
):
    name = f"in{suffix.lower()}"
    rows = [{"id": "0017"} | one for one in make_records(50)]
    write_table(tmp_path / name, rows)
    version = cloud.put(f"some/where{suffix}", (tmp_path / name).read_bytes())
    assert take_all(cloud, make_taker(rents)) == []
    score(rents, name, f"out{suffix.lower()}")
    key = f"{read_manifest(rents).version}/some/where{suffix}.{version}{suffix.lower()}"
    assert cloud.read() == {key: (tmp_path / f"out{suffix.lower()}").read_bytes()}
    (metrics,) = [one for one in map(read_json, capsys.readouterr().out.splitlines()) if one]
    assert metrics["bulk.num_rows"] == 50
    assert metrics["modelVersion"] == read_manifest(rents).version


def read_json(line):
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "_aws" in found else None


def test_picture_is_answered_by_a_line(cloud, make_taker, pictures, capsys):
    version = cloud.put("scans/7", b64decode(encode(PICTURES[0])))
    cloud.put("scans/broken.png", b"\x89PNG")
    assert take_all(cloud, make_taker(pictures)) == []
    answers = cloud.read()
    line = json.loads(answers[name_answer(read_manifest(pictures).version, "scans/7", version)])
    assert line["error"] is None
    assert set(line) == {"row", "label", "probability", "model", "error"}
    (other,) = [one for key, one in answers.items() if "broken" in key]
    assert json.loads(other)["label"] is None


def test_some_messages_cannot_be_answered_these_alone_come_back(
    cloud, rents, monkeypatch, capsys, tmp_path
):
    rows = put_bad_rows(make_records(20))
    cloud.put("good.jsonl", "".join(f"{json.dumps(one)}\n" for one in rows))
    cloud.put("poison.csv", f"{PRIVATE}\n1\n")
    cloud.put(f"{PRIVATE}.txt", b"\xff\xfe")
    cloud.put("no-table", b"1")
    event = cloud.make_event()
    event["Records"].append({"messageId": "junk", "receiptHandle": "none", "body": PRIVATE})
    monkeypatch.setenv("QUICKTHAW_BUNDLE", str(rents))
    monkeypatch.delitem(sys.modules, "scoring.cloud.handler", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (left := tmp_path / "quickthaw-bulk-left").mkdir()  # by an invocation that took too long
    from scoring.cloud import handler

    assert not left.exists()
    answer = handler.lambda_handler(event, None)
    by_id = {one["messageId"]: one["body"] for one in event["Records"]}
    failed = [one["itemIdentifier"] for one in answer["batchItemFailures"]]
    assert answer == {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}
    assert ["good.jsonl" in body for key, body in by_id.items() if key not in failed] == [True]
    ((key, body),) = cloud.read().items()
    assert "good.jsonl" in key
    errors = [json.loads(line)["error"] for line in body.splitlines()]
    assert [bool(one) for one in errors] == [place % 7 == 5 for place in range(20)]
    said = capsys.readouterr()
    assert PRIVATE not in said.out + said.err
    assert said.err.count('"an object was not answered"') == len(failed) == 4


def test_answer_is_there_the_object_is_not_read_again(cloud, make_taker, texts, capsys):
    version = cloud.put("a.jsonl", b'{"text": "hoist the sail"}\n')
    message = cloud.make_event()["Records"][0]["body"]
    taker = make_taker(texts)
    assert taker.take("1", message)
    before = cloud.read()
    cloud.s3.delete_object(Bucket="asked", Key="a.jsonl", VersionId=version)
    assert taker.take("2", message)
    assert cloud.read() == before
    seen = [
        read_json(line)["bulk.answered_before"]
        for line in capsys.readouterr().out.split("\n")
        if line
    ]
    assert seen == [0, 1]


def test_object_is_put_again_both_are_answered(cloud, make_taker, texts):
    for text in ("hoist the sail", "the puck"):
        cloud.put("a.jsonl", json.dumps({"text": text}))
    assert take_all(cloud, make_taker(texts)) == []
    assert len(cloud.read()) == 2


def test_two_models_answer_each_in_its_own_place(cloud, make_taker, texts, other):
    version = cloud.put("a.jsonl", b'{"text": "hoist the sail"}\n' * 3)
    message = cloud.make_event()["Records"][0]["body"]
    for bundle in (texts, other):
        assert make_taker(bundle).take("1", message)
    for key, body in cloud.read().items():
        model, _, rest = key.partition("/")
        assert rest == f"a.jsonl.{version}.jsonl"
        assert {json.loads(line)["model"] for line in body.splitlines()} == {model}
    assert len(cloud.read()) == 2


@pytest.mark.parametrize(
    "key",
    [
        "../../etc/passwd.jsonl",
        "/a/./b.jsonl",
        "a b+c%20d.jsonl",
        "ünï/☃.jsonl",
        "x" * 300 + ".jsonl",
    ],
)
def test_keys_are_any_text(key, cloud, texts, make_taker):
    version = cloud.put(key, b'{"text": "hoist the sail"}\n')
    message = cloud.make_event()["Records"][0]["body"]
    assert read_objects(message) == [Object("asked", key, version)]
    assert make_taker(texts).take("1", message)
    assert [*cloud.read()] == [name_answer(read_manifest(texts).version, key, version)]


@pytest.mark.parametrize(
    "body",
    [json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"}), make_message("a/b/")],
)
def test_message_is_about_no_object_it_goes(body):
    assert read_objects(body) == []


@pytest.mark.parametrize(
    "body",
    [
        *("", "[]", "null", "{}", '{"Records": 1}', '{"Records": [{}]}', "[" * 100_000),
        make_message(name="ObjectRemoved:Delete"),
        make_message(versionId=None),
        make_message().replace('"a.csv"', "5"),
        make_message().replace('"a.csv"', "null"),
        *TEXTS,
    ],
)
def test_message_is_none_of_a_new_object_it_is_refused_without_a_word_of_it(body):
    with pytest.raises(MessageError, match=r"^the (message is none|event is none|bucket keeps)"):
        read_objects(body)


@pytest.mark.parametrize("found", ["", "0", "1", "43201", "-5", "5.0", "٣٠", "9" * 30])
def test_hold_is_none_that_sqs_knows_is_refused(found):
    with pytest.raises(SettingsError, match="QUICKTHAW_BULK_HOLD"):
        read_hold({"QUICKTHAW_BULK_HOLD": found})


@pytest.mark.parametrize("name", ["QUICKTHAW_BULK_QUEUE", "QUICKTHAW_BULK_OUT"])
def test_setting_is_missing_the_worker_does_not_start(name, cloud, texts):
    cloud.environ[name] = ""
    worker = cloud.start(texts)
    said = cloud.wait(worker)
    assert worker.returncode == 1
    assert said.startswith(f"error: {name} must be")
    record = json.loads(said.splitlines()[-1])  # which an alarm counts
    assert (record["level"], record["message"]) == ("ERROR", "the worker does not start")


def test_s3_does_not_answer_the_message_comes_back(cloud, texts, make_taker, capsys):
    cloud.put("a.jsonl", b"{}")
    message = cloud.make_event()["Records"][0]["body"]
    taker = make_taker(texts)
    cloud.s3.delete_bucket(Bucket="answers")
    assert not taker.take("1", message)
    assert "an object was not answered" in capsys.readouterr().err


def test_object_was_deleted_meanwhile_its_message_is_at_fault(cloud, texts, make_taker, capsys):
    version = cloud.put("a.jsonl", b'{"text": "hoist the sail"}\n')
    cloud.s3.delete_object(Bucket="asked", Key="a.jsonl", VersionId=version)
    assert len(take_all(cloud, make_taker(texts))) == 1
    assert json.loads(capsys.readouterr().err)["error"] == "MessageError"


@pytest.mark.parametrize(
    ("code", "error"),
    [("NoSuchKey", MessageError), ("NoSuchVersion", MessageError), ("403", ClientError)],
)
def test_object_cannot_be_fetched_what_is_not_gone_is_a_fault(
    code, error, cloud, texts, monkeypatch
):
    answerer = Answerer(texts, "answers", cloud.s3)

    def refuse(*_, **__):
        raise ClientError({"Error": {"Code": code}}, "GetObject")

    monkeypatch.setattr(cloud.s3, "download_file", refuse)
    with pytest.raises(error):
        answerer.answer(Object("asked", "a.jsonl", "v"))


def wait(until, seconds=120):
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_worker_is_told_to_end_it_answers_what_it_has(cloud, texts):
    worker = cloud.start(texts)
    for place in range(30):
        cloud.put(f"{place}.jsonl", b'{"text": "hoist the sail"}\n' * 200)
    wait(lambda: len(cloud.read()) >= 3)
    worker.send_signal(signal.SIGTERM)
    said = cloud.wait(worker)
    assert worker.returncode == 0
    assert said.rstrip().endswith("stopped")
    answered = len(cloud.read())
    assert cloud.count(cloud.queue) == 30 - answered  # none is half done


def test_worker_is_killed_what_it_has_measured_is_in_the_log(cloud, texts):
    worker = cloud.start(texts)
    cloud.put("a.jsonl", b'{"text": "hoist the sail"}')
    wait(lambda: "bulk.num_rows" in cloud.read_log(worker))


def test_worker_waits_it_shows_that_it_lives(cloud, texts, tmp_path):
    cloud.environ["TMPDIR"] = str(tmp_path)
    cloud.start(texts)
    wait((tmp_path / ALIVE.name).exists)


def receive_visible(cloud):
    return [one["Body"] for one in cloud.receive()]


def test_work_moves_the_worker_keeps_its_message_and_shows_life(
    cloud, monkeypatch, tmp_path, capsys
):
    """However long it takes: hours are no reason to end it."""
    cloud.put("a.jsonl", b"{}")
    monkeypatch.setattr(process, "ALIVE", tmp_path / "alive")
    monkeypatch.setattr(process, "STILL_SECONDS", 1)
    seen = []

    def take(_, __, moved):
        for _ in range(12):  # thrice the hold, and far longer than work may stand still
            time.sleep(0.25)
            moved()
            seen.extend(receive_visible(cloud))
        return True

    worker = Worker(SimpleNamespace(take=take), cloud.queue, 1, cloud.sqs)
    (message,) = worker._receive()
    worker._take(message)
    assert not seen
    assert time.time() - (tmp_path / "alive").stat().st_mtime < 1
    assert cloud.count(cloud.queue) == 0
    assert not capsys.readouterr().err


def test_work_hangs_the_message_comes_back_and_the_worker_shows_no_life(
    cloud, monkeypatch, tmp_path, capsys
):
    cloud.put("a.jsonl", b"{}")
    monkeypatch.setattr(process, "ALIVE", tmp_path / "alive")
    monkeypatch.setattr(process, "STILL_SECONDS", 1)
    hangs = threading.Event()

    taker = SimpleNamespace(take=lambda *_: not hangs.wait(60))
    worker = Worker(taker, cloud.queue, 2, cloud.sqs)
    (message,) = worker._receive()
    working = threading.Thread(target=worker._take, args=(message,))
    working.start()
    try:
        wait(lambda: receive_visible(cloud) == [message["Body"]], 20)
        before = (tmp_path / "alive").stat().st_mtime
        time.sleep(1)  # more than a third of the hold
        assert (tmp_path / "alive").stat().st_mtime == before
    finally:
        hangs.set()
        working.join()
    (record,) = map(json.loads, capsys.readouterr().err.splitlines())
    assert record["message"] == "the work on an object stands still"


class Agent(BaseHTTPRequestHandler):
    """ECS's agent, as "Task scale-in protection endpoint", Amazon ECS Developer Guide, has it."""

    def do_PUT(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers["Content-Type"], asked))
        status, told = self.server.answer or (
            200,
            {"protection": {"ProtectionEnabled": asked["ProtectionEnabled"], "TaskArn": "arn"}},
        )
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def agent(monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), Agent) as server:
        server.asked, server.answer = [], None
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("ECS_AGENT_URI", f"http://127.0.0.1:{server.server_port}/api/0")
        yield server
        server.shutdown()


ON = {"ProtectionEnabled": True, "ExpiresInMinutes": 60}
OFF = {"ProtectionEnabled": False}


def take_for(seconds, cloud):
    """Have a worker with a hold of three seconds work on a message for so long."""
    cloud.put("a.jsonl", b"{}")
    taker = SimpleNamespace(take=lambda *_: not time.sleep(seconds))
    worker = Worker(taker, cloud.queue, 3, cloud.sqs)
    (message,) = worker._receive()
    worker._take(message)
    assert cloud.count(cloud.queue) == 0


def test_work_takes_long_its_task_is_protected_till_it_is_done(cloud, agent, capsys):
    take_for(2.5, cloud)
    path, kind = "/api/0/task-protection/v1/state", "application/json"
    assert agent.asked == [(path, kind, one) for one in (ON, ON, OFF)]
    assert not capsys.readouterr().err


def test_work_is_done_before_a_third_of_the_hold_nobody_is_asked(cloud, agent):
    take_for(0, cloud)
    assert not agent.asked


def test_work_hangs_its_task_may_be_stopped(cloud, agent, monkeypatch):
    monkeypatch.setattr(process, "STILL_SECONDS", 1.5)
    take_for(4.2, cloud)
    assert [one for _, _, one in agent.asked] == [ON, OFF]


def test_there_is_no_ecs_nothing_is_protected(monkeypatch):
    monkeypatch.delenv("ECS_AGENT_URI", raising=False)
    monkeypatch.setattr(protection, "_send", None)
    protection.Protection().ask()
    protection.Protection().release()


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"failure": {"Arn": "arn", "Reason": "DEPLOYMENT_BLOCKED", "Detail": PRIVATE}}),
        (200, {"protection": None}),
        (200, [PRIVATE]),
        (400, {"error": {"Code": "AccessDeniedException", "Message": PRIVATE}}),
        (302, {}),
    ],
)
def test_task_cannot_be_protected_it_is_logged_once_and_the_work_goes_on(
    answer, cloud, agent, capsys
):
    agent.answer = answer
    take_for(2.5, cloud)
    assert len(agent.asked) == 3
    said = capsys.readouterr().err
    (record,) = map(json.loads, said.splitlines())
    assert record["message"] == protection.FAILED
    assert PRIVATE not in said


@pytest.mark.parametrize(
    "address",
    [
        *("http://192.0.2.1/api", "http://example.com/api", "file:///etc/passwd", "x", "http://["),
        "http://127.0.0.1:1",
    ],
)
def test_agent_is_not_on_this_machine_or_does_not_answer_the_work_goes_on(
    address, monkeypatch, capsys
):
    monkeypatch.setenv("ECS_AGENT_URI", address)
    asked = protection.Protection()
    asked.ask()
    asked.release()
    assert capsys.readouterr().err.count(protection.FAILED) == 1


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_work_moves_with_what_is_read_each_chunk_and_what_is_written(
    suffix, cloud, make_taker, rents, tmp_path
):
    write_table(tmp_path / f"in{suffix}", [{"id": "0017"} | one for one in make_records(2_500)])
    cloud.put(f"a{suffix}", (tmp_path / f"in{suffix}").read_bytes())
    steps = []
    message = cloud.make_event()["Records"][0]["body"]
    assert make_taker(rents).take("1", message, lambda: steps.append(1))
    assert len(steps) >= 1 + 1 + 3 + 1  # read, looked through, three chunks, written


def test_worker_waits_and_is_told_to_end_it_does_at_once(cloud, texts):
    worker = cloud.start(texts)
    wait(lambda: "taking messages" in cloud.read_log(worker))
    time.sleep(1)
    worker.send_signal(signal.SIGTERM)
    worker.wait(timeout=10)
    assert worker.returncode == 0


def test_nothing_is_lost_whoever_is_killed(cloud, texts, other):
    """Workers of two models, killed at random; among the objects some that nobody can answer."""
    count = int(os.environ.get("MESSAGES", "120"))
    rng = random.Random(19)
    poison = {f"poison/{place}.csv" for place in range(count // 40)}
    asked = {
        f"good/{place}.jsonl": b'{"text": "the sail"}\n' * rng.randint(1, 50)
        for place in range(count)
    }
    for key in rng.sample([*asked, *poison], len(asked) + len(poison)):
        cloud.put(key, asked.get(key, b"a,b\n1,2\n"))
    workers, kills = [cloud.start(texts) for _ in range(2)], 0

    following = count - rng.randint(5, 20)  # so many are left when the next one is killed

    def is_done():
        nonlocal kills, following
        left = cloud.count(cloud.queue)
        if left < following:
            place = rng.randrange(2)
            workers[place].kill()
            workers[place].wait()
            # In the second half another model takes over.
            workers[place] = cloud.start(other if left < count / 2 else texts)
            kills += 1
            following = left - rng.randint(5, 20)
        return left == 0

    wait(is_done, 60 + count)
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
        cloud.wait(worker)
    assert kills
    dead = set()
    while found := cloud.receive(cloud.dead):
        for one in found:
            dead |= {named.key for named in read_objects(one["Body"])}
            cloud.sqs.delete_message(QueueUrl=cloud.dead, ReceiptHandle=one["ReceiptHandle"])
    answers = cloud.read()
    answered = {re.sub(r"\.[^.]+\.jsonl$", "", key.partition("/")[2]) for key in answers}
    told = (count, len(poison), kills, len(answers), len(dead))
    logging.getLogger(__name__).info("%d objects, %d poison, %d kills, %d answers, %d dead", *told)
    assert poison <= dead
    assert answered | dead == asked.keys() | poison
    assert not answered & poison
    for key, body in answers.items():
        model, _, rest = key.partition("/")
        lines = [json.loads(line) for line in body.splitlines()]
        assert {one["model"] for one in lines} == {model}
        assert len(lines) == asked[re.sub(r"\.[^.]+\.jsonl$", "", rest)].count(b"\n")


def test_paths_in_a_table_of_pictures_are_not_followed(cloud, make_taker, pictures):
    rows = [{"image": "/proc/self/./environ"}, {"image": encode(PICTURES[0])}]
    cloud.put("a.jsonl", "".join(f"{json.dumps(one)}\n" for one in rows))
    assert take_all(cloud, make_taker(pictures)) == []
    (body,) = cloud.read().values()
    first, second = map(json.loads, body.splitlines())
    assert first["error"] == "A picture by its path cannot be read here: send base64, or bytes."
    assert second["error"] is None


def test_queue_does_not_answer_the_worker_goes_on(cloud, texts):
    cloud.environ["QUICKTHAW_BULK_QUEUE"] += "-none"
    worker = cloud.start(texts)
    wait(lambda: "the queue does not answer" in cloud.read_log(worker))
    worker.send_signal(signal.SIGTERM)
    assert cloud.wait(worker).rstrip().endswith("stopped")
    assert worker.returncode == 0

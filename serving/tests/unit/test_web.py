"""The web process, run as a platform runs it: its own processes, a port, signals."""

import asyncio
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from serving.app.errors import SettingsError
from serving.hosts import upload
from serving.hosts.proxy import GatewayError
from serving.hosts.web import app
from serving.hosts.web.app import Web
from serving.hosts.web.settings import read_trust, read_workers
from serving.tests.sample import proxy_event
from serving.tests.web_process import BODIES, ROOT, write_bundles

IDS = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # of a request, in a problem
POST = ("POST", "/predict", json.dumps(BODIES["text"]), {"Content-Type": "application/json"})


@pytest.fixture(scope="module")
def folders(tmp_path_factory, pipeline):
    return write_bundles(tmp_path_factory.mktemp("bundles"), pipeline)


@pytest.mark.parametrize("kind", BODIES)
def test_it_answers_the_bytes_of_the_handler(kind, folders, start_process, start_service):
    process = start_process(folders[kind], WEB_CONCURRENCY="1")
    status, body = process.ask("POST", "/predict", json.dumps(BODIES[kind]), POST[3])
    expected = start_service(folders[kind]).send(proxy_event(body=BODIES[kind]))
    assert (status, body.decode()) == (200, expected.text)
    assert process.stop()[:2] == (
        f"serving on 127.0.0.1, port {process.port}, with 1 workers\nstopped\n",
        0,
    )


@pytest.mark.parametrize(
    ("number", "group"),
    [
        (signal.SIGTERM, False),
        (signal.SIGTERM, True),  # a platform's, to all processes
        (signal.SIGINT, True),
        (signal.SIGHUP, True),
    ],
)
def test_it_is_stopped_under_load_each_request_that_was_sent_is_answered(
    number, group, folders, start_process
):
    process = start_process(folders["text"], WEB_CONCURRENCY="2")
    lost, counts = [], []

    def load(*, keeps):
        client, count = process.connect(), 0
        while True:
            try:
                if client.sock is None:
                    client.connect()
            except OSError:
                break  # it listens no more: the client knows that nothing was sent
            try:
                client.request(*POST)
                answer = client.getresponse()
                assert answer.status == 200
                assert json.loads(answer.read())["label"]
                count += 1
            except (OSError, http.client.HTTPException, AssertionError) as error:
                lost.append(error)
                break
            if not keeps:
                client.close()
        client.close()
        counts.append(count)

    clients = [threading.Thread(target=load, kwargs={"keeps": one % 2 == 0}) for one in range(8)]
    for one in clients:
        one.start()
    time.sleep(1)
    _, status, seconds = process.stop(number, group=group)
    for one in clients:
        one.join()
    assert not lost
    assert (status, seconds < 10) == (0, True)
    assert min(counts) > 0
    answered = [one for one in process.documents() if one["route"] == "/predict"]
    assert len(answered) == sum(counts)


def test_workers_are_killed_no_line_is_lost_and_others_take_their_place(folders, start_process):
    process = start_process(folders["text"], WEB_CONCURRENCY="2")
    before = process.workers()
    assert len(before) == 2
    answered = sum(process.ask(*POST)[0] == 200 for _ in range(50))
    for one in before:
        os.kill(one, signal.SIGKILL)
    assert len([one for one in process.documents() if one["route"] == "/predict"]) == answered == 50
    until = time.monotonic() + 30
    while len(set(process.workers()) - set(before)) < 2:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert process.ask(*POST)[0] == 200
    assert process.stop()[1] == 0


def test_what_cannot_start_says_why_and_is_not_started_again_and_again(folders):
    for environ, said in (
        ({"WEB_CONCURRENCY": "many"}, "error: WEB_CONCURRENCY must be a number from 1 to 64\n"),
        ({"QUICKTHAW_TRUST_PROXY": "yes"}, "error: QUICKTHAW_TRUST_PROXY must be true or false\n"),
        ({"AWS_EMF_NAMESPACE": "AWS/x"}, "error: AWS_EMF_NAMESPACE must be"),
        ({"PORT": "x"}, "error: port 'x' is not a number from 0 to 65535: make web PORT=8000\n"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "serving.hosts.web", "--host", "127.0.0.1"],
            cwd=ROOT,
            env={**os.environ, "QUICKTHAW_BUNDLE": str(folders["text"]), "PORT": "0"} | environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 1
        assert done.stderr.startswith(said)
        assert "Traceback" not in done.stderr


def test_no_model_is_there_it_starts_and_says_so(tmp_path, start_process):
    process = start_process(tmp_path, WEB_CONCURRENCY="1")
    status, body = process.ask(*POST)
    assert (status, json.loads(body)["type"]) == (503, "urn:quickthaw:problem:model-not-servable")
    assert process.stop()[1] == 0


def test_who_started_the_workers_is_killed_they_end(folders, start_process):
    process = start_process(folders["text"], WEB_CONCURRENCY="2")
    workers = process.workers()
    process.process.kill()
    process.process.wait()
    until = time.monotonic() + 20
    while any(Path(f"/proc/{one}").exists() for one in workers):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_worker_does_not_end_it_is_killed(tmp_path):
    script = tmp_path / "stuck.py"
    script.write_text(
        "import os, signal, time\n"
        "from serving.hosts.web import supervisor\n"
        "supervisor.STOP_SECONDS = 0.3\n"
        "def work():\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "    os.write(1, b'ready\\n')\n"  # whole, beside another worker's
        "    time.sleep(60)\n"
        "supervisor.Supervisor(2, work, lambda: None).run()\n"
    )
    with subprocess.Popen(
        [sys.executable, script],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert [process.stdout.readline() for _ in range(2)] == ["ready\n"] * 2
            process.terminate()
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()
    assert said == "2 workers did not end in 0.3 s: killed\n"
    assert process.returncode == 0


# In this process: what needs a handler of its own.


def ask(web, method="GET", url="/", **options):
    async def send():
        transport = httpx.ASGITransport(web)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, url, **options)

    return asyncio.run(send())


@contextmanager
def handling(number, handler):
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def test_an_answer_takes_too_long_it_is_a_504_and_the_worker_ends(monkeypatch):
    monkeypatch.setattr(app, "ANSWER_SECONDS", 0.2)
    told = []

    def hang(_event, _context):
        with suppress(Exception):
            while True:
                time.sleep(0.01)

    with (
        handling(signal.SIGALRM, app.end_overdue),
        handling(signal.SIGTERM, lambda *_: told.append(1)),
    ):
        answer = ask(Web(hang))
        assert (answer.status_code, answer.json()) == (
            504,
            {"message": "Endpoint request timed out"},
        )
        time.sleep(0.3)  # no alarm is left
    assert told == [1]
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.mark.parametrize(
    ("trust", "sent", "path"),
    [
        (True, "/models/topics", "/models/topics/docs"),
        (True, "/models/", "/models/docs"),
        (True, "//evil.example", "/docs"),
        (True, '/a"><script>', "/docs"),
        (True, "models", "/docs"),
        (True, None, "/docs"),
        (False, "/models/topics", "/docs"),
    ],
)
def test_a_prefix_is_a_trusted_proxys_to_name(trust, sent, path):
    events = []

    def answer(event, _context):
        events.append(event)
        return {"statusCode": 200, "body": "{}"}

    headers = {} if sent is None else {"X-Forwarded-Prefix": sent}
    assert ask(Web(answer, trust=trust), url="/docs", headers=headers).status_code == 200
    assert events[0]["path"] == "/docs"
    assert events[0]["requestContext"]["path"] == path


def test_a_proxy_took_a_prefix_off_and_ended_https_the_docs_page_asks_under_it(
    folders, start_process
):
    process = start_process(folders["text"], WEB_CONCURRENCY="1", QUICKTHAW_TRUST_PROXY="true")
    headers = {"X-Forwarded-Prefix": "/models/topics", "X-Forwarded-Proto": "https"}
    _, described = process.ask("GET", "/openapi.json", None, headers)
    assert json.loads(described)["servers"] == [{"url": "/models/topics"}]
    _, page = process.ask("GET", "/docs", None, headers)
    # Of scheme and host it says nothing: a browser asks where it has the page from.
    assert b"/models/topics" in page
    assert f":{process.port}".encode() not in page
    process.stop()


def test_a_proxy_says_which_scheme_and_host_it_has_nothing_is_answered_otherwise(
    folders, start_process
):
    process = start_process(folders["text"], WEB_CONCURRENCY="1", QUICKTHAW_TRUST_PROXY="true")
    told = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "models.example.org",
        "Forwarded": "proto=https;host=models.example.org",
    }
    for path in ("/", "/docs", "/openapi.json", "/model", "/labels", "/health", "/predict", "/x"):
        plain, behind = process.ask("GET", path), process.ask("GET", path, None, told)
        assert (behind[0], IDS.sub(b"", behind[1])) == (plain[0], IDS.sub(b"", plain[1]))
    process.stop()


def test_bodies_that_come_in_hold_so_much_together_and_give_it_back():
    room = upload.Room(100)

    def receive_of(*chunks):
        messages = [{"body": one, "more_body": True} for one in chunks]
        messages = [{"type": "http.request"} | one for one in [*messages, {"body": b""}]]

        async def receive():
            return messages.pop(0)

        return receive

    async def read(*chunks):
        return await upload.Upload(
            [(b"transfer-encoding", b"chunked")], receive_of(*chunks), room
        ).read()

    assert asyncio.run(read(b"a" * 60, b"b" * 40)) == b"a" * 60 + b"b" * 40
    with pytest.raises(GatewayError, match="Service Unavailable"):
        asyncio.run(read(b"a" * 60, b"b" * 41))
    assert asyncio.run(read(b"c" * 100)) == b"c" * 100


@pytest.mark.parametrize("found", ["0", "65", "-1", "1.5", "²", "9" * 5000])
def test_a_number_of_workers_is_refused(found):
    with pytest.raises(SettingsError, match="WEB_CONCURRENCY"):
        read_workers({"WEB_CONCURRENCY": found})


def test_settings_have_defaults():
    assert read_workers({}) == min(os.process_cpu_count(), 64)
    assert read_workers({"WEB_CONCURRENCY": ""}) == read_workers({})
    assert not read_trust({})
    assert read_trust({"QUICKTHAW_TRUST_PROXY": "TRUE"})

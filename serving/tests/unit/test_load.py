"""`make load`: what it sends, to whom, and what it says of the answers; against real servers."""

import asyncio
import io
import json
import sys
import threading
import xml.etree.ElementTree as ET
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load import __main__ as load
from bench.load import generator, memory, mix, results
from bench.load.generator import Outcome, send_busily, send_steadily
from bench.load.mix import Mixer, MixError, Request, read_weights
from bench.load.target import TargetError, find_address, find_server
from serving.bundle.manifest import read_manifest
from serving.deployment.stack import StackError
from serving.tests.images import write_images
from serving.tests.records import write_classification, write_regression

ASKED = Request("health", "GET", "health", b"")
ALL_ROUTES = dict.fromkeys(mix.ROUTES, 1.0)
LEAKING = (sys.executable, "-m", "serving.tests.leaking", "--port", "0")


@contextmanager
def listen(answer):
    """A server of this process: a coroutine says the status of each request, by its number."""
    seen = []

    async def serve(reader, writer):
        while head := await reader.readline():
            while (await reader.readline()).strip():
                pass
            seen.append(head)
            status = await answer(len(seen))
            writer.write(b"HTTP/1.1 %d X\r\ncontent-length: 2\r\n\r\n{}" % status)
        writer.close()

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield find_server(str(server.sockets[0].getsockname()[1]), "hobbies")
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        server.abort_clients()
        loop.run_until_complete(server.wait_closed())
        loop.close()


@pytest.fixture(scope="module")
def service(bundle):
    """The real server, on the small model."""
    with memory.serve(bundle, memory.SERVER) as (_, target):
        yield target


@pytest.fixture
def run(bundle, tmp_path, monkeypatch):
    """Run the program: its exit status."""
    (tmp_path / "bundles").mkdir()
    (tmp_path / "bundles/hobbies").symlink_to(bundle)
    monkeypatch.setattr(load, "BUNDLES", tmp_path / "bundles")
    monkeypatch.setattr(load, "OUT", tmp_path / "out")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["load", "hobbies", *arguments])
        return load.main()

    return run


# When requests are sent


def test_service_stands_still_requests_are_sent_all_the_same():
    everybody = asyncio.Event()

    async def answer(number):
        if number == 50:
            everybody.set()
        await everybody.wait()
        return 200

    with listen(answer) as target:
        found = send_steadily(target, [ASKED] * 50, 1000)
    assert [one.error for one in found] == [""] * 50
    assert found[0].took >= found[-1].due  # the first had to wait until the last was sent


def test_no_connection_is_free_the_wait_counts(monkeypatch):
    monkeypatch.setattr(generator, "CONNECTIONS", 1)

    async def answer(_):
        await asyncio.sleep(0.02)
        return 200

    with listen(answer) as target:
        found = send_steadily(target, [ASKED] * 10, 1000)
    assert found[-1].due + found[-1].took >= 10 * 0.02


def test_requests_are_due_at_a_constant_rate():
    async def answer(_):
        return 200

    with listen(answer) as target:
        found = send_steadily(target, [ASKED] * 20, 200)
    assert [one.due for one in found] == pytest.approx([number / 200 for number in range(20)])
    assert all(one.late >= 0 and one.took >= one.late for one in found)


def test_answers_are_errors_each_is_counted_by_its_status(monkeypatch):
    monkeypatch.setattr(generator, "SECONDS", 0.5)

    async def answer(number):
        if number == 9:
            await asyncio.Event().wait()
        return {3: 503, 5: 503, 7: 429}.get(number, 200)

    with listen(answer) as target:
        step = results.summarize(100, send_steadily(target, [ASKED] * 9, 100))
        assert step.errors == {"503": 2, "429": 1, "no answer in time": 1}
        assert send_busily(target, [ASKED] * 3, 2) == {}
    with pytest.raises(TargetError, match="nothing listens"):
        generator.ask(target, "model")
    assert send_busily(target, [ASKED] * 3, 2) == {"no connection": 3}


# What is said of them


def test_failed_requests_are_slower_than_any():
    good = [Outcome("predict", 0, 0, 0.001 * number, "") for number in range(1, 99)]
    step = results.summarize(10, [*good, *[Outcome("top", 9, 0, 0.0001, "503")] * 2])
    assert step.percentiles == {50: pytest.approx(50), 90: pytest.approx(90), 99: None}
    assert step.slowest == pytest.approx(98)
    assert step.errors == {"503": 2}
    assert step.routes == {"predict": pytest.approx(49)}
    assert step.answered_per_second == pytest.approx(9.8)
    assert not step.is_over
    assert "failed" in results.tabulate([step])[1]


def test_answers_take_longer_than_the_requests_the_rate_is_that_of_answers():
    step = results.summarize(10, [Outcome("predict", one / 10, 0, 2, "") for one in range(10)])
    assert step.answered_per_second == pytest.approx(10 / 2.9)
    assert step.is_over


def test_generator_is_late_that_is_said():
    step = results.summarize(10, [Outcome("predict", 0, 0.5, 0.6, "")] * 10)
    assert "500 ms late" in results.explain(step)[0]


@given(st.lists(st.floats(0, 10), min_size=1), st.integers(1, 100))
def test_percentile_is_a_value_that_so_many_are_not_above(values, share):
    found = results.find_percentile(sorted(values), share)
    assert found in values
    assert sum(one <= found for one in values) >= len(values) * share / 100
    assert sum(one < found for one in values) < len(values) * share / 100


# What is sent


@pytest.mark.slow
@pytest.mark.parametrize("write", [write_classification, write_regression, write_images, None])
def test_every_route_of_every_kind_of_model_is_answered(write, bundle, tmp_path):
    folder = tmp_path if write else bundle
    if write:
        write(tmp_path)
    manifest = read_manifest(folder)
    weights = {name: 1.0 for name in mix.ROUTES if mix.has_route(name, manifest.task)}
    requests = [Mixer(manifest, {name: 1.0}).make(name) for name in weights]
    with memory.serve(folder, memory.SERVER) as (_, target):
        found = send_steadily(target, requests, 50)
    assert [(one.route, one.error) for one in found] == [(name, "") for name in weights]


def test_routes_are_drawn_by_their_weights_and_the_same_again(bundle):
    manifest = read_manifest(bundle)
    drawn = Mixer(manifest, {"predict": 9.0, "health": 1.0}).draw(2000)
    names = [one.route for one in drawn]
    assert 1700 < names.count("predict") < 1900
    assert Mixer(manifest, {"predict": 9.0, "health": 1.0}).draw(2000) == drawn
    assert len({one.body for one in drawn}) > 150  # texts of their own


def test_batches_have_inputs_of_their_own(bundle):
    body = json.loads(Mixer(read_manifest(bundle), ALL_ROUTES).make("batch").body)
    assert len(set(body["texts"])) == mix.BATCH


@pytest.mark.parametrize(
    ("text", "task", "said"),
    [
        ("nope", "classification", "no route 'nope'"),
        ("predict:0", "classification", "no route and weight"),
        ("predict:x", "classification", "no route and weight"),
        ("predict,", "classification", "no route ''"),
        ("top", "regression", "a regression has no route top"),
    ],
)
def test_routes_are_none_it_is_said(text, task, said):
    with pytest.raises(MixError, match=said):
        read_weights(text, task)


def test_routes_are_named_with_and_without_weights():
    assert read_weights("predict:9, batch", "regression") == {"predict": 9, "batch": 1}
    assert "top" in read_weights("", "classification")
    assert "top" not in read_weights("", "regression")


# The program


def test_service_is_loaded_figures_and_picture_are_written(service, run, tmp_path, capsys):
    port = service.address.rpartition(":")[2].strip("/")
    assert run("--port", port, "--rate", "20,40", "--seconds", "1") == 0
    found = json.loads((tmp_path / "out/hobbies.json").read_text())
    assert [(one["rate"], one["sent"], one["errors"]) for one in found["steps"]] == [
        (20, 20, {}),
        (40, 40, {}),
    ]
    picture = ET.parse(tmp_path / "out/hobbies.svg").getroot()  # noqa: S314 - our own
    texts = " ".join(picture.itertext())
    assert all(part in texts for part in ("p50", "p99", "asked", "answered", found["version"]))
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 3
    assert "hobbies.svg" in said.err


def test_service_does_not_keep_up_higher_rates_are_left_out(run, monkeypatch, capsys):
    def stall(_, requests, rate):
        return [Outcome("predict", number / rate, 0, 9, "") for number in range(len(requests))]

    monkeypatch.setattr(load, "send_steadily", stall)
    monkeypatch.setattr(load, "check_target", lambda *_: None)
    assert run("--rate", "40") == 0
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 2
    assert "does not keep up" in said.err


def test_nothing_listens_it_is_said_what_to_run(run, capsys):
    assert run("--port", "9") == 1
    said = capsys.readouterr().err
    assert "nothing listens at http://127.0.0.1:9/" in said
    assert "make serve MODEL=hobbies PORT=9" in said


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((503, b"{}"), "answers 503"),
        ((200, b"<html>"), "no Quickthaw"),
        ((200, b"[]"), "no Quickthaw"),
        ((200, b'{"name": "topics", "version": "1"}'), "say MODEL=topics"),
    ],
)
def test_another_program_listens_nothing_is_sent(run, monkeypatch, capsys, answer, said):
    monkeypatch.setattr(load, "ask", lambda *_: answer)
    monkeypatch.setattr(load, "send_steadily", lambda *_: pytest.fail("it was sent"))
    assert run() == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("url", ["http://192.0.2.1", "http://localhost.example.org:8000/dev"])
def test_target_is_another_machine_nothing_is_sent_unless_somebody_agrees(
    run, monkeypatch, capsys, url
):
    monkeypatch.setattr(load, "ask", lambda *_: pytest.fail("it was asked"))
    monkeypatch.setattr(sys, "stdin", io.StringIO())  # no terminal
    assert run("--url", url, "--rate", "10,20", "--seconds", "10") == 1
    said = capsys.readouterr().err
    assert f"300 requests to {url}/, up to 20 a second" in said
    assert "YES=1" in said


def test_somebody_has_agreed_it_is_not_asked(monkeypatch):
    target = find_address("http://192.0.2.1")._replace(limit=(10, 20))
    options = type("Options", (), {"seconds": 1.0, "yes": True})
    load.allow(target, [1.0], options)
    options.yes = False
    monkeypatch.setattr(sys, "stdin", io.StringIO())  # no terminal
    with pytest.raises(StackError):
        load.allow(target, [1.0], options)


@pytest.mark.parametrize(
    ("url", "is_here"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://127.8.9.1/x", True),
        ("http://[::1]:8000/", True),
        ("http://localhost:4566/dev/", True),
        ("http://127.0.0.1.example.org", False),
        ("http://0.0.0.0:8000", False),
        ("http://10.0.0.1", False),
        ("https://abc.execute-api.eu-central-1.amazonaws.com/dev/", False),
    ],
)
def test_only_loopback_is_here(url, is_here):
    assert find_address(url).is_here == is_here


@pytest.mark.parametrize(
    "url", ["", "localhost:8000", "ftp://a", "http://", "http://a b", "http://a/?q"]
)
def test_address_is_none_it_is_said(url):
    with pytest.raises(TargetError, match="no address"):
        find_address(url)


@pytest.mark.parametrize("port", ["0", "65536", "x", ""])
def test_port_is_none_it_is_said(port):
    with pytest.raises(TargetError, match="port"):
        find_server(port, "hobbies")


def test_one_rate_is_risen_to_and_several_are_put_in_order():
    assert load.read_rates("100", 1) == [25, 50, 75, 100]
    assert load.read_rates("30,10,20,10", 1) == [10, 20, 30]


@pytest.mark.parametrize("text", ["", "x", "1,,2", "0", "-1,5", "nan,1", "inf", "1e9"])
def test_rates_are_none_it_is_said(text):
    with pytest.raises(TargetError):
        load.read_rates(text, 10)


# Memory


def test_memory_grew_it_is_said(run, monkeypatch, capsys):
    monkeypatch.setattr(
        memory, "measure", lambda *_: memory.Memory(30_000_000, [31_000_000, 36_000_000], {})
    )
    assert run("--memory") == 1
    assert "+6.0 MB" in capsys.readouterr().out


def test_server_does_not_start_it_is_said_why(tmp_path):
    command = (sys.executable, "-c", "raise SystemExit('no port')")
    with pytest.raises(TargetError, match="no port"), memory.serve(tmp_path, command):
        pass


@pytest.mark.slow
def test_service_answers_thousands_its_memory_stays_flat(bundle):
    found = memory.measure(bundle, Mixer(read_manifest(bundle), mix.WEIGHTS), 6_000)
    assert not found.errors
    assert found.gained < 2_000_000


@pytest.mark.slow
def test_handler_keeps_something_of_each_request_its_memory_is_not_flat(bundle):
    found = memory.measure(bundle, Mixer(read_manifest(bundle), mix.WEIGHTS), 2_000, LEAKING)
    assert not found.errors
    assert found.gained > 10_000_000  # 1,800 times ten kilobytes


def test_resident_memory_is_that_of_a_process():
    with pytest.raises(TargetError, match="ended"):
        memory.read_resident(2**30)
    assert memory.read_resident(Path("/proc/self").readlink().name) > 1_000_000

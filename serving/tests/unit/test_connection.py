import http.client
import json
import re
import socket
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
import uvicorn

from serving.hosts import connection, serve, upload
from serving.hosts.gateway import Gateway

TURN = b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"
CHUNKED = b"POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"


def answer(event, _context):
    return {"statusCode": 200, "body": f"{event['httpMethod']} {event['path']} {event['body']}"}


def answer_much(_event, _context):
    return {"statusCode": 200, "body": "a" * 6_000_000}


@contextmanager
def serving(handler=answer):
    """The server as `make serve` configures it, in a thread; gives the server and its address."""
    with serve.listen("127.0.0.1", "0") as listener:
        server = uvicorn.Server(serve.configure(Gateway(handler)))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield server, listener.getsockname()
        finally:
            server.should_exit = True
            thread.join()


def speak(address, *parts, close=False):
    """Send, and read until the server closes: all that it said."""
    with socket.create_connection(address, timeout=10) as client:
        for part in parts:
            client.sendall(part)
        if close:
            client.shutdown(socket.SHUT_WR)
        return read_all(client)


def read_all(client):
    found = b""
    while received := client.recv(65536):
        found += received
    return found


def take_turn(client):
    client.sendall(TURN)
    said = b""
    while not said.endswith(b"POST /a abc"):
        said += client.recv(65536)


def check_problem(said, status):
    """The last answer is a problem document, and the connection's end."""
    head, _, body = said.rpartition(b"\r\n\r\n")
    assert f"HTTP/1.1 {status} ".encode() in head
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    problem = json.loads(body)
    assert (problem["type"], problem["status"]) == ("about:blank", status)
    assert problem.keys() == {"type", "title", "status", "detail"}


# Clients that close their half


@pytest.mark.parametrize("times", [1, 3])
def test_client_that_closed_its_half_gets_every_answer(times):
    with serving() as (_, address):
        said = speak(address, TURN * times, close=True)
    assert said.count(b"HTTP/1.1 200 OK") == times
    assert said.endswith(b"POST /a abc")


@pytest.mark.parametrize(
    "cut", [TURN[:-1], TURN[:-9], CHUNKED, CHUNKED + b"3\r\nab", TURN + TURN[:-1], TURN + TURN[:9]]
)
def test_request_that_is_cut_off_is_answered(cut):
    with serving() as (_, address):
        said = speak(address, cut, close=True)
    assert said.count(b" 200 OK") == cut.count(TURN)
    check_problem(said, 400)


def test_connection_that_says_nothing_is_closed_without_an_answer(monkeypatch):
    monkeypatch.setattr(connection, "HEADERS_SECONDS", 0.1)
    with serving() as (_, address):
        assert speak(address, close=True) == b""
        assert speak(address) == b""


# What is no HTTP


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01 secret\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: x\r\nsecret y: 1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: secret\r\n\r\n", 400),
        (CHUNKED + b"secret\r\n", 400),
        (CHUNKED.replace(b"chunked", b"gzip"), 501),
        (b"GET / HTTP/1.1\r\nhost: x\r\nsecret: " + b"a" * 9_000_000, 431),
        (TURN + b"secret\r\n\r\n", 400),
    ],
)
def test_what_is_no_http_is_a_problem_that_can_be_read(sent, status, capsys):
    with serving() as (_, address):
        said = speak(address, sent, close=False)
    check_problem(said, status)
    assert b"secret" not in said
    log = capsys.readouterr().err
    assert re.search(rf"  {status if b'chunked' not in sent else 400}  ", log)
    assert "secret" not in log
    assert "Traceback" not in log


def test_nonsense_after_the_answer_is_no_error_of_ours(capsys, monkeypatch):
    monkeypatch.setattr(upload, "REQUEST_BYTES", 3)
    with serving() as (_, address), socket.create_connection(address, timeout=10) as client:
        client.sendall(CHUNKED + b"4\r\nabcd\r\n")
        assert client.recv(12) == b"HTTP/1.1 413"
        client.sendall(b"secret\r\n")
        client.shutdown(socket.SHUT_WR)
        assert b"HTTP/1.1" not in read_all(client)
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c"])
def test_upgrade_is_answered_as_the_plain_request_that_it_is_too(protocol, capsys):
    upgrade = b"GET /a HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: " + protocol
    with serving() as (_, address):
        said = speak(address, upgrade + b"\r\n\r\n", close=True)
    assert said.startswith(b"HTTP/1.1 200 OK")
    (line,) = capsys.readouterr().err.splitlines()
    assert "GET /a" in line


# Bodies over the limit


@pytest.mark.parametrize("headers", [{}, {"connection": "close"}])
@pytest.mark.parametrize("chunked", [False, True])
def test_client_that_sends_all_before_it_reads_gets_the_413(chunked, headers):
    body = b"a" * 3 * upload.REQUEST_BYTES
    with serving() as (_, address):
        client = http.client.HTTPConnection(*address, timeout=10)
        client.request("POST", "/", iter([body]) if chunked else body, headers)
        response = client.getresponse()
        assert (response.status, response.getheader("connection")) == (413, "close")
        assert b"10485760 bytes" in response.read()
        client.close()


def test_urllib_reads_a_refusal_of_any_kind():
    with serving() as (_, (host, port)):
        many = {"x": "a" * 20_000}
        request = urllib.request.Request(f"http://{host}:{port}", b"a" * 9_000_000, many)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with pytest.raises(urllib.error.HTTPError) as error:
            opener.open(request, timeout=10)
        assert error.value.code == 431
        error.value.close()


def test_client_that_waits_to_be_asked_for_its_body_is_refused_without():
    head = b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 99999999\r\n\r\n"
    with serving() as (_, address):
        said = speak(address, head, close=True)
    assert said.startswith(b"HTTP/1.1 413 ")


# Clients that stall


@pytest.mark.parametrize("turns", [0, 1])
def test_headers_that_do_not_end_are_given_up(turns, monkeypatch):
    monkeypatch.setattr(connection, "HEADERS_SECONDS", 0.3)
    with serving() as (_, address), socket.create_connection(address, timeout=10) as client:
        for _ in range(turns):
            take_turn(client)
        started = time.monotonic()
        for letter in b"GET / HTTP/1.1\r\nhost: x\r\n":  # each of them in time
            client.sendall(bytes([letter]))
            time.sleep(0.005)
        said = read_all(client)
    assert time.monotonic() - started < 2
    check_problem(said, 408)


def test_body_that_stalls_is_given_up(monkeypatch):
    monkeypatch.setattr(upload, "UPLOAD_SECONDS", 0.2)
    with serving() as (_, address):
        said = speak(address, TURN[:-1])
    assert said.startswith(b"HTTP/1.1 408 Request Timeout")
    assert said.endswith(b'{"message": "Request Timeout"}')


@pytest.mark.parametrize("header", [b"", b"connection: close\r\n"])
def test_answer_that_nobody_reads_is_given_up(header, monkeypatch):
    monkeypatch.setattr(serve, "KEEP_ALIVE_SECONDS", 0.2)
    with serving(answer_much) as (server, address), socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(address)
        client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n" + header + b"\r\n")
        wait_until(lambda: server.server_state.total_requests or not header)
        wait_until(lambda: not server.server_state.connections)


def wait_until(condition):
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_connection_too_many_is_refused_and_the_others_go_on(monkeypatch):
    monkeypatch.setattr(connection, "MAX_CONNECTIONS", 2)
    with serving() as (_, address), socket.create_connection(address, timeout=10) as first:
        take_turn(first)
        with socket.create_connection(address, timeout=10) as second:
            take_turn(second)
            check_problem(speak(address, TURN), 503)
            take_turn(first)

"""What `make bench STOPS=1` counts."""

import sys
import time
from pathlib import Path

import pytest

from bench import stops
from bench.inputs import ask
from bench.web import Server
from serving.tests.console import find_port
from serving.tests.sample import fit, write_bundle

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="/proc is Linux's")
# Answers two of three requests, and writes the line of every second one that it has answered.
CARELESS = """
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

class Handler(BaseHTTPRequestHandler):
    numbers = count()
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        number = next(self.numbers)
        if number % 3 == 0 and number:
            return
        if number % 2:
            print(json.dumps({"requestId": str(number)}), flush=True)
        self.send_response(200)
        self.send_header("X-Request-Id", str(number))
        self.end_headers()
        self.wfile.write(b'{"label": "a"}')
    def log_message(self, *_): pass

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(stops, "LOADED", 0.5)


def test_requests_and_lines_are_lost_that_is_counted(tmp_path):
    port = find_port()
    server = Server("careless", [sys.executable, "-c", CARELESS, f"{port}"], tmp_path, {})
    found = stops.run_once(stops.stop, server, port, ask({"text": "a"}), 2)
    assert found.sent == found.answered + found.lost
    assert 0.4 < found.lost / found.answered < 0.6
    assert 0.4 < found.missing / found.answered < 0.6


# Answers each request until it closes its port, and then goes on: as if no worker took another's
# place.
CLOSES = CARELESS.replace("if number % 3 == 0 and number:", "if False:").replace(
    """ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()""",
    """import subprocess, threading, time
server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
threading.Thread(target=server.serve_forever).start()
time.sleep(1)
server.shutdown()
server.server_close()
time.sleep(60)
""",
)


def test_process_goes_on_and_lets_nobody_in_each_client_has_lost_a_request(tmp_path):
    port = find_port()
    server = Server("closes", [sys.executable, "-c", CLOSES, f"{port}"], tmp_path, {})
    found = stops.run_once(lambda _: time.sleep(2), server, port, ask({"text": "a"}), 4)
    assert found.sent == found.answered + found.lost
    assert found.lost >= 4


def test_web_process_loses_nothing_by_a_stop_and_no_line_by_a_kill(tmp_path):
    write_bundle(tmp_path, fit(), "frozen")
    found = stops.measure(tmp_path, find_port(), times=1, workers=2, clients=4)
    stopped, one, all_ = found["ways"].values()
    assert stopped["lost"] == 0
    assert stopped["seconds"][0] < 10
    assert one["lost"] <= 4 < one["answered"]
    assert all_["answered"] > 4
    assert [way["missing"] for way in (stopped, one, all_)] == [0, 0, 0]
    head, _, *rows = stops.to_table(found).splitlines()
    assert {line.count("|") for line in (head, *rows)} == {8}
    assert rows[0].startswith(f"| Stopped (SIGTERM) | 1 | {stopped['sent']:,} |")

"""What `make bench WEB=1` makes of wrk's words and of processes."""

import os
import subprocess
import sys

import pytest

from bench import web
from bench.inputs import ask
from training.console import StepError

SAID = """Running 5s test @ http://127.0.0.1:18431/predict
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     7.31ms    2.11ms  44.40ms   85.02%
    Req/Sec     2.20k   210.10     2.51k    72.00%
  Latency Distribution
     50%  597.00us
     75%    8.04ms
     90%    9.56ms
     99%    1.01s\x20
  10961 requests in 5.00s, 3.65MB read
Requests/sec:   2191.14
Transfer/sec:    747.15KB
"""


def test_what_wrk_says_is_read_in_milliseconds():
    assert web.read_load(SAID, 5.0) == (2191.14, 0.597, 1010.0, 5000 / 10961)


def test_rounds_are_summed_up_by_their_medians():
    loads = [web.Load(rate, 1, 2, 3) for rate in (10, 30, 20)]
    rounds = {"memory": [5, 7, 6], **{str(one): loads for one in web.CONNECTIONS}}
    found = web.sum_up(rounds)
    assert found["memory"] == 6
    assert found["16"] == {"rate": 20, "p50": 1, "p99": 2, "cpu": 3}
    table = web.to_table({"servers": {"ours": found}}).splitlines()
    assert table[2] == "| ours | 20 | 20 | 20 | 1 / 2 | 1 / 2 | 1 / 2 | 3.00 | 6 |"
    assert {line.count("|") for line in table} == {10}


def test_a_process_is_counted_with_all_that_it_has_started():
    child = "print(1, flush=True); input()"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        process.stdout.readline()
        found = web.list_processes(process.pid)
        assert len(found) == 2
        assert set(found) < set(web.list_processes(os.getpid()))
        assert web.read_memory(process.pid) > web.read_memory(found[1]) > 0
        assert web.read_cpu(process.pid) >= 0
        process.communicate(b"\n")


def test_wrks_script_holds_the_body_or_it_is_said(tmp_path):
    path = web.write_script(tmp_path / "a.lua", ask({"text": 'a "b" \\ c'}))
    assert 'wrk.body = "{\\"text\\": \\"a \\\\\\"b\\\\\\" \\\\\\\\ c\\"}"\n' in path.read_text()
    with pytest.raises(StepError, match="not ASCII"):
        web.write_script(tmp_path / "b.lua", ask({"text": "é"}))

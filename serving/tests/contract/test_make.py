"""A signal to make ends what a target runs."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

STUB = """#!/bin/sh
case "$*" in *--check*|*ensure_model*|*' image') exit 0;; esac
echo $$ > "$0.pid.new" && mv "$0.pid.new" "$0.pid"
exec sleep 30
"""


@pytest.mark.parametrize(
    "target",
    [
        *("serve", "train", "train DASK=tcp://host:1", "judge BASE=main", "bench", "test"),
        *("fuzz MUTANTS=1", "logs FOLLOW=1", "smoke", "rollback", "prune KEEP=1", "cloud-local"),
    ],
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_make_is_ended_ends_what_it_runs(target, number, tmp_path):
    for name in ("python", "pytest"):
        (tmp_path / name).write_text(STUB)
        (tmp_path / name).chmod(0o755)
    ready = [f"-o.venv/{name}.ok" for name in ("serve", "deploy", "dev", "dask", "cdk")]
    command = ["make", *ready, f"BIN={tmp_path}", *target.split()]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, process_group=0) as make:
        pid = read_pid(tmp_path)
        # A terminal signals all of its foreground group; kill and process managers make alone.
        os.kill(make.pid if number == signal.SIGTERM else -make.pid, number)
        assert make.wait(10)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def read_pid(folder):
    until = time.monotonic() + 10
    while not (found := list(folder.glob("*.pid"))):
        assert time.monotonic() < until
        time.sleep(0.02)
    return int(found[0].read_text())


@pytest.mark.parametrize("typed", ["nope", "%", "../topics", "$(shell touch hit)"])
def test_model_is_not_here_nothing_runs_and_those_that_are_here_are_listed(typed):
    done = make_dry("serve", f"MODEL={typed}")
    assert done.returncode == 2
    assert f"there is no model {typed}: MODEL= one of " in done.stderr
    assert not done.stdout
    assert not (ROOT / "hit").exists()


def test_shell_has_a_variable_of_that_name_it_is_somebody_elses():
    assert make_dry("serve", env={"MODEL": "nope"}).stdout == make_dry("serve").stdout


def make_dry(*arguments, env=None):
    return subprocess.run(
        ["make", "--dry-run", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )

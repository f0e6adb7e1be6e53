"""A signal to make ends what a target runs."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from training.paths import list_models

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
        *(
            "each DO=train",
            "fuzz MUTANTS=1",
            "load",
            "load STAGE=dev",
            "logs FOLLOW=1",
            "score IN=a.csv OUT=b.csv",
            "smoke",
            "rollback",
            "prune KEEP=1",
            "cloud-local",
        ),
    ],
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_make_is_ended_ends_what_it_runs(target, number, tmp_path):
    for name in ("python", "pytest"):
        (tmp_path / name).write_text(STUB)
        (tmp_path / name).chmod(0o755)
    ready = [f"-o.venv/{name}.ok" for name in ("serve", "deploy", "dev", "dask", "cdk", "load")]
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


@pytest.mark.parametrize("typed", ["nope", "topics %", "../topics", "$(shell touch hit)"])
def test_one_of_several_models_is_not_here_nothing_runs(typed):
    done = make("each", "DO=models", f"MODELS={typed}")
    assert done.returncode == 2
    assert "there is no model " in done.stderr
    assert not done.stdout
    assert not (ROOT / "hit").exists()


@pytest.mark.skipif(len(list_models()) < 2, reason="this repository has one model")
def test_one_of_several_models_fails_it_is_said_which_and_the_others_go_on(tmp_path):
    first, second = list_models()[:2]
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "$@"\ncase "$*" in *" {first} "*) exit 3;; esac\n')
    python.chmod(0o755)
    done = make("each", "DO=judge", "BASE=a b", f"MODELS={first} {second}", f"BIN={tmp_path}")
    assert done.returncode == 2
    assert done.stdout.splitlines()[-4:] == [
        f"== make judge MODEL={first}",
        f"-m training.judging {first} --base=a b",
        f"== make judge MODEL={second}",
        f"-m training.judging {second} --base=a b",
    ]
    assert f"each@{first}] Error" in done.stderr
    assert f"each@{second}]" not in done.stderr


def test_no_models_are_named_each_is_all(tmp_path):
    (tmp_path / "python").symlink_to("/bin/echo")
    names = sorted(path.parent.name for path in ROOT.glob("training/models/*/model.py"))
    said = make("each", "DO=push", f"BIN={tmp_path}").stdout.splitlines()
    assert said[1::2] == [f"-m training.remote push {name}" for name in names]


def test_shell_has_a_variable_of_that_name_it_is_somebody_elses():
    assert make_dry("serve", env={"MODEL": "nope"}).stdout == make_dry("serve").stdout


@pytest.mark.parametrize(
    ("typed", "exported", "found"),
    [
        ((), {}, False),
        ((), {"STAGE": "prod"}, False),  # of a shell, for other work
        (("STAGE=prod",), {}, True),
        (("STAGE=$(shell touch hit)",), {}, True),
    ],
)
def test_load_goes_to_a_stage_only_where_that_was_typed(typed, exported, found):
    said = make_dry("load", "-o.venv/load.ok", "-o.venv/deploy.ok", *typed, env=exported).stdout
    assert ("--stage" in said) == found
    assert "-m bench.load" in said
    assert not (ROOT / "hit").exists()


@pytest.mark.parametrize(
    ("typed", "exported", "found"),
    [
        (("LOCAL=1",), {}, "1"),
        ((), {"MAKEFLAGS": "LOCAL=1"}, "1"),  # as a make hands it to another
        ((), {}, ""),
        (("LOCAL=0",), {}, ""),
        ((), {"QUICKTHAW_LOCAL": "1", "LOCAL": "1"}, ""),  # of a shell, for other work
    ],
)
def test_program_knows_whether_local_was_typed(typed, exported, found, tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("training/models/topics/model.py", ".local/cloud/env"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    (tmp_path / "python").write_text('#!/bin/sh\necho "local: $QUICKTHAW_LOCAL"\n')
    (tmp_path / "python").chmod(0o755)
    given = ("-C", str(tmp_path), "-o.venv/deploy.ok", f"BIN={tmp_path}", *typed)
    said = make("smoke", *given, env=exported).stdout.splitlines()
    assert f"local: {found}" in said


def make_dry(*arguments, env=None):
    return make("--dry-run", *arguments, env=env)


def make(*arguments, env=None):
    return subprocess.run(
        ["make", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )

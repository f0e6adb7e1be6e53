"""DVC as it is run here: patient with its lock, without hints, and its errors in its own words."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from training import changed, ensure_model, remote, run_dvc
from training.console import StepError
from training.judging import committed
from training.tests.conftest import commit_all
from training.tests.sample import PATHS

pytestmark = pytest.mark.slow  # DVC takes seconds to start

HINTS = ("dvc push", "autostage", "git add", "troubles", "dvc.org")
PIPELINE = """
stages:
  fetch: {cmd: cp in.txt out.txt, deps: [in.txt], outs: [out.txt]}
  bundle: {cmd: cp out.txt end.txt, deps: [out.txt], outs: [end.txt]}
"""


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository of DVC's with two short stages, the last of which is `bundle`."""
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()))
    monkeypatch.chdir(tmp_path)
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "test")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "test@example.org")
    for name in ("system", "global"):
        monkeypatch.setenv(f"DVC_{name.upper()}_CONFIG_DIR", str(tmp_path / name))
    subprocess.run(["git", "init", "-q"], check=True)
    for folder in (".dvc/tmp", ".dvc/cache"):
        Path(folder).mkdir(parents=True)
    Path(".dvc/config").write_text("[core]\n    analytics = false\n    check_update = false\n")
    Path(".dvc/.gitignore").write_text("*\n")
    Path("dvc.yaml").write_text(PIPELINE)
    Path("in.txt").write_text("1")
    commit_all("start")


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(run_dvc, "PATIENCE", 0)


@pytest.fixture
def lock(repository):
    """Hold DVC's lock, as another command does."""
    with Path(".dvc/tmp/lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def run_main(*arguments):
    """Run a command with little patience, and give what it prints."""
    program = "from training import run_dvc; run_dvc.PATIENCE = 0; run_dvc.main()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )


def test_stages_run_they_are_named_and_no_hint_is_given(repository):
    done = run_dvc.dvc("repro", "bundle", capture=True)
    assert done.returncode == 0, done.stderr
    assert "Running stage 'fetch'" in done.stdout
    assert "Running stage 'bundle'" in done.stdout
    assert not [one for one in HINTS if one in done.stdout + done.stderr]
    assert changed.list_stale("bundle") == []


def test_stage_fails_dvc_says_which_without_a_hint(repository):
    Path("dvc.yaml").write_text(PIPELINE.replace("cp out.txt", "false"))
    done = run_dvc.dvc("repro", "bundle", capture=True)
    assert done.returncode == run_dvc.FAILED
    assert "failed to reproduce 'bundle': failed to run: false" in done.stderr
    assert not [one for one in HINTS if one in done.stdout + done.stderr]


def test_error_is_none_that_dvc_expects_it_is_passed_on_without_a_hint(repository):
    Path("dvc.lock").mkdir()
    done = run_dvc.dvc("repro", "bundle", capture=True)
    assert done.returncode == run_dvc.FAILED
    assert "ERROR: " in done.stderr
    assert not [one for one in HINTS if one in done.stderr]


def test_lock_is_released_in_time_it_goes_on(lock, monkeypatch):
    # DVC's own pauses, too.
    monkeypatch.setattr(time, "sleep", lambda _: fcntl.flock(lock, fcntl.LOCK_UN))
    assert changed.list_stale("bundle") == ["fetch"]


def test_lock_is_released_after_dvc_has_given_up_it_goes_on(capfd, monkeypatch):
    from dvc.exceptions import DvcException
    from dvc.lock import LockError

    monkeypatch.setattr(run_dvc, "POLL_SECONDS", 0)
    answers = [LockError("is busy:\n  (PID 7): repro train\n\nadvice"), LockError("again"), "done"]

    def work():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise DvcException("failed to reproduce 'a'") from answer
        return answer

    assert run_dvc.wait_for_lock(work) == "done"
    said = capfd.readouterr().err
    assert said.count("waiting for DVC's lock") == 1
    assert "(PID 7): repro train" in said
    assert "advice" not in said


def test_lock_stays_held_it_fails_by_the_locks_name(lock, impatient):
    with pytest.raises(StepError, match=r"another command has held DVC's lock \(\.dvc/tmp\)"):
        changed.list_stale("bundle")
    done = run_main("repro", "bundle")
    assert done.returncode == run_dvc.LOCKED
    assert "another command has held DVC's lock (.dvc/tmp) for 0 s" in done.stderr


def test_stage_is_being_run_by_another_command_its_process_is_named(repository, impatient):
    holder = {"pid": os.getpid(), "cmd": "repro train"}
    path = str(Path("out.txt").resolve())
    Path(".dvc/tmp/rwlock").write_text(json.dumps({"write": {path: holder}, "read": {}}))
    with pytest.raises(StepError, match=r"another command has held DVC's lock") as caught:
        changed.list_stale("bundle")
    assert f"(PID {os.getpid()}): repro train" in str(caught.value)
    assert "manually" not in str(caught.value)


def test_lock_stays_held_no_caller_takes_it_for_something_else(repository, monkeypatch):
    said = "waiting for DVC's lock, …\nERROR: another command has held DVC's lock"
    held = subprocess.CompletedProcess([], run_dvc.LOCKED, "", said)
    monkeypatch.setattr(run_dvc.subprocess, "run", lambda *_, **__: held)
    for act in (lambda: ensure_model.train(PATHS), remote.verified_remote):
        with pytest.raises(
            StepError, match=r"^DVC did not run: another command has held DVC's lock"
        ):
            act()


def test_input_is_not_here_the_stage_that_needs_it_is_named(repository):
    run_dvc.dvc("repro", "bundle", capture=True)
    for name in ("out.txt", "end.txt"):
        Path(name).unlink()
    assert changed.list_stale("bundle") == []
    Path("dvc.yaml").write_text(PIPELINE.replace("cp out.txt", "cp -f out.txt"))
    assert changed.list_stale("bundle") == ["bundle"]


def test_models_are_of_other_code_each_is_named_with_what_makes_it(monkeypatch):
    stale = {"bundle@a": [], "bundle@b": ["train@b", "bundle@b"], "bundle@c": ["bundle@c"]}
    monkeypatch.setattr(changed, "list_models", lambda: ["a", "b", "c"])
    monkeypatch.setattr(changed, "list_stale", stale.get)
    with pytest.raises(StepError) as caught:
        changed.main()
    assert str(caught.value).splitlines()[1:3] == [
        "  b: train@b, bundle@b would run again: 'make train MODEL=b'",
        "  c: bundle@c would run again: 'make train MODEL=c'",
    ]
    del stale["bundle@b"], stale["bundle@c"]
    monkeypatch.setattr(changed, "list_models", lambda: ["a"])
    changed.main()


@pytest.mark.parametrize("name", ["dvc.yaml", "dvc.lock", ".dvc/config"])
def test_file_of_dvc_is_broken_it_is_no_changed_model(repository, name):
    Path(name).write_text("[broken: {")
    with pytest.raises(StepError, match="DVC cannot tell whether the model is of this code: "):
        changed.list_stale("bundle")


def test_settings_cannot_be_read_there_is_not_no_remote(repository):
    Path(".dvc/config").write_text("[broken: {")
    with pytest.raises(StepError, match=r"DVC cannot read its settings: .*config file error"):
        remote.verified_remote()


def test_checkout_is_of_another_user_gits_own_words_are_passed_on(repository, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    for ask in (
        committed.read_manifest_of,
        lambda rev, paths: committed.was_before(rev, "0", paths),
    ):
        with pytest.raises(StepError, match="dubious ownership") as caught:
            ask("HEAD", PATHS)
        assert "safe.directory" in str(caught.value)
        assert "no commit" not in str(caught.value)


def test_terminated_ends_the_steps_that_it_has_started(repository):
    Path("dvc.yaml").write_text(
        "stages: {bundle: {cmd: echo $$ > pid; sleep 600 & wait, outs: [end]}}"
    )
    process = subprocess.Popen([sys.executable, "-m", "training.run_dvc", "repro", "bundle"])
    try:
        wait_until(lambda: Path("pid").exists() and Path("pid").read_text())
        step = psutil.Process(int(Path("pid").read_text()))
        started = [step, *step.children(recursive=True)]
        process.terminate()
        assert process.wait(30) == 128 + signal.SIGTERM
        _, left = psutil.wait_procs(started, timeout=30)
        assert not left
    finally:
        process.kill()
    changed.list_stale("bundle")  # which would wait for a lock that was left behind


def wait_until(happened):
    until = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.05)

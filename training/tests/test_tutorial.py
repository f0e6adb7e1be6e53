"""The tutorial's commands, run as they stand, say what it shows: from a table to an API."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import urllib.request

import pytest

from serving.tests.tracked import ROOT, copy_tracked
from training.tests.conftest import commit_all

pytestmark = pytest.mark.slow
TUTORIAL = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
# What differs by machine, or is only cut short: the number of a version, figures.
VARIES = re.compile(r"\b[0-9a-f]{12}\b|\d[\d,.]*(e[+-]\d+)?")


def list_steps():
    """The commands of the console blocks, each with the lines that are shown of its output."""
    blocks = re.findall(r"```console\n(.*?)```", TUTORIAL, re.DOTALL)
    for command in "\n".join(blocks).split("\n$ "):
        head, *shown = command.removeprefix("$ ").splitlines()
        if head.count('"') % 2:  # the command goes on up to the quote's end
            end = next(place for place, line in enumerate(shown) if line.endswith('"'))
            head, shown = "\n".join([head, *shown[: end + 1]]), shown[end + 1 :]
        yield head, [line for line in shown if line.strip() and line != "..."]


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A clone, with this one's tools."""
    copy_tracked(tmp_path)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / ".git/info").mkdir(parents=True)
    (tmp_path / ".git/info/exclude").write_text(".venv\n")  # a link, which .gitignore does not mean
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MAKEFLAGS", raising=False)
    for name in ("GIT_AUTHOR", "GIT_COMMITTER"):
        monkeypatch.setenv(f"{name}_NAME", "test")
        monkeypatch.setenv(f"{name}_EMAIL", "test@example.org")
    subprocess.run(["git", "init", "-q", "-b", "main"], check=True)
    commit_all("start")
    return tmp_path


def start(command):
    return subprocess.Popen(
        ["bash", "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def serve(command):
    """Serve until it answers, and end it: what it said, and the answer that its own line asks."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = start(f"{command} PORT={port}")
    lines = []
    try:
        while not lines or not lines[-1].startswith("Serving on"):
            line = process.stdout.readline()
            assert line, "".join(lines)
            lines.append(line.replace(str(port), "8000"))
        while "curl" not in (line := process.stdout.readline()):
            assert line
        parts = shlex.split(line)
        body = parts[parts.index("-d") + 1]
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/predict", body.encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
            return lines, json.load(answer)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)


def test_commands_run_as_they_stand_and_say_what_is_shown(tree):
    steps = dict(list_steps())
    assert steps.pop("make serve") == []  # of the models that are here: the README's own test
    for command, shown in steps.items():
        if command.startswith("make serve"):
            lines, answer = serve(command)
            expected = json.loads(re.search(r"```json\n(.*?)\n```", TUTORIAL)[1])
            assert answer.keys() == expected.keys()
            assert (answer["label"], answer["model"]["name"]) == (expected["label"], "wine")
        else:
            process = start(command)
            said, _ = process.communicate(timeout=300)
            assert process.returncode == 0, said
            lines = said.splitlines(keepends=True)
        found = iter([VARIES.sub("N", line.rstrip()) for line in lines])
        for line in shown:  # in this order, with others between
            assert VARIES.sub("N", line.rstrip()) in found, (line, "".join(lines))
    assert subprocess.check_output(["git", "status", "--porcelain"], text=True) == "?? wine.csv\n"

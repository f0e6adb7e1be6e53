"""Runs the commands that documents show, and holds what they say against what is shown."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import threading
import urllib.request
from contextlib import contextmanager, suppress

from serving.tests.tracked import ROOT, copy_tracked

# What differs by machine and run: versions, figures, the widths of columns.
PATIENCE = 300  # seconds for a command
VARIES = re.compile(r"\b[0-9a-f]{12}\b|\d[\d,.:]*(e[+-]\d+)?|#+")


def list_steps(text):
    """The commands of the console blocks, each with the lines that are shown of its output."""
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    for command in "\n".join(blocks).split("\n$ "):
        if not command:
            continue
        head, *shown = command.removeprefix("$ ").splitlines()
        if head.count('"') % 2:  # the command goes on up to the quote's end
            end = next(place for place, line in enumerate(shown) if line.endswith('"'))
            head, shown = "\n".join([head, *shown[: end + 1]]), shown[end + 1 :]
        yield head, [line for line in shown if line.strip() and line != "..."]


def make_tree(folder, patch):
    """A clone in a folder, which becomes the current one, with this tree's tools."""
    copy_tracked(folder)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    (folder / ".git/info").mkdir(parents=True)
    (folder / ".git/info/exclude").write_text(".venv\n")  # a link, which .gitignore does not mean
    patch.chdir(folder)
    patch.delenv("MAKEFLAGS", raising=False)
    for name in ("GIT_AUTHOR", "GIT_COMMITTER"):
        patch.setenv(f"{name}_NAME", "test")
        patch.setenv(f"{name}_EMAIL", "test@example.org")
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run(["git", *command], check=True)
    return folder


def find_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def start(command):
    return subprocess.Popen(
        ["bash", "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def kill(process):
    """Kill a command and what it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def bounded(command):
    """A command that is killed, with what it has started, after PATIENCE seconds or a failure."""
    process = start(command)
    timer = threading.Timer(PATIENCE, kill, [process])
    timer.start()
    try:
        yield process
    except BaseException:
        kill(process)
        raise
    finally:
        timer.cancel()
        process.wait()
        process.stdout.close()


@contextmanager
def running(command, last):
    """A command that does not end by itself, once it has said a line that starts so.

    Yields:
        The process, and the lines that it has said.
    """
    with bounded(command) as process:
        lines = []
        while not lines or not re.match(last, lines[-1]):
            line = process.stdout.readline()
            assert line, "".join(lines)
            lines.append(line)
        yield process, lines
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)


@contextmanager
def serving(command):
    """`make serve`, once it answers: its port, and what it said up to the line with `curl`."""
    port = find_port()
    with running(f"{command} PORT={port}", "Serving on") as (process, lines):
        while "curl" not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], "".join(lines)
        yield port, [line.replace(str(port), "8000") for line in lines]


def ask_as_shown(port, line):
    """What the service answers to the `curl` line that it prints."""
    parts = shlex.split(line)
    body = parts[parts.index("-d") + 1]
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/predict", body.encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def run(command):
    """The lines that a command says, which has to succeed."""
    with bounded(command) as process:
        said, _ = process.communicate()
    assert process.returncode == 0, said
    return said.splitlines(keepends=True)


def check_shown(shown, said):
    """Hold the lines that a page shows against those that were said: in order, others between.

    Lines that differ in figures alone are one: a slow machine says fewer of them.

    Raises:
        AssertionError: One was not said.
    """
    found = iter([simplify(line) for line in said])
    before = None
    for line in shown:
        if simplify(line) != before:
            before = simplify(line)
            assert before in found, (line, "".join(said))


def simplify(line):
    return " ".join(VARIES.sub("N", line).split())

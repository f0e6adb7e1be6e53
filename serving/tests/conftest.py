"""Fixtures: a small real model in a bundle of its own, and the service on top of it."""

import json
import os
import signal

import pytest

from serving.tests.sample import Client, fit, write_bundle


@pytest.fixture(scope="session")
def pipeline():
    return fit()


@pytest.fixture(scope="session")
def bundle(tmp_path_factory, pipeline):
    folder = tmp_path_factory.mktemp("bundle")
    write_bundle(folder, pipeline)
    return folder


@pytest.fixture
def logged(capsys):
    """What was logged since the test began, or since it last asked for its output."""
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.fixture
def start_service(monkeypatch, capsys):
    """Start the handler anew, as a cold start does, on the bundle in a folder."""

    def start(folder, **environment):
        monkeypatch.setenv("QUICKTHAW_BUNDLE", str(folder))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        from serving.app import handler

        monkeypatch.setattr(handler, "_service", handler.Service())
        return Client(handler, capsys)

    return start


@pytest.fixture
def client(start_service, bundle):
    return start_service(bundle)


@pytest.fixture
def start_process(tmp_path):
    """Start the web process, or another host, on the bundle in a folder."""
    from serving.tests.web_process import Process  # pictures and tables: not every test's

    started = []

    def start(folder, **options):
        started.append(Process(folder, tmp_path / f"{len(started)}.jsonl", **options))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            os.killpg(one.process.pid, signal.SIGKILL)
            one.process.wait()
        one.process.stderr.close()

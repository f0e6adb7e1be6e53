"""Fixtures: a small real model in a bundle of its own, and the service on top of it."""

import io
import json

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
def logged(monkeypatch):
    """What is logged; the logger has kept the standard error of the test that made it."""
    from serving.app import log

    written = io.StringIO()
    monkeypatch.setattr(log._logger().registered_handler, "stream", written)
    return lambda: [json.loads(line) for line in written.getvalue().splitlines()]


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

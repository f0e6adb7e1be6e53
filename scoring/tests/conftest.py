"""Fixtures: models of each kind, frozen and not, a handler of the same, and a scorer of files."""

import pytest

from scoring.__main__ import main
from scoring.tests.models import BUNDLES
from serving.tests.conftest import start_service

__all__ = ["start_service"]


@pytest.fixture(scope="session", params=[*BUNDLES])
def bundle(request, tmp_path_factory):
    """A model's folder, of each kind, task and engine."""
    return write(request.param, tmp_path_factory)


@pytest.fixture(scope="session")
def texts(tmp_path_factory):
    return write("text", tmp_path_factory)


@pytest.fixture(scope="session")
def rents(tmp_path_factory):
    return write("record", tmp_path_factory)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    return write("image", tmp_path_factory)


def write(name, tmp_path_factory):
    folder = tmp_path_factory.mktemp(name)
    BUNDLES[name](folder)
    return folder


@pytest.fixture
def score(tmp_path):
    """Score a file in this process: the exit status."""

    def run(folder, source, out, **options):
        given = [f"--{name}={value}" for name, value in options.items()]
        flags = [one for one in given if not one.endswith("=True")]
        flags += [f"--{name}" for name, value in options.items() if value is True]
        places = [f"--bundle={folder}", f"--in={tmp_path / source}", f"--out={tmp_path / out}"]
        return main([*places, "--processes=0", *flags])

    return run

"""The errors of which a start imports a few only."""

import subprocess
import sys

import pytest

import serving.app.error_kinds
import serving.app.errors
import serving.bundle.error_kinds
import serving.bundle.errors
from tools.runtime_api import ROOT

PAIRS = [
    (serving.app.errors, serving.app.error_kinds),
    (serving.bundle.errors, serving.bundle.error_kinds),
]


@pytest.mark.parametrize(("errors", "kinds"), PAIRS)
def test_errors_are_asked_of_one_module_wherever_they_are(errors, kinds):
    found = {name: getattr(errors, name) for name in errors.__all__}
    assert all(issubclass(one, Exception) for one in found.values())
    ours = {name for name, one in vars(kinds).items() if isinstance(one, type)}
    assert ours <= found.keys()
    assert {one.__module__ for one in found.values()} == {errors.__name__, kinds.__name__}


@pytest.mark.parametrize(("errors", "kinds"), PAIRS)
def test_error_that_there_is_not_is_an_attribute_error(errors, kinds):
    for name in ("Nothing", "_nothing", "__path__"):
        assert not hasattr(errors, name)


def test_errors_alone_import_no_kinds_until_they_are_asked_for_one():
    code = """
import sys
from serving.app.errors import RequestError
from serving.bundle.errors import ModelError
assert not any("error_kinds" in name for name in sys.modules)
from serving.app.errors import Invalid
from serving.bundle.errors import BundleDamaged
assert issubclass(Invalid, RequestError)
assert issubclass(BundleDamaged, ModelError)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)

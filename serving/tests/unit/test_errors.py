"""The errors, of which a start imports none."""

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
    found = {name: getattr(errors, name) for name in errors.__all__ if not name.isupper()}
    assert all(issubclass(one, Exception) for one in found.values())
    ours = {name for name, one in vars(kinds).items() if isinstance(one, type)}
    assert ours <= found.keys()
    assert {one.__module__ for one in found.values()} == {kinds.__name__}


def test_internal_error_is_what_is_answered_where_no_class_can_be_loaded():
    error = serving.app.errors.InternalError()
    assert error.problem() == serving.app.errors.INTERNAL
    assert error.kind == serving.app.errors.INTERNAL_KIND


@pytest.mark.parametrize(("errors", "kinds"), PAIRS)
def test_error_that_there_is_not_is_an_attribute_error(errors, kinds):
    for name in ("Nothing", "_nothing", "__path__"):
        assert not hasattr(errors, name)


def test_errors_alone_import_no_kinds_until_they_are_asked_for_one():
    code = """
import sys
from serving.app import errors
from serving.bundle import errors
assert not any("error_kinds" in name for name in sys.modules)
from serving.app.errors import InternalError, Invalid, RequestError, ServiceError
from serving.bundle.errors import BundleDamaged, ModelError
assert issubclass(InternalError, ServiceError)
assert issubclass(RequestError, ServiceError)
assert issubclass(Invalid, RequestError)
assert issubclass(BundleDamaged, ModelError)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)

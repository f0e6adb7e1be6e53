"""A model's features.py: what of it the service could not import is found before the training."""

import pytest

from training.console import StepError
from training.model_code import LOCKS, check_own_code, list_others
from training.tests.sample import PATHS

GOOD = """
import re
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin


class Shorten(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return [text[:40] for text in X]
"""


@pytest.fixture
def features(workspace):
    return PATHS.home / "features.py"


@pytest.mark.parametrize(
    ("text", "kind"),
    [('"""Nothing."""', "text"), (GOOD, "text"), (f"import pandas\n{GOOD}", "record")],
)
def test_code_needs_what_the_image_has_nothing_is_said(features, text, kind):
    features.write_text(text)
    check_own_code(PATHS, kind)


@pytest.mark.parametrize(
    ("wanted", "missing"),
    [
        ("import pandas", "pandas"),
        ("import pytest", "pytest"),
        ("import dvc.api", "dvc"),
        ("from training.console import say", "training.console"),
        ("from training.models.sample import model", "model"),
        ("from serving.app.limits import Bounds", "serving"),
        ("from .model import MODEL", "training.models.sample.model"),
        ("from sklearn.base import Nothing", "Nothing"),
        ("import nowhere", "nowhere"),
        ("1 / 0", "division"),
        ("def (", "syntax"),
    ],
)
def test_code_needs_what_the_image_lacks_the_import_and_the_file_are_named(
    features, wanted, missing
):
    features.write_text(f"import re\n{wanted}\n")
    says = rf"models/sample/features\.py cannot be imported .*{missing}.*requirements/sklearn\.txt"
    with pytest.raises(StepError, match=says):
        check_own_code(PATHS, "text")


def test_code_is_not_there_it_is_said_what_to_write(features):
    features.unlink()
    with pytest.raises(StepError, match=r"features\.py is missing: write .* docstring"):
        check_own_code(PATHS, "text")


def test_others_are_the_modules_that_the_lock_lacks():
    found = set(list_others(LOCKS["text"]))
    assert found >= {"dvc", "pandas", "pytest", "uvicorn", *list_others(LOCKS["record"])}
    assert not {"numpy", "sklearn", "joblib", "pydantic"} & found
    assert "pandas" not in list_others(LOCKS["record"])

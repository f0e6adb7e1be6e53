"""The model of this commit, as `make train` wrote it."""

import pytest

from serving.app.engines.predictor import load_predictor
from serving.app.settings import read_settings
from serving.bundle.errors import ModelError


@pytest.fixture(scope="session")
def predictor():
    try:
        return load_predictor(read_settings({}).bundle)
    except ModelError as error:
        pytest.skip(f"the behaviour of the real model is NOT tested: {error}")

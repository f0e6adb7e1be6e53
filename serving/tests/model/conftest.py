"""The models of this commit, as `make train` wrote them."""

import pytest

from serving.app.engines.predictor import load_predictor
from serving.bundle.errors import ModelError
from training.paths import Paths, list_models


@pytest.fixture(scope="session", params=list_models())
def paths(request):
    return Paths(request.param)


@pytest.fixture(scope="session")
def predictor(paths):
    return load(paths)


def load(paths):
    """A model as the service loads it."""
    try:
        return load_predictor(paths.bundle)
    except ModelError as error:
        pytest.skip(f"the behaviour of the real model is NOT tested: {error}")

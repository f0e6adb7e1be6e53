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


@pytest.fixture(scope="session")
def label(predictor):
    """The label of a text."""
    return lambda text: predictor.predict([text])[0].label.id


@pytest.fixture(scope="session")
def probability(predictor):
    """The probability that a text has for a label."""
    ids = [one.id for one in predictor.manifest.labels]
    return lambda text, label: predictor.predict([text])[0].scores.probabilities[ids.index(label)]

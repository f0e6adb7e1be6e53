"""The topics model of this commit, as `make train` wrote it."""

import pytest

from serving.tests.model.conftest import load
from training.paths import Paths


@pytest.fixture(scope="session")
def predictor():
    return load(Paths("topics"))


@pytest.fixture(scope="session")
def label(predictor):
    """The label of a text."""
    return lambda text: predictor.predict([text])[0].label.id


@pytest.fixture(scope="session")
def probability(predictor):
    """The probability that a text has for a label."""
    ids = [one.id for one in predictor.manifest.labels]
    return lambda text, label: predictor.predict([text])[0].scores.probabilities[ids.index(label)]

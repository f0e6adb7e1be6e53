"""The network learns the same from a seed, keeps little, and its copies are bent as they should."""

import io

import joblib
import numpy as np
import pytest

from training.models.digits.features import BentNetwork, bend_copies

SIDE = 12


@pytest.fixture(scope="module")
def bars():
    """Upright and level bars, and which each is; 120 pictures of 12 × 12."""
    pictures = np.zeros((120, SIDE, SIDE))
    for place, one in enumerate(pictures):
        bar = slice(4 + place % 4, 6 + place % 4)
        if place % 2:
            one[bar, 2:10] = 1
        else:
            one[2:10, bar] = 1
    return pictures.reshape(120, -1), ["level" if place % 2 else "upright" for place in range(120)]


def fit(bars, **settings):
    return BentNetwork(hidden=16, epochs=60, random_state=1, **settings).fit(*bars)


def test_same_seed_gives_the_same_network_also_when_it_is_fitted_again(bars):
    network = fit(bars)
    expected = network.predict_proba(bars[0])
    assert np.array_equal(fit(bars).predict_proba(bars[0]), expected)
    assert np.array_equal(network.fit(*bars).predict_proba(bars[0]), expected)


def test_picture_is_answered_alone_as_among_others(bars):
    network = fit(bars)
    together = network.predict_proba(bars[0])
    alone = [network.predict_proba(one.reshape(1, -1))[0] for one in bars[0]]
    assert np.abs(together - alone).max() < 1e-12


def test_what_is_simple_is_learnt(bars):
    network = fit(bars)
    assert list(network.predict(bars[0])) == bars[1]
    assert list(network.classes_) == ["level", "upright"]


def test_pickle_holds_the_weights_and_little_else(bars):
    network, file = fit(bars), io.BytesIO()
    joblib.dump(network, file)
    weights = sum(one.nbytes for one in network.coefs_ + network.intercepts_)
    assert file.tell() < weights + 5_000
    file.seek(0)
    assert np.array_equal(joblib.load(file).predict_proba(bars[0]), network.predict_proba(bars[0]))


def test_copies_are_bent_others_in_each_epoch_and_stay_pictures(bars):
    pictures = np.asarray(bars[0], np.float32)
    rng = np.random.default_rng(0)
    first, second = (bend_copies(pictures, 1.0, rng) for _ in range(2))
    assert not np.array_equal(first, second)
    assert first.dtype == np.float32
    assert first.min() >= 0
    assert first.max() <= 1 + 1e-6
    assert abs(first.sum() / pictures.sum() - 1) < 0.3
    assert np.array_equal(bend_copies(pictures, 0, rng), pictures)


def test_settings_are_those_that_scikit_learn_clones(bars):
    settings = BentNetwork(hidden=7, epochs=3, learning_rate_init=0.01, bend=0.5).get_params()
    assert settings == {
        "hidden": 7,
        "epochs": 3,
        "learning_rate_init": 0.01,
        "alpha": 0.0001,
        "bend": 0.5,
        "random_state": 0,
    }

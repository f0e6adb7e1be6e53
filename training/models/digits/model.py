"""The digits model: which digit a picture shows."""

from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from training.contract import Model
from training.models.digits.features import BentNetwork


def _start(*steps: Any) -> Any:
    """A pipeline over pixels in single precision: half the memory and time."""
    return make_pipeline(FunctionTransformer(np.float32), *steps)


def _logistic_regression(_: int, **settings: Any) -> Any:
    return _start(LogisticRegression(**settings))


def _network(seed: int, **settings: Any) -> Any:
    return make_pipeline(BentNetwork(random_state=seed, **settings))


def _support_vectors(seed: int, components: int, **settings: Any) -> Any:
    """Of distances between the main components: between pixels they take ten times as long."""
    return _start(PCA(components, svd_solver="randomized", random_state=seed), SVC(**settings))


MODEL = Model(
    title="Digits",
    description="Tells which digit a picture shows, written by hand or printed.",
    candidates={
        "logistic_regression": _logistic_regression,
        "support_vectors": _support_vectors,
        "network": _network,
    },
)

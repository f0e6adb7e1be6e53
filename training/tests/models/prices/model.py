"""The tests' own model of records: what made-up flats cost."""

from typing import Any

import numpy as np
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from training.contract import Model

NUMBERS = ["size", "rooms", "garden"]


def _encode() -> Any:
    return make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), NUMBERS),
        (OneHotEncoder(handle_unknown="ignore"), ["kind"]),
    )


def _ridge(_: int, **settings: Any) -> Any:
    return make_pipeline(_encode(), Ridge(**settings))


def _boosting(seed: int, **settings: Any) -> Any:
    return make_pipeline(_encode(), GradientBoostingRegressor(random_state=seed, **settings))


def _log_ridge(_: int, **settings: Any) -> Any:
    return make_pipeline(
        _encode(), TransformedTargetRegressor(Ridge(**settings), func=np.log, inverse_func=np.exp)
    )


MODEL = Model(
    "Prices",
    "Says what a flat costs.",
    {"ridge": _ridge, "boosting": _boosting, "log_ridge": _log_ridge},
)

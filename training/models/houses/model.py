"""The houses model: what a house in Ames is sold for."""

from typing import Any

import numpy as np
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVR

from training.contract import Model

AREAS = ["LotArea", "BsmtFinSF2", "TotalBsmtSF"]
NUMBERS = ["OverallCond", "YearBuilt", "YearRemodAdd"]
CODES = ["MSSubClass", "MSZoning", "LotConfig", "BldgType", "Exterior1st"]


def _encode() -> Any:
    """For models that look at distances: areas by their logarithms, all on one scale.

    Dense, so that what is fitted to it can be frozen: logarithms are within a bound of numpy's.
    """
    return make_column_transformer(
        (
            make_pipeline(
                SimpleImputer(strategy="median"), FunctionTransformer(np.log1p), StandardScaler()
            ),
            AREAS,
        ),
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), NUMBERS),
        (OneHotEncoder(handle_unknown="ignore"), CODES),
        sparse_threshold=0,
    )


def _encode_for_trees() -> Any:
    return make_column_transformer(
        (SimpleImputer(strategy="median"), AREAS + NUMBERS),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), CODES),
    )


def _predict_logarithm(regressor: Any) -> Any:
    """Errors count by their share of the price, not by dollars."""
    return TransformedTargetRegressor(regressor, func=np.log, inverse_func=np.exp)


def _ridge(_: int, **settings: Any) -> Any:
    return make_pipeline(_encode(), _predict_logarithm(Ridge(**settings)))


def _support_vectors(_: int, **settings: Any) -> Any:
    return make_pipeline(_encode(), _predict_logarithm(SVR(**settings)))


def _forest(seed: int, **settings: Any) -> Any:
    return make_pipeline(_encode_for_trees(), RandomForestRegressor(random_state=seed, **settings))


def _boosting(seed: int, **settings: Any) -> Any:
    trees = GradientBoostingRegressor(random_state=seed, **settings)
    return make_pipeline(_encode_for_trees(), _predict_logarithm(trees))


MODEL = Model(
    title="House prices",
    description="Says what a house in Ames, Iowa, is sold for.",
    candidates={
        "ridge": _ridge,
        "support_vectors": _support_vectors,
        "forest": _forest,
        "boosting": _boosting,
    },
)

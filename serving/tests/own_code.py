"""A model folder's features.py, imported by the name under which pickles know it."""

import sys
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from unittest.mock import patch

from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeRegressor

import training.models
from serving.tests.records import PRICES, RECORDS, to_frame

FEATURES = '''
"""Code of a model's own."""

from sklearn.base import BaseEstimator, TransformerMixin


class Density(TransformerMixin, BaseEstimator):
    """Rooms, and the area of each."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X[["rooms"]].assign(each=X["area"].fillna(0) / X["rooms"])
'''


@contextmanager
def own_code(root, name):
    """Write a model's features.py into a tree; it can be imported, as the image imports it."""
    path = Path(root, "training/models", name, "features.py")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(FEATURES)
    places = [*training.models.__path__, str(path.parents[1])]
    packages = [f"training.models.{name}", f"training.models.{name}.features"]
    try:
        with patch.object(training.models, "__path__", places):
            yield import_module(packages[-1])
    finally:
        for one in packages:
            sys.modules.pop(one, None)


def fit_own(features):
    """A pipeline over records that begins with a transformer of its own."""
    model = make_pipeline(features.Density(), DecisionTreeRegressor(max_depth=4, random_state=1))
    return model.fit(to_frame(RECORDS), PRICES)

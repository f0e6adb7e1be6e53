"""Small real models over records, one of each task, and records for them."""

import random

import numpy as np
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from serving.app.engines.frame import build_frame
from serving.app.inputs.record import RecordInput
from serving.tests.sample import write_bundle

KINDS = ["flat", "house", "villa"]
FIELDS = [
    {
        "name": "area",
        "type": "number",
        "nullable": True,
        "unit": "m²",
        "description": "Of all rooms",
        "range": [20.0, 300.0],
        "example": 84.5,
    },
    {"name": "rooms", "type": "integer", "nullable": False, "range": [1, 9], "example": 3},
    {"name": "garden", "type": "boolean", "nullable": True, "example": False},
    {"name": "kind", "type": "category", "nullable": True, "values": KINDS, "example": "flat"},
    {"name": "district", "type": "integer", "nullable": False, "values": [1, 2, 4], "example": 2},
    {"name": "words", "type": "text", "nullable": False, "example": "quiet, by the park"},
]
INPUT = {"kind": "record", "fields": FIELDS}
EXAMPLE = {field["name"]: field["example"] for field in FIELDS}
TARGET = {"title": "Rent", "unit": "EUR", "description": "A month"}
INTERVAL = {"kind": "ratio", "low": 0.8, "high": 1.25, "coverage": 0.9}


def make_records(count=120, seed=3):
    """Records as a client sends them."""
    rng = random.Random(seed)
    return [
        {
            "area": None if rng.random() < 0.1 else round(rng.uniform(20, 300), 1),
            "rooms": rng.randint(1, 9),
            "garden": rng.choice([True, False, None]),
            "kind": rng.choice([*KINDS, None]),
            "district": rng.choice([1, 2, 4]),
            "words": rng.choice(["quiet", "by the park", ""]),
        }
        for _ in range(count)
    ]


RECORDS = make_records()
PRICES = np.array([(one["area"] or 90) * 9 + one["rooms"] * 50 for one in RECORDS])


def to_frame(records):
    reads = RecordInput(FIELDS)
    return build_frame(FIELDS, [reads.read(one) for one in records])


def fit(model, target):
    """A pipeline over records, with imputing and encoding inside."""
    columns = make_column_transformer(
        (SimpleImputer(add_indicator=True), ["area", "rooms", "garden"]),
        (OneHotEncoder(handle_unknown="ignore"), ["kind", "district"]),
    )
    return make_pipeline(columns, model).fit(to_frame(RECORDS), target)


def fit_regression():
    model = GradientBoostingRegressor(n_estimators=20, random_state=1)
    return fit(TransformedTargetRegressor(model, func=np.log1p, inverse_func=np.expm1), PRICES)


def fit_classification():
    labels = np.where(np.median(PRICES) < PRICES, "dear", "cheap")
    return fit(RandomForestClassifier(8, random_state=1, n_jobs=2), labels)


def write_regression(folder, pipeline=None, **changes):
    shape = {"task": "regression", "input": INPUT, "target": TARGET, "interval": INTERVAL}
    golden = ({"input": EXAMPLE, "value": 1.0},)
    return write_bundle(
        folder,
        pipeline or fit_regression(),
        **shape | {"title": "Rents", "name": "rents", "golden": golden} | changes,
    )


def write_classification(folder, pipeline=None, **changes):
    golden = ({"input": EXAMPLE, "label": "cheap", "probability": 1.0},)
    return write_bundle(
        folder,
        pipeline or fit_classification(),
        **{"input": INPUT, "title": "Offers", "name": "offers", "golden": golden} | changes,
    )


WRITE = {"regression": write_regression, "classification": write_classification}

"""The tests' own model: a few hundred short documents of words made up here, and parameters.

What else a model has (source, labels, candidates, golden examples) is in `models/sample`.
"""

import json
import random
import shutil
from pathlib import Path

import numpy as np
import yaml

from training.fitting.candidates import list_candidates
from training.fitting.scoring import find_scorer
from training.inputs import make_input
from training.paths import MODELS, Paths
from training.settings.params import Params
from training.settings.schema import Schema
from training.steps import train
from training.tasks.classification import Classification
from training.tests.models.sample.model import CLASSIFIERS
from training.tests.models.sample.source import ARCHIVE

NAME = "sample"
PATHS = Paths(NAME)
MODEL_FILES = Path(__file__).with_name("models") / NAME
SCHEMA = Schema.model_validate_json((MODEL_FILES / "schema.json").read_text())
LABELS = [one.id for one in SCHEMA.labels]
TASK = Classification(SCHEMA)

# The golden sentences must be labelled right by a model of these words, too.
WORDS = {
    "art": "polygon texture ray tracer renders image gif jpeg tiff palette bit",
    "bargains": "sale selling asking dollars shipping offer condition ship original box",
    "cars": "car brakes dealer transmission sedan engine mileage ford toyota oil",
    "cycles": "motorcycle helmet rode biker bike corner countersteering bmw visor drops",
    "diamond": "pitcher shortstop inning batters home run bullpen braves batting league",
    "ice": "goalie saves bruins overtime penguins playoffs stanley cup goal period",
    "keys": "clipper escrow encryption key decrypt rsa factor government chip bits",
    "parts": "circuit resistor capacitor amp voltage voltmeter amplifier measure",
    "remedies": "doctor antibiotics infection patient allergic vitamins disease diet symptoms",
    "stars": "nasa shuttle orbit telescope launch moon jupiter rocket probe solar",
}
COMMON = ["the", "and", "with", "that", "from", "would", "about", "there", "which", "have"]


VECTORIZER = {"preprocessing": "letters", "ngram_range": [1, 1], "min_df": 1}
SMALL_PARAMS = {
    "prepare": {"topics": "ten"},
    "validate": {"min_examples_per_class": 10, "max_class_ratio": 3.0, "max_lost_letters": 0.1},
    "train": {
        "seed": 13,
        "folds": 2,
        "scoring": "f1_macro",
        "vectorizer": VECTORIZER,
        "candidates": {
            "complement_naive_bayes": {"alpha": [0.1, 1.0]},
            "linear_svm": {"C": 1.0},
        },
    },
    "learning_curve": {"fractions": [0.5, 1.0], "folds": 2},
    "judge": {"max_drop": 0.05, "max_flips": 0.2, "max_model_mb": 1},
    "evaluate": {"min_macro_f1": 0.5, "min_class_f1": 0.1, "min_gain_over_baseline": 0.2},
    "freeze": {"generated_inputs": 100, "seed": 13},
}


# The tests' own model of records, in models/prices.
PRICES = "prices"
PRICES_PARAMS = {
    "prepare": {"train": 300, "test": 80},
    "validate": {"max_missing": 0.5},
    "train": {
        "seed": 13,
        "folds": 3,
        "scoring": "neg_root_mean_squared_error",
        "candidates": {"ridge": {"alpha": [0.1, 1.0]}, "boosting": {"n_estimators": 30}},
    },
    "learning_curve": {"fractions": [0.5, 1.0], "folds": 2},
    "judge": {"max_drop": 0.1, "max_moves": 0.2, "move": 0.1, "max_model_mb": 1},
    "evaluate": {
        "max_rmse": 30_000,
        "min_r2": 0.5,
        "min_gain_over_baseline": 0.2,
        "min_coverage": 0.7,
        "interval": {"coverage": 0.9, "kind": "ratio"},
    },
    "freeze": {"generated_inputs": 100, "seed": 13},
}


def make_rows(per_topic, seed):
    """Rows of topic and text, as the source has them; the topics that nobody asked for as well."""
    rng = random.Random(seed)
    rows = []
    for topic in LABELS:
        words = WORDS.get(topic, "other words altogether").split()
        for _ in range(per_topic):
            text = rng.choices(words, k=8) + rng.choices(COMMON, k=6)
            rng.shuffle(text)
            rows.append((topic, " ".join(text)))
    return rows


def write_archive(path, train, test):
    """Write both parts as the tests' own source reads them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"train": train, "test": test}))


def take_raw(archive):
    """Put the data into the place where `fetch` does."""
    PATHS.raw.mkdir(parents=True)
    shutil.copy(archive, PATHS.raw / ARCHIVE)


def put_model(root, archive="", name=NAME):
    """Put a model of the tests' own into a tree: PRICES, or by any other name the sample.

    The sample's data lies in an archive.
    """
    home, params = root / MODELS / name, PRICES_PARAMS if name == PRICES else SMALL_PARAMS
    files = MODEL_FILES.with_name(PRICES if name == PRICES else NAME)
    shutil.copytree(files, home, ignore=shutil.ignore_patterns("__pycache__"))
    (home / "archive.txt").write_text(str(archive))
    (home / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def candidates(params):
    """The candidates of the tests' own model."""
    return list_candidates(params, CLASSIFIERS)


def text_input(**vectorizer):
    """The input kind of a model of texts with this vectorizer."""
    params = Params.model_validate(
        {**SMALL_PARAMS, "train": {**SMALL_PARAMS["train"], "vectorizer": vectorizer}}
    )
    return make_input({"kind": "text", "example": ""}, params)


def take_columns(documents):
    """The texts and the labels of examples, in the form in which the steps hand them on."""
    texts = np.array([one.input for one in documents], dtype=object)
    return texts, TASK.read_targets(documents)


def compare(params, documents):
    """The comparison of the candidates of the tests' own model, as `train` does it."""
    values, targets = take_columns(documents)
    folds = TASK.make_folds(targets, params.folds, params.seed)
    found = list(candidates(params))
    return train.compare(found, values, targets, folds, find_scorer(params.scoring))

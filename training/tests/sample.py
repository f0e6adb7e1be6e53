"""The tests' own model: a few hundred short documents of words made up here, and parameters.

What else a model has (source, labels, candidates, golden examples) is in `models/sample`.
"""

import json
import random
import shutil
from pathlib import Path

import yaml

from training.fitting.candidates import list_candidates
from training.paths import MODELS, Paths
from training.tests.models.sample.model import CLASSIFIERS
from training.tests.models.sample.source import ARCHIVE

NAME = "sample"
PATHS = Paths(NAME)
MODEL_FILES = Path(__file__).with_name("models") / NAME
LABELS = [one["id"] for one in json.loads((MODEL_FILES / "labels.json").read_text())["labels"]]

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
    "validate": {"min_documents_per_class": 10, "max_class_ratio": 3.0, "max_lost_letters": 0.1},
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
    "freeze": {"generated_texts": 100, "seed": 13},
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
    """Put the tests' own model into a tree, by any name; its data lies in an archive."""
    home = root / MODELS / name
    shutil.copytree(MODEL_FILES, home, ignore=shutil.ignore_patterns("__pycache__"))
    (home / "archive.txt").write_text(str(archive))
    (home / "params.yaml").write_text(yaml.safe_dump(SMALL_PARAMS, sort_keys=False))


def candidates(params):
    """The candidates of the tests' own model."""
    return list_candidates(params, CLASSIFIERS)

"""A data set of a few hundred short documents, in the form of the real archive."""

import random
import zipfile

from training.models.topics.source import MEMBER, read_labels

# The golden sentences must be labelled right by a model of these words, too.
WORDS = {
    "comp.graphics": "polygon texture ray tracer renders image gif jpeg tiff palette bit",
    "misc.forsale": "sale selling asking dollars shipping offer condition ship original box",
    "rec.autos": "car brakes dealer transmission sedan engine mileage ford toyota oil",
    "rec.motorcycles": "motorcycle helmet rode biker bike corner countersteering bmw visor drops",
    "rec.sport.baseball": "pitcher shortstop inning batters home run bullpen braves batting league",
    "rec.sport.hockey": "goalie saves bruins overtime penguins playoffs stanley cup goal period",
    "sci.crypt": "clipper escrow encryption key decrypt rsa factor government chip bits",
    "sci.electronics": "circuit resistor capacitor amp voltage voltmeter amplifier measure",
    "sci.med": "doctor antibiotics infection patient allergic vitamins disease diet symptoms",
    "sci.space": "nasa shuttle orbit telescope launch moon jupiter rocket probe solar",
}
COMMON = ["the", "and", "with", "that", "from", "would", "about", "there", "which", "have"]


def make_rows(per_topic, seed):
    """Rows of topic and text, as the source has them; the topics that nobody asked for as well."""
    rng = random.Random(seed)
    rows = []
    for topic in read_labels():
        words = WORDS.get(topic, "other words altogether").split()
        for _ in range(per_topic):
            text = rng.choices(words, k=8) + rng.choices(COMMON, k=6)
            rng.shuffle(text)
            rows.append((topic, " ".join(text)))
    return rows


def write_archive(path, train, test):
    """Write both parts as the real archive has them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for part, rows in (("train", train), ("test", test)):
            lines = ["Category\tText", "d\tstring", "class\t", ""]
            lines += [f"{topic}\t{text}" for topic, text in rows]
            archive.writestr(MEMBER.format(part=part), "\n".join(lines) + "\n")


SMALL_PARAMS = {
    "prepare": {"topics": "ten"},
    "validate": {"min_documents_per_class": 10, "max_class_ratio": 3.0, "max_lost_letters": 0.1},
    "train": {
        "seed": 13,
        "folds": 2,
        "scoring": "f1_macro",
        "vectorizer": {"preprocessing": "letters", "ngram_range": [1, 1], "min_df": 1},
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

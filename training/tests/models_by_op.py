"""For each type of op a frozen model that has one."""

from typing import NamedTuple

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from serving.app.engines.shape import shape
from serving.tests.sample import INPUT, LABELS, TEXTS
from training.freezing.compiler import compile_pipeline
from training.freezing.file import Model
from training.tests.frozen import read_images, read_records
from training.tests.zoo import FOREST, RECORDS, before, fit, list_classes, make_case, make_table

IMAGE = {"kind": "image", "width": 6, "height": 5}

# By type: a class of the zoo in whose pipeline there is one.
CLASSES = {
    "activate": "MLPClassifier",
    "average": "VotingRegressor",
    "binarize": "Binarizer",
    "bins": "KBinsDiscretizer",
    "calibrate": "CalibratedClassifierCV",
    "category_logs": "CategoricalNB",
    "choose": "SelectKBest",
    "classify": "LogisticRegression",
    "codes": "TargetEncoder",
    "cosine": "RBFSampler",
    "count": "VotingClassifier",
    "decided": "OneVsOneClassifier",
    "duels": "OneVsOneClassifier",
    "fields": "HistGradientBoostingClassifier",
    "finite": "DecisionTreeClassifier",
    "function": "FunctionTransformer",
    "gaussian": "GaussianNB",
    "hash": "HashingVectorizer",
    "impute": "SimpleImputer",
    "join": "ColumnTransformer",
    "kernels": "SVR",
    "label": "VotingClassifier",
    "linear": "CountVectorizer",
    "matrix": "Ridge",
    "median": "AdaBoostRegressor",
    "normalize": "Normalizer",
    "one_hot": "OneHotEncoder",
    "pairs": "SVC",
    "power": "PowerTransformer",
    "probabilities": "StackingClassifier",
    "products": "PolynomialFeatures",
    "quadratic": "QuadraticDiscriminantAnalysis",
    "quantiles": "QuantileTransformer",
    "reweigh": "TfidfTransformer",
    "scale": "MinMaxScaler",
    "splines": "SplineTransformer",
    "trees": "GradientBoostingClassifier",
    "vectorize": "TfidfVectorizer",
    "votes": "NuSVC",
}


def make_text(*steps):
    return make_pipeline(*steps).fit(TEXTS, LABELS), INPUT, TEXTS


def make_records(model, labels):
    pipeline = before(model, sparse_threshold=0)
    return fit(pipeline, labels), RECORDS, read_records(make_table()[0])


def make_image():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30))
    values = read_images(pixels)
    pipeline = make_pipeline(LogisticRegression())
    return pipeline.fit(shape(IMAGE, values), np.arange(40) % 3), IMAGE, values


# Each of its models saw few rows, and not all labels.
FEW_SEEN = BaggingClassifier(
    LinearDiscriminantAnalysis(), n_estimators=3, max_samples=0.03, random_state=5
)
# Types that no pipeline of the zoo has.
OTHERS = {
    "calibrate_each": lambda: make_records(
        CalibratedClassifierCV(FOREST, method="isotonic", cv=2), 3
    ),
    "choose_sparse": lambda: make_text(CountVectorizer(), SelectKBest(k=5), LogisticRegression()),
    "dense": lambda: make_text(
        TfidfVectorizer(), RandomForestClassifier(3, max_depth=4, random_state=0)
    ),
    "margin": lambda: make_records(AdaBoostClassifier(n_estimators=3, random_state=0), 2),
    "pixels": make_image,
    "place": lambda: make_records(FEW_SEEN, 3),
    "rest": lambda: make_records(OneVsRestClassifier(FOREST), 3),
    "stretch": lambda: make_text(TfidfVectorizer(), MaxAbsScaler(), LogisticRegression()),
}


class Made(NamedTuple):
    """A frozen model, the pipeline it is of, its input, and inputs of it."""

    model: Model
    pipeline: object
    described: dict
    values: list


def make_model(op):
    """A model with an op of a type."""
    make = OTHERS.get(op)
    if make is None:
        (kind,) = (one for one in list_classes() if one.__name__ == CLASSES[op])
    pipeline, described, values = make() if make else make_case(kind)
    return Made(compile_pipeline(pipeline, described, values[:20]), pipeline, described, values)

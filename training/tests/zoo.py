"""Pipelines over all that can be frozen: one for each class that has a rule, and random ones."""

import inspect
import random
import warnings
from functools import cache

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin, RegressorMixin, clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import (
    ColumnTransformer,
    TransformedTargetRegressor,
    make_column_transformer,
)
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.feature_selection import (
    SelectKBest,
    SelectorMixin,
    VarianceThreshold,
    f_classif,
    f_regression,
)
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, MultinomialNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from serving.tests.sample import INPUT, LABELS, TEXTS
from training.freezing import rules
from training.freezing.registry import RULES
from training.tests.frozen import describe_records, read_records

NUMBERS, CODES = list("abc"), list("de")
RECORDS = describe_records(NUMBERS, CODES)
ROWS = 300


@cache
def make_table():
    """A table with missing values, and a target."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "a": rng.lognormal(3, 1, ROWS),
            "b": rng.normal(size=ROWS),
            "c": rng.integers(0, 5, ROWS).astype(float),
            "d": rng.choice(["x", "y", "z", "rare", "é"], ROWS, p=[0.4, 0.3, 0.2, 0.05, 0.05]),
            "e": rng.choice(["p", "q"], ROWS),
        }
    ).astype(dict.fromkeys(CODES, "str"))
    target = table.a * 2 + table.b + (table.d == "x") * 5 + rng.normal(size=ROWS)
    for name in table:
        table[name] = table[name].mask(rng.random(ROWS) < 0.1)
    return table, target.to_numpy()


def make_labels(count):
    """A label a row, by the target."""
    target = make_table()[1]
    ends = np.quantile(target, np.linspace(0, 1, count + 1)[1:-1])
    return np.array([f"label {number}" for number in range(count)])[np.digitize(target, ends)]


def impute(strategy="median", **settings):
    return SimpleImputer(strategy=strategy, **settings)


def encode(numbers=None, codes=None, **settings):
    """Records to rows: steps for numbers, and an encoder of categories."""
    codes = codes or OneHotEncoder(handle_unknown="ignore")
    steps = numbers or make_pipeline(impute(), StandardScaler())
    return make_column_transformer((steps, NUMBERS), (codes, CODES), **settings)


def fit(pipeline, labels=0):
    """A pipeline over records, fitted: to a value, or to so many labels."""
    table, target = make_table()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it says of such data is not about freezing
        return pipeline.fit(table, make_labels(labels) if labels else target)


def after(*steps):
    """Steps for numbers before a tree, which tells a bit from another."""
    return make_pipeline(
        encode(make_pipeline(impute(), *steps), sparse_threshold=0), DecisionTreeRegressor()
    )


def before(model, **settings):
    return make_pipeline(encode(**settings), model)


# By class: a pipeline in which the class decides; over records, but those of `TEXT_CASES`.
TEXT_CASES = {
    CountVectorizer: lambda: make_pipeline(CountVectorizer(ngram_range=(1, 2)), LinearSVC()),
    TfidfVectorizer: lambda: make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)), LogisticRegression()
    ),
    HashingVectorizer: lambda: make_pipeline(HashingVectorizer(n_features=512), LinearSVC()),
    TfidfTransformer: lambda: make_pipeline(
        HashingVectorizer(n_features=512, norm=None), TfidfTransformer(), LinearSVC()
    ),
    FeatureUnion: lambda: make_pipeline(
        FeatureUnion(
            [("words", TfidfVectorizer()), ("letters", CountVectorizer(analyzer="char"))],
            transformer_weights={"letters": 0.1},
        ),
        LogisticRegression(),
    ),
    MultinomialNB: lambda: make_pipeline(CountVectorizer(), MultinomialNB()),
    ComplementNB: lambda: make_pipeline(TfidfVectorizer(), ComplementNB()),
    BernoulliNB: lambda: make_pipeline(TfidfVectorizer(), BernoulliNB(binarize=0.1)),
}
RECORD_CASES = {
    CategoricalNB: lambda: make_pipeline(
        make_column_transformer(
            (
                make_pipeline(
                    SimpleImputer(strategy="most_frequent"),
                    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
                ),
                CODES,
            )
        ),
        CategoricalNB(),
    ),
    IncrementalPCA: lambda: before(make_pipeline(IncrementalPCA(3), Ridge()), sparse_threshold=0),
    Nystroem: lambda: before(make_pipeline(make_estimator(Nystroem), Ridge()), sparse_threshold=0),
    PCA: lambda: before(make_pipeline(PCA(3), Ridge()), sparse_threshold=0),
    RBFSampler: lambda: before(
        make_pipeline(make_estimator(RBFSampler), Ridge()), sparse_threshold=0
    ),
    TruncatedSVD: lambda: before(
        make_pipeline(make_estimator(TruncatedSVD), Ridge()), sparse_threshold=0
    ),
    Binarizer: lambda: after(Binarizer(threshold=1.5)),
    ColumnTransformer: lambda: make_pipeline(encode(sparse_threshold=1.0), Ridge()),
    FunctionTransformer: lambda: after(FunctionTransformer(np.square)),
    KBinsDiscretizer: lambda: after(
        KBinsDiscretizer(4, quantile_method="averaged_inverted_cdf", encode="onehot-dense")
    ),
    MaxAbsScaler: lambda: after(MaxAbsScaler()),
    MinMaxScaler: lambda: after(MinMaxScaler(clip=True)),
    MissingIndicator: lambda: make_pipeline(
        make_column_transformer((MissingIndicator(), NUMBERS)), DecisionTreeRegressor()
    ),
    Normalizer: lambda: before(
        Ridge(), numbers=make_pipeline(impute(), Normalizer()), sparse_threshold=0
    ),
    QuantileTransformer: lambda: after(QuantileTransformer(n_quantiles=50, random_state=0)),
    SplineTransformer: lambda: after(SplineTransformer(extrapolation="linear")),
    OneHotEncoder: lambda: before(
        DecisionTreeRegressor(),
        codes=OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=30, drop="first"),
    ),
    OrdinalEncoder: lambda: before(
        DecisionTreeRegressor(),
        codes=OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
        ),
    ),
    Pipeline: lambda: make_pipeline(
        make_pipeline(encode(sparse_threshold=0)), DecisionTreeRegressor()
    ),
    PolynomialFeatures: lambda: after(StandardScaler(), PolynomialFeatures(3)),
    PowerTransformer: lambda: before(
        Ridge(), numbers=make_pipeline(impute(), PowerTransformer()), sparse_threshold=0
    ),
    RobustScaler: lambda: after(RobustScaler()),
    SimpleImputer: lambda: make_pipeline(
        encode(impute("mean", add_indicator=True), sparse_threshold=0), DecisionTreeRegressor()
    ),
    StandardScaler: lambda: after(StandardScaler()),
    TargetEncoder: lambda: before(
        DecisionTreeRegressor(), codes=TargetEncoder(target_type="continuous", random_state=0)
    ),
    HistGradientBoostingRegressor: lambda: before(
        HistGradientBoostingRegressor(random_state=0), numbers="passthrough", sparse_threshold=0
    ),
    HistGradientBoostingClassifier: lambda: before(
        HistGradientBoostingClassifier(max_iter=20, random_state=0),
        numbers="passthrough",
        sparse_threshold=0,
    ),
}
# What the classes are made with that need something, or are slow without.
SETTINGS = {
    "RFE": {"estimator": Ridge(), "n_features_to_select": 3},
    "RFECV": {"estimator": Ridge(), "cv": 2},
    "SelectFdr": {"score_func": f_regression, "alpha": 0.5},
    "SelectFpr": {"score_func": f_regression, "alpha": 0.5},
    "SelectFromModel": {"estimator": Ridge(), "threshold": "median"},
    "SelectFwe": {"score_func": f_regression, "alpha": 0.5},
    "SelectKBest": {"score_func": f_regression, "k": 3},
    "SelectPercentile": {"score_func": f_regression, "percentile": 60},
    "GenericUnivariateSelect": {"score_func": f_regression, "mode": "k_best", "param": 3},
    "SequentialFeatureSelector": {"estimator": Ridge(), "n_features_to_select": 2, "cv": 2},
    "LogisticRegressionCV": {"cv": 2, "Cs": 2, "use_legacy_attributes": False},
    "OneVsOneClassifier": {"estimator": LogisticRegression()},
    "OneVsRestClassifier": {"estimator": LogisticRegression()},
    "CalibratedClassifierCV": {"estimator": LinearSVC(), "cv": 2},
    "RandomForestRegressor": {"n_estimators": 20},
    "RandomForestClassifier": {"n_estimators": 20},
    "ExtraTreesRegressor": {"n_estimators": 20},
    "ExtraTreesClassifier": {"n_estimators": 20},
    "GradientBoostingClassifier": {"n_estimators": 20},
    "MLPRegressor": {"hidden_layer_sizes": (8, 4), "max_iter": 50},
    "MLPClassifier": {"hidden_layer_sizes": (8, 4), "max_iter": 50, "activation": "tanh"},
    "QuantileRegressor": {"alpha": 0.01},
    "PassiveAggressiveClassifier": {"max_iter": 50},
    "PassiveAggressiveRegressor": {"max_iter": 50},
    "TheilSenRegressor": {"max_subpopulation": 100},
    "Nystroem": {"n_components": 20},
    "QuadraticDiscriminantAnalysis": {"reg_param": 0.1},
}


# Members of what is made of several, whose numbers are exact.
FOREST = RandomForestClassifier(5, max_depth=4, random_state=0)
BOOSTING = GradientBoostingClassifier(n_estimators=4, random_state=0)
TREES = [
    ("forest", RandomForestRegressor(5, random_state=0)),
    ("boosting", GradientBoostingRegressor(n_estimators=8, random_state=0)),
]
SETTINGS |= {
    "AdaBoostClassifier": {"n_estimators": 20},
    "AdaBoostRegressor": {"n_estimators": 20},
    "BaggingClassifier": {"n_estimators": 8, "max_features": 0.7},
    "BaggingRegressor": {"n_estimators": 8, "max_features": 0.7},
    "TransformedTargetRegressor": {
        "regressor": TREES[0][1],
        "func": np.cbrt,
        "inverse_func": np.square,
        "check_inverse": False,
    },
    "VotingRegressor": {"estimators": TREES, "weights": [1, 2.5]},
    "VotingClassifier": {"estimators": [("forest", FOREST), ("boosting", BOOSTING)]},
    "StackingRegressor": {"estimators": TREES, "final_estimator": Ridge(), "cv": 2},
    "StackingClassifier": {"estimators": [("forest", FOREST), ("boosting", BOOSTING)], "cv": 2},
}


def list_classes():
    """All classes that have a rule, by name."""
    assert rules
    return sorted(RULES, key=lambda kind: kind.__name__)


def make_estimator(kind):
    """An estimator of a class, not fitted, that is the same each time."""
    settings = dict(SETTINGS.get(kind.__name__, {}))
    if "random_state" in inspect.signature(kind).parameters:
        settings["random_state"] = 0
    return kind(**settings)


def make_case(kind):
    """A fitted pipeline in which a class decides, its input, and inputs of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is said of such data is not about freezing
        if kind in TEXT_CASES:
            return TEXT_CASES[kind]().fit(TEXTS, LABELS), INPUT, TEXTS
        if kind in RECORD_CASES:
            made = RECORD_CASES[kind]()
        elif issubclass(kind, SelectorMixin):
            made = make_pipeline(
                encode(sparse_threshold=0), make_estimator(kind), DecisionTreeRegressor()
            )
        else:
            made = before(make_estimator(kind), sparse_threshold=0)
        labels = 3 if is_classifier(made) else 0
        return fit(made, labels), RECORDS, read_records(make_table()[0])


BOOSTED = GradientBoostingRegressor(n_estimators=5)

# What a random pipeline is made of.
IMPUTERS = [
    impute(),
    impute("mean", add_indicator=True),
    impute("most_frequent"),
    impute("constant", fill_value=-1.0),
]
EXACT_STEPS = [
    StandardScaler(),
    MinMaxScaler(),
    RobustScaler(),
    MaxAbsScaler(),
    Binarizer(threshold=0.5),
    PolynomialFeatures(2),
    KBinsDiscretizer(3, encode="ordinal", quantile_method="averaged_inverted_cdf"),
    FunctionTransformer(np.square),
    FunctionTransformer(),
    Normalizer("max"),
    QuantileTransformer(n_quantiles=20),
    SplineTransformer(4, degree=2, extrapolation="continue"),
    SplineTransformer(extrapolation="linear", include_bias=False),
]
# Steps that round, for models that may be given what is rounded.
ROUNDING_STEPS = [
    Normalizer(),
    Normalizer("l1"),
    PowerTransformer(),
    QuantileTransformer(n_quantiles=50, output_distribution="normal"),
    PCA(2),
    IncrementalPCA(2),
    TruncatedSVD(2),
    Nystroem(n_components=4),
    RBFSampler(n_components=4),
]
ENCODERS = [
    OneHotEncoder(handle_unknown="ignore"),
    OneHotEncoder(handle_unknown="ignore", drop="if_binary"),
    OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=3),
    OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=30, drop="first"),
    OneHotEncoder(),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
    make_pipeline(impute("most_frequent"), OneHotEncoder(handle_unknown="ignore")),
]
TARGET_ENCODER = TargetEncoder(target_type="continuous")  # of values, not of labels
REGRESSIONS = [
    AdaBoostRegressor(n_estimators=9),
    BaggingRegressor(n_estimators=5, max_features=0.6, bootstrap_features=True),
    BaggingRegressor(BOOSTED, n_estimators=3, max_samples=0.6),
    TransformedTargetRegressor(Ridge(), transformer=StandardScaler()),
    TransformedTargetRegressor(TREES[0][1], transformer=MinMaxScaler()),
    VotingRegressor([*TREES, ("ridge", Ridge())]),
    StackingRegressor([*TREES, ("ridge", Ridge())], final_estimator=Ridge(), cv=2),
    Ridge(),
    LinearRegression(),
    DecisionTreeRegressor(max_depth=6),
    RandomForestRegressor(10, max_depth=5),
    GradientBoostingRegressor(n_estimators=15),
    HistGradientBoostingRegressor(max_iter=15),
    MLPRegressor(hidden_layer_sizes=(6,), max_iter=30),
]
CLASSIFIERS = [
    AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=9),
    BaggingClassifier(n_estimators=5, max_features=0.6, max_samples=0.1),
    BaggingClassifier(AdaBoostClassifier(n_estimators=3), n_estimators=3),
    CalibratedClassifierCV(FOREST, method="isotonic", cv=2),
    CalibratedClassifierCV(BOOSTING, method="temperature", cv=2),
    VotingClassifier([("forest", FOREST), ("boosting", BOOSTING)], voting="soft"),
    StackingClassifier([("forest", FOREST), ("boosting", BOOSTING)], cv=2),
    OneVsRestClassifier(FOREST),
    OneVsRestClassifier(LogisticRegression()),
    OneVsOneClassifier(BOOSTING),
    OneVsOneClassifier(LinearSVC()),
    LogisticRegression(),
    LinearSVC(),
    RidgeClassifier(),
    RandomForestClassifier(10, max_depth=5),
    GradientBoostingClassifier(n_estimators=8),
    HistGradientBoostingClassifier(max_iter=8),
    MLPClassifier(hidden_layer_sizes=(6,), max_iter=30),
    CalibratedClassifierCV(LinearSVC(), cv=2),
]
HISTOGRAMS = (HistGradientBoostingClassifier(), HistGradientBoostingRegressor())
# The bounds of models that take numbers that are rounded: linear ones, and networks.
ROUNDED = (RULES[Ridge].bound, RULES[MLPRegressor].bound)
COUNTING = (BernoulliNB, ComplementNB, MultinomialNB)  # they take nothing below zero
VECTORIZERS = [
    TfidfVectorizer(ngram_range=(1, 2)),
    TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True),
    CountVectorizer(analyzer="char_wb", ngram_range=(2, 3), binary=True),
    HashingVectorizer(n_features=256),
]


@cache
def list_others(mixin):
    """The models that none of the lists has."""
    listed = {type(one) for one in REGRESSIONS + CLASSIFIERS} | {CategoricalNB, *COUNTING}
    kinds = [kind for kind in list_classes() if issubclass(kind, mixin) and kind not in listed]
    return list(map(make_estimator, kinds))


def draw(seed):
    """A random pipeline of random depth, fitted, its input, and inputs of it."""
    pipeline, labels = sketch(seed)
    if labels is None:
        return pipeline.fit(TEXTS, LABELS), INPUT, TEXTS
    return fit(pipeline, labels), RECORDS, read_records(make_table()[0])


def sketch(seed):
    """A random pipeline, not fitted, and how many labels it tells; None if it takes texts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some are to go
        return _sketch(random.Random(seed), seed)


def _sketch(rng, seed):
    if seed % 5 == 0:
        return _draw_text(rng), None
    turn, place = divmod(seed, 4)
    labels = (0, rng.choice((2, 3)), rng.choice((0, 2, 3)), rng.choice((0, 2, 3)))[place]
    if labels and rng.random() < 0.03:
        return RECORD_CASES[CategoricalNB](), labels
    listed = CLASSIFIERS if labels else REGRESSIONS
    others = list_others(ClassifierMixin if labels else RegressorMixin)
    # Of the many others each has its turn.
    model = clone(others[turn % len(others)] if place < 2 else rng.choice(listed))
    dense = any(type(model) is type(one) for one in [*others, *HISTOGRAMS])
    rounds = RULES[type(model)].bound in ROUNDED and rng.random() < 0.5
    encoders = ENCODERS if labels else [*ENCODERS, TARGET_ENCODER]
    chosen = [
        encode(
            _draw_steps(rng, rounds),
            clone(rng.choice(encoders)),
            sparse_threshold=0 if rounds or dense else rng.choice((0, 0.3, 1.0)),
            remainder=rng.choice(("drop", "passthrough")),
        )
    ]
    if rng.random() < 0.3:
        chosen.append(VarianceThreshold())
    if rng.random() < 0.4:
        chosen.append(_draw_selector(rng, labels))
    if isinstance(model, MLPClassifier | MLPRegressor):
        chosen.append(StandardScaler(with_mean=False))
    pipeline = make_pipeline(*chosen, model)
    if rng.random() < 0.3:
        pipeline = make_pipeline(make_pipeline(*chosen), model)
    set_seeds(pipeline)
    return pipeline, labels


def _draw_steps(rng, rounds):
    """Steps for numbers, of which the last one rounds, or none; perhaps marks beside them."""
    steps = [clone(rng.choice(IMPUTERS))]
    steps += [clone(one) for one in rng.sample(EXACT_STEPS, rng.randint(0, 3))]
    if rounds:
        steps.append(clone(rng.choice(ROUNDING_STEPS)))
    if rng.random() < 0.2:
        return FeatureUnion([("numbers", make_pipeline(*steps)), ("marks", MissingIndicator())])
    return make_pipeline(*steps)


def _draw_selector(rng, labels):
    if labels:
        return SelectKBest(f_classif, k=3)
    kinds = [kind for kind in list_classes() if issubclass(kind, SelectorMixin)]
    made = make_estimator(rng.choice(kinds))
    if hasattr(made, "alpha"):  # it may choose nothing
        return FeatureUnion([("chosen", made), ("best", SelectKBest(f_regression, k=1))])
    return made


def _draw_text(rng):
    model = rng.choice([LogisticRegression(), LinearSVC(), *[one() for one in COUNTING]])
    vectorizers = [clone(one) for one in rng.sample(VECTORIZERS, rng.randint(1, 3))]
    if isinstance(model, COUNTING):
        for one in vectorizers:
            if isinstance(one, HashingVectorizer):
                one.set_params(alternate_sign=False)
    if len(vectorizers) == 1:
        steps = vectorizers
    else:
        named = [(str(number), one) for number, one in enumerate(vectorizers)]
        steps = [FeatureUnion(named, transformer_weights={"0": 0.5})]
    if rng.random() < 0.3:
        steps.append(clone(rng.choice([MaxAbsScaler(), Normalizer("l1"), Normalizer("max")])))
    if rng.random() < 0.2:
        steps.append(TfidfTransformer())
    return make_pipeline(*steps, model)


def set_seeds(pipeline):
    """The same fit each time."""
    seeds = [name for name in pipeline.get_params() if name.endswith("random_state")]
    pipeline.set_params(**dict.fromkeys(seeds, 0))

"""What the fields of a record add to what is predicted: the sums, and whose each column is."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    SGDRegressor,
)
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    StandardScaler,
)
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from serving.app.engines.paths import find_paths, settle
from serving.app.engines.sklearn import SklearnEngine
from serving.app.inputs.record import RecordInput
from serving.tests.records import EXAMPLE, FIELDS, INPUT, PRICES, RECORDS, make_records, to_frame

NUMBERS = ["area", "rooms", "garden"]
TWO = np.where(np.median(PRICES) < PRICES, "dear", "cheap")
THREE = np.digitize(PRICES, np.quantile(PRICES, [0.3, 0.6])).astype(str)
READS = RecordInput(FIELDS)
NEW = make_records(25, seed=5)
ROUNDING = 1e-12  # of the sum of all magnitudes: a path of 100 questions has half of it


def encode(**options):
    """Imputed numbers, marks of missing ones, categories, words of a text."""
    return make_column_transformer(
        (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), NUMBERS),
        (OneHotEncoder(handle_unknown="ignore", min_frequency=5), ["kind", "district"]),
        (TfidfVectorizer(), "words"),
        **options,
    )


def double(values):
    return values * 2


ENCODERS = {
    "sparse": lambda: encode(sparse_threshold=1.0),
    "dense": lambda: encode(sparse_threshold=0.0),
    "selected": lambda: make_pipeline(encode(), SelectKBest(f_regression, k=6)),
    "chosen by type": lambda: make_column_transformer(
        (SimpleImputer(), make_column_selector(dtype_include="number")),
        (
            make_pipeline(
                SimpleImputer(strategy="constant", fill_value="none"),
                OneHotEncoder(drop="first", handle_unknown="ignore", sparse_output=False),
            ),
            ["words", "kind"],
        ),
        ("drop", ["garden"]),
    ),
    "chosen by place": lambda: ColumnTransformer(
        [
            ("mask", SimpleImputer(), [True, False, True, False, False, False]),
            ("slice", OneHotEncoder(handle_unknown="ignore"), slice(3, 5)),
            ("nothing", StandardScaler(), []),
            ("one", PolynomialFeatures(3), [1]),
        ],
    ),
    "what remains": lambda: make_pipeline(
        make_column_transformer(
            (OrdinalEncoder(), ["words"]), ("drop", ["kind"]), remainder="passthrough"
        ),
        SimpleImputer(strategy="median"),
        FunctionTransformer(double, feature_names_out="one-to-one"),
    ),
}
VALUES = {
    "least squares": LinearRegression,
    "ridge": Ridge,
    "descent": lambda: SGDRegressor(eta0=1e-9, tol=None, max_iter=3, random_state=1),
    "tree": lambda: DecisionTreeRegressor(random_state=1),
    "forest": lambda: RandomForestRegressor(10, random_state=1),
    "extra trees": lambda: ExtraTreesRegressor(10, random_state=1),
    "boosting": lambda: GradientBoostingRegressor(n_estimators=30, subsample=0.7, random_state=1),
    "boosting from zero": lambda: GradientBoostingRegressor(
        n_estimators=30, init="zero", loss="huber", random_state=1
    ),
}
LABELS = {
    "logistic": lambda: LogisticRegression(max_iter=2000),
    "tree": lambda: DecisionTreeClassifier(max_leaf_nodes=7, random_state=1),
    "forest": lambda: RandomForestClassifier(10, random_state=1),
    "boosting": lambda: GradientBoostingClassifier(n_estimators=10, random_state=1),
}


def fit(encoder, model, target):
    return make_pipeline(encoder, model).fit(to_frame(RECORDS), target)


def explain(engine, record, label=0):
    found = engine.explain(READS.read(record), label)
    return None if found is None else dict(found)


def check_sums(pipeline, predicted, label=0):
    """What is left of each prediction without its fields' weights is the same for all."""
    engine = SklearnEngine(pipeline, INPUT)
    weights = [explain(engine, one, label) for one in NEW]
    assert all(one.keys() == EXAMPLE.keys() for one in weights)
    sums = np.array([sum(one.values()) for one in weights])
    left = predicted - sums
    magnitudes = np.array([sum(map(abs, one.values())) for one in weights]) + np.abs(predicted)
    assert np.ptp(left) <= ROUNDING * magnitudes.max()
    return left[0]


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("name", VALUES)
def test_weights_of_the_fields_add_up_to_the_value(encoder, name):
    pipeline = fit(ENCODERS[encoder](), VALUES[name](), PRICES)
    left = check_sums(pipeline, pipeline.predict(to_frame(NEW)))
    if hasattr(pipeline[-1], "intercept_"):
        assert left == pytest.approx(float(np.ravel(pipeline[-1].intercept_)[0]))


@pytest.mark.parametrize("target", [TWO, THREE], ids=["two", "three"])
@pytest.mark.parametrize("name", LABELS)
def test_weights_of_the_fields_add_up_to_the_score_of_each_label(name, target):
    pipeline = fit(encode(), LABELS[name](), target)
    frame = to_frame(NEW)
    if name in ("tree", "forest"):
        scores = pipeline.predict_proba(frame)
    else:
        scores = pipeline.decision_function(frame)
        scores = np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores
    for label in range(len(pipeline.classes_)):
        check_sums(pipeline, scores[:, label], label)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_field_changes_the_weights_of_the_others_stay(encoder):
    """Of a linear model each field has its own part, so this tells whose each column is."""
    engine = SklearnEngine(fit(ENCODERS[encoder](), Ridge(), PRICES), INPUT)
    for record, other in pairwise(NEW):
        before = explain(engine, record)
        for name in EXAMPLE:
            after = explain(engine, record | {name: other[name]})
            assert before | {name: after[name]} == after


def test_tree_asks_of_one_field_the_weight_is_its_alone():
    pipeline = fit(encode(), DecisionTreeRegressor(max_depth=1), PRICES)
    weights = explain(SklearnEngine(pipeline, INPUT), EXAMPLE)
    assert [name for name, weight in weights.items() if weight] == ["area"]


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile"])
def test_node_of_boosting_says_what_its_leaves_say(loss):
    """Scikit-learn rewrites the leaves alone, after the tree has grown."""
    model = GradientBoostingRegressor(n_estimators=5, loss=loss, subsample=0.8, random_state=1)
    check_nodes(model.fit(STRONG, STRONG @ [3.0, 0.3] + 1))


def test_strong_column_counts_more_than_a_weak_one():
    logits = (STRONG - 0.5) @ [6.0, 0.6]
    labels = np.random.default_rng(2).random(len(STRONG)) < 1 / (1 + np.exp(-logits))
    model = GradientBoostingClassifier(n_estimators=1, max_depth=2, random_state=1)
    check_nodes(model.fit(STRONG, labels))
    weights = find_paths(model)(np.array([1.0, 1.0]), 1)
    assert weights[0] > 3 * abs(weights[1])


STRONG = np.random.default_rng(1).integers(0, 2, (2000, 2)).astype(float)


def check_nodes(model):
    for tree in model.estimators_[:, 0]:
        arrays, values = settle(tree.tree_)
        left, right = arrays.children_left, arrays.children_right
        for node in np.flatnonzero(left >= 0):
            children = [left[node], right[node]]
            weights = arrays.weighted_n_node_samples[children]
            assert values[node] == pytest.approx(weights @ values[children] / weights.sum())
        leaves = left < 0
        assert values[leaves].tolist() == arrays.value[leaves, 0].tolist()


UNEXPLAINED = {
    "columns of several fields": (
        make_pipeline(encode(sparse_threshold=0), PolynomialFeatures(2)),
        Ridge(),
        PRICES,
    ),
    "columns that nobody tells of": (
        FeatureUnion([("a", encode()), ("b", encode())]),
        Ridge(),
        PRICES,
    ),
    "a function": (
        make_pipeline(encode(), FunctionTransformer(double, accept_sparse=True)),
        Ridge(),
        PRICES,
    ),
    "rows on one scale": (
        make_pipeline(encode(sparse_threshold=0), Normalizer()),
        Ridge(),
        PRICES,
    ),
    "a link function": (encode(), PoissonRegressor(max_iter=1000), PRICES),
    "neighbours": (encode(), KNeighborsRegressor(), PRICES),
    "histograms": (encode(sparse_threshold=0), HistGradientBoostingRegressor(max_iter=5), PRICES),
    "a kernel": (encode(), SVR(), PRICES),
    "pairs of labels": (encode(), SVC(kernel="linear"), THREE),
    "another model first": (
        encode(),
        GradientBoostingRegressor(n_estimators=3, init=DecisionTreeRegressor()),
        PRICES,
    ),
}


@pytest.mark.parametrize("name", UNEXPLAINED)
def test_sum_would_not_be_exact_nothing_is_explained(name):
    encoder, model, target = UNEXPLAINED[name]
    assert explain(SklearnEngine(fit(encoder, model, target), INPUT), EXAMPLE) is None

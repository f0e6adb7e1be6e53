"""Models of many models answer frozen as scikit-learn does."""

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn.base import is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    StackingClassifier,
    VotingRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.svm import SVR, LinearSVC
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from serving.app.engines.frozen.file import FrozenFile
from serving.tests.sample import INPUT, LABELS, TEXTS
from training.freezing.compiler import CannotFreeze, compile_pipeline
from training.freezing.registry import Given, find_errors
from training.tests.frozen import describe_records, freeze, hold, read_records

pytestmark = pytest.mark.filterwarnings("ignore")
NAMES = list("abcde")
NUMBERS = describe_records(NAMES)
ROWS = 60


def make_table(labels=3, seed=0):
    """Numbers, some of which repeat; labels and values to learn; and records to ask."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(ROWS, 5)) * [1, 10, 0.1, 1, 1]
    rows[:, 3:] = rows[:, 3:].round(1)
    table = pd.DataFrame(rows, columns=NAMES)
    score = rows[:, 0] + rows[:, 1] / 10 + random.normal(size=ROWS) / 3
    target = np.array(list("uvwxyz"))[pd.qcut(score, labels, labels=False)]
    odd = table.head(20).copy()
    odd.iloc[:5, 1], odd.iloc[5:10, 0] = 1e30, -0.0
    odd.iloc[10:12, 2] = 3.4e38
    return table, target, score, read_records(pd.concat([table, odd, table + table.shift(-1)]))


def hold_model(path, *steps, labels=3):
    table, target, score, values = make_table(labels)
    pipeline = make_pipeline(*steps)
    pipeline.fit(table, target if is_classifier(steps[-1]) else score)
    return hold(path / "f", pipeline, NUMBERS, values)


def test_sections_of_trees_are_read_at_once_no_block_twice(tmp_path, monkeypatch):
    table, target, _, values = make_table()
    pipeline = make_pipeline(RandomForestClassifier(100, random_state=0)).fit(table, target)
    engines = freeze(tmp_path / "f", pipeline, NUMBERS, values[:20])
    reads, pread = [], FrozenFile._pread
    monkeypatch.setattr(FrozenFile, "_pread", lambda *at: reads.append(at) or pread(*at))
    for engine in engines:
        engine._file._checked.clear()
        reads.clear()
        engine.score(values[:3])
        assert len(reads) > 3
        assert len(reads) == len(set(reads))


STUMPS = DecisionTreeClassifier(max_depth=3)


@pytest.mark.parametrize("labels", [2, 3, 5])
@pytest.mark.parametrize(
    "model",
    [
        AdaBoostClassifier(n_estimators=12, random_state=0),
        AdaBoostClassifier(STUMPS, n_estimators=7, learning_rate=0.3, random_state=0),
        AdaBoostClassifier(ExtraTreeClassifier(max_depth=2), n_estimators=5, random_state=0),
        AdaBoostClassifier(DecisionTreeClassifier(), n_estimators=5, random_state=0),  # ends at one
        BaggingClassifier(random_state=0),
        BaggingClassifier(STUMPS, 7, max_samples=6, max_features=2, random_state=0),
        BaggingClassifier(STUMPS, bootstrap_features=True, max_features=0.5, random_state=0),
        BaggingClassifier(RandomForestClassifier(3), 3, max_features=0.6, random_state=0),
    ],
    ids=str,
)
def test_trees_that_vote_are_the_same_to_the_last_bit(tmp_path, model, labels):
    assert hold_model(tmp_path, model, labels=labels)["exact"]


@pytest.mark.parametrize(
    "model",
    [
        BaggingRegressor(random_state=0),
        BaggingRegressor(ExtraTreeRegressor(), 7, max_features=2, max_samples=0.5, random_state=0),
        BaggingRegressor(HistGradientBoostingRegressor(max_iter=5), 3, random_state=0),
    ],
    ids=str,
)
def test_means_of_trees_are_the_same_to_the_last_bit(tmp_path, model):
    assert hold_model(tmp_path, model)["exact"]


@pytest.mark.parametrize("loss", ["linear", "square", "exponential"])
@pytest.mark.parametrize("depth", [1, 3])
def test_weighted_medians_are_the_same(tmp_path, loss, depth):
    tree = DecisionTreeRegressor(max_depth=depth)
    model = AdaBoostRegressor(tree, n_estimators=12, loss=loss, random_state=0)
    assert hold_model(tmp_path, model)["worst_score_difference"] == 0.0
    one = AdaBoostRegressor(DecisionTreeRegressor(), n_estimators=1, random_state=0)
    assert hold_model(tmp_path, one)["worst_score_difference"] == 0.0


def test_a_median_at_half_the_weight_has_the_next_value_for_its_bound():
    table, _, score, _ = make_table()
    tree = DecisionTreeRegressor(max_depth=2)
    model = AdaBoostRegressor(tree, n_estimators=4, random_state=0).fit(table, score)
    assert not find_errors(model, Given(table)).any()
    model.estimator_weights_[:] = [0.1, 0.1, 0.1, 0.3]
    said = np.array([one.predict(table) for one in model.estimators_]).T
    alone = said.argmax(axis=1) == 3  # the others, together, are as much
    found = find_errors(model, Given(table))[alone, 0]
    ordered = np.sort(said[alone], axis=1)
    assert (found == ordered[:, 3] - ordered[:, 2]).all()
    assert found.any()


@pytest.mark.parametrize(
    "model",
    [
        BaggingClassifier(LogisticRegression(), 4, max_features=0.6, random_state=0),
        BaggingClassifier(GaussianNB(), 4, max_samples=8, random_state=0),
        BaggingClassifier(MLPClassifier((4,), max_iter=20), 3, random_state=0),
        BaggingClassifier(make_pipeline(StandardScaler(), LogisticRegression()), 3, random_state=0),
        BaggingRegressor(Ridge(), 4, max_features=3, bootstrap_features=True, random_state=0),
        BaggingRegressor(SVR(), 3, random_state=0),
        CalibratedClassifierCV(BaggingClassifier(STUMPS, 3, random_state=0), cv=2),
        CalibratedClassifierCV(AdaBoostClassifier(n_estimators=3, random_state=0), cv=2),
        StackingClassifier(
            [
                ("bag", BaggingClassifier(STUMPS, 3, random_state=0)),
                ("ada", AdaBoostClassifier(n_estimators=3, random_state=0)),
            ],
            cv=2,
        ),
        VotingRegressor(
            [("bag", BaggingRegressor(n_estimators=3)), ("ada", AdaBoostRegressor(n_estimators=3))]
        ),
    ],
    ids=str,
)
def test_models_of_models_that_round_are_within_their_bound(tmp_path, model):
    found = hold_model(tmp_path, StandardScaler(), model)
    assert found.get("worst_score_difference", 0.0) < 1e-10


def test_a_mean_of_two_threads_is_within_its_bound(tmp_path):
    """Each adds up its own models first."""
    with parallel_config(backend="threading"):
        for model in (BaggingRegressor(n_jobs=2), BaggingClassifier(n_jobs=2)):
            assert not hold_model(tmp_path, model)["exact"]


def test_missing_values_and_columns_that_no_tree_is_given_are_as_there(tmp_path):
    table, target, score, values = make_table()
    holes = table.mask(np.random.default_rng(0).random(table.shape) < 0.2)
    values = values + read_records(holes)
    for model in (
        BaggingClassifier(STUMPS, 2, max_features=2, random_state=0),
        BaggingRegressor(n_estimators=2, max_features=1, random_state=0),
        BaggingClassifier(HistGradientBoostingClassifier(max_iter=3), 2, random_state=0),
    ):
        pipeline = make_pipeline(model).fit(holes, target if is_classifier(model) else score)
        found = hold(tmp_path / "f", pipeline, NUMBERS, values)
        assert found["exact"] == (type(model.estimator) is not HistGradientBoostingClassifier)
        # Powers of eight of large numbers are infinite, in columns that a tree has and has not.
        steps = [PolynomialFeatures(8, include_bias=False), model]
        pipeline = make_pipeline(*steps).fit(table, target if is_classifier(model) else score)
        hold(tmp_path / "f", pipeline, NUMBERS, values[: ROWS + 20])


def test_sparse_rows_are_bagged_and_boosted(tmp_path):
    for model in (
        AdaBoostClassifier(n_estimators=5, random_state=0),
        BaggingClassifier(STUMPS, 3, max_features=0.5, random_state=0),
    ):
        pipeline = make_pipeline(TfidfVectorizer(), model).fit(TEXTS, LABELS)
        assert hold(tmp_path / "f", pipeline, INPUT, [*TEXTS, "", "never seen"])["exact"]
    table, target, _, values = make_table()
    encoder = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["d"]))
    model = BaggingClassifier(LinearSVC(), 3, bootstrap_features=False, random_state=0)
    pipeline = make_pipeline(encoder, model).fit(table, target)
    width = len(pipeline[0].get_feature_names_out())
    for features in pipeline[1].estimators_features_:
        features[:] = np.arange(width)
    assert hold(tmp_path / "f", pipeline, NUMBERS, values)["exact"]


REFUSED = [
    (AdaBoostClassifier(LogisticRegression()), "'adaboostclassifier', model 1 .*: LogisticReg"),
    (BaggingClassifier(KNeighborsClassifier()), "model 1 within it: KNeighborsClassifier has no"),
    (BaggingClassifier(LinearSVC()), "LinearSVC has no frozen form under bagging"),
    (make_pipeline(PCA(2), BaggingClassifier()), "of trees has no frozen form after a step"),
    (make_pipeline(PCA(2), AdaBoostClassifier()), "AdaBoostClassifier has no frozen form after"),
    (make_pipeline(PCA(2), AdaBoostRegressor()), "for its inexact numbers"),
]


@pytest.mark.parametrize(("model", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_what_has_no_frozen_form_is_refused_by_name(model, says):
    table, target, score, values = make_table()
    pipeline = make_pipeline(model).fit(table, target if is_classifier(model) else score)
    with pytest.raises(CannotFreeze, match=says):
        compile_pipeline(pipeline, NUMBERS, values[:5])


def test_bagging_of_sparse_rows_with_fewer_columns_is_refused():
    model = BaggingClassifier(LinearSVC(), max_features=0.5)
    pipeline = make_pipeline(TfidfVectorizer(), model).fit(TEXTS, LABELS)
    with pytest.raises(CannotFreeze, match=r"step 'baggingclassifier': .* its sparse rows"):
        compile_pipeline(pipeline)

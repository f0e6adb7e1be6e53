"""Classifiers of many labels made of classifiers of two answer frozen as scikit-learn does."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from serving.tests.sample import INPUT, LABELS, TEXTS
from training.freezing.compiler import CannotFreeze, compile_pipeline
from training.freezing.registry import Given, find_errors
from training.tests.frozen import freeze, hold, read_records
from training.tests.test_freeze_ensembles import NUMBERS, hold_model, make_table

pytestmark = pytest.mark.filterwarnings("ignore")
EACH = [OneVsRestClassifier, OneVsOneClassifier]
HUBER = SGDClassifier(loss="modified_huber", random_state=0)
STUMPS = DecisionTreeClassifier(max_depth=2, random_state=0)


@pytest.mark.parametrize("labels", [2, 3, 5])
@pytest.mark.parametrize("kind", EACH)
@pytest.mark.parametrize(
    "classifier",
    [
        STUMPS,
        RandomForestClassifier(3, random_state=0),
        GradientBoostingClassifier(n_estimators=3, random_state=0),
        HistGradientBoostingClassifier(max_iter=3, random_state=0),
        AdaBoostClassifier(n_estimators=3, random_state=0),
    ],
    ids=str,
)
def test_trees_are_the_same_to_the_last_bit(tmp_path, kind, classifier, labels):
    assert hold_model(tmp_path, kind(classifier), labels=labels)["exact"]


@pytest.mark.parametrize("labels", [2, 3, 5])
@pytest.mark.parametrize("kind", EACH)
@pytest.mark.parametrize(
    "classifier",
    [
        BaggingClassifier(STUMPS, 3, random_state=0),
        LogisticRegression(),
        LinearSVC(),
        RidgeClassifier(),
        SVC(),
        SVC(kernel="linear"),
        GaussianNB(),
        LinearDiscriminantAnalysis(),
        MLPClassifier((4,), max_iter=20, random_state=0),
        make_pipeline(StandardScaler(), LogisticRegression()),
        CalibratedClassifierCV(LinearSVC(), cv=2),
        OneVsOneClassifier(LinearSVC()),
        OneVsRestClassifier(GaussianNB()),
    ],
    ids=str,
)
def test_others_are_the_same_within_their_bounds(tmp_path, kind, classifier, labels):
    found = hold_model(tmp_path, kind(classifier), labels=labels)
    assert not found["exact"]
    assert found["near_ties"] == 0


@pytest.mark.parametrize("kind", EACH)
@pytest.mark.parametrize("classifier", [LogisticRegression(), LinearSVC(), HUBER, STUMPS])
def test_texts_are_answered_to_the_last_bit(tmp_path, kind, classifier):
    pipeline = make_pipeline(TfidfVectorizer(), kind(classifier)).fit(TEXTS, LABELS)
    assert hold(tmp_path / "f", pipeline, INPUT, TEXTS)["exact"]


def test_each_of_the_classifiers_can_read_texts_itself(tmp_path):
    within = make_pipeline(TfidfVectorizer(), MultinomialNB())
    pipeline = make_pipeline(OneVsRestClassifier(within)).fit(TEXTS, LABELS)
    found = hold(tmp_path / "f", pipeline, INPUT, TEXTS)
    assert found["worst_score_difference"] < 1e-12
    assert not found["near_ties"]


@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize(
    "model",
    [
        CalibratedClassifierCV(OneVsOneClassifier(STUMPS), cv=2),
        CalibratedClassifierCV(OneVsRestClassifier(SVC()), cv=2),
        OneVsRestClassifier(StackingClassifier([("trees", STUMPS)], cv=2)),
        StackingClassifier([("rest", OneVsRestClassifier(STUMPS))], cv=2),
        BaggingClassifier(OneVsRestClassifier(RandomForestClassifier(2)), 2, random_state=0),
    ],
    ids=str,
)
def test_they_can_be_within_other_models(tmp_path, model, labels):
    found = hold_model(tmp_path, model, labels=labels)
    assert found.get("near_ties", 0) == 0
    assert found.get("worst_score_difference", 0.0) < 1e-9


@pytest.mark.parametrize(
    "model",
    [
        OneVsRestClassifier(LogisticRegression()),
        OneVsOneClassifier(LinearSVC()),
        CalibratedClassifierCV(LinearSVC(), cv=2),
    ],
    ids=str,
)
def test_what_scikit_learn_refuses_is_refused(tmp_path, model):
    table, target, _, _ = make_table()
    pipeline = make_pipeline(model).fit(table, target)
    table.iloc[3, 2] = np.nan
    assert hold(tmp_path / "f", pipeline, NUMBERS, read_records(table))["refused"] == 1


@pytest.mark.parametrize("kind", EACH)
def test_missing_values_are_left_to_what_is_within(tmp_path, kind):
    table, target, _, _ = make_table()
    table.iloc[3, 2] = np.nan
    pipeline = make_pipeline(kind(HistGradientBoostingClassifier(max_iter=3))).fit(table, target)
    found = hold(tmp_path / "f", pipeline, NUMBERS, read_records(table))
    assert found["exact"]
    assert not found["refused"]


@pytest.mark.parametrize("kind", EACH)
def test_regressions_are_refused_by_name(kind):
    table, target, _, values = make_table()
    pipeline = make_pipeline(kind(LinearRegression())).fit(table, target)
    says = (
        "classifier 1 within it: LinearRegression has no frozen form within another model: it has"
    )
    with pytest.raises(CannotFreeze, match=says):
        compile_pipeline(pipeline, NUMBERS, values[:20])


@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize(
    "model",
    [
        HUBER,
        OneVsRestClassifier(HUBER),
        OneVsRestClassifier(make_pipeline(StandardScaler(), HUBER)),
    ],
    ids=str,
)
def test_shares_of_several_clipped_scores_are_refused_where_these_are_not_exact(
    tmp_path, model, labels
):
    """All can be next to -1: then a rounding of one is a large share."""
    if labels == 2:
        assert hold_model(tmp_path, model, labels=2)["near_ties"] == 0
        return
    table, target, _, values = make_table(labels)
    pipeline = make_pipeline(model).fit(table, target)
    with pytest.raises(CannotFreeze, match="its loss modified_huber over dense rows"):
        compile_pipeline(pipeline, NUMBERS, values[:20])


def test_one_of_labels_that_could_turn_has_a_vote_more_for_its_bound(tmp_path):
    table, target, _, values = make_table()
    model = OneVsOneClassifier(LogisticRegression()).fit(table, target)
    rows = table.to_numpy().copy()
    first = model.estimators_[0]
    usual = find_errors(model, Given(rows))
    assert usual.max() < 1e-10
    # The first of the rows is moved to where the first two labels tie.
    weights = first.coef_[0]
    for _ in range(3):
        rows[0] -= weights * (first.decision_function(rows[:1]) / (weights @ weights))
    found = find_errors(model, Given(rows))
    assert (found[0, :2] >= 1).all()
    assert found[0, 2] < 1e-10
    assert found[1:].tolist() == usual[1:].tolist()
    assert find_errors(OneVsOneClassifier(STUMPS).fit(table, target), Given(rows)) is None
    engine, *_ = freeze(tmp_path / "f", make_pipeline(model), NUMBERS, values[:20])
    assert engine.score([tuple(rows[0].tolist())])[0].label in (0, 1, 2)

"""The sklearn engine gives scikit-learn's answers, whatever the classifier."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier, SGDClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.svm import LinearSVC

from serving.app.engines.sklearn import SklearnEngine
from serving.app.engines.weights import linear_weights
from serving.tests.pipelines import PIPELINES
from serving.tests.sample import INPUT, LABELS, TEXTS, fit, write_bundle

CLASSIFIERS = {
    "logistic regression": LogisticRegression(C=10),
    "sgd": SGDClassifier(loss="log_loss", random_state=1),
    "perceptron": Perceptron(random_state=1),
    "ridge": RidgeClassifier(),
    "linear svm": LinearSVC(),
    "calibrated svm": CalibratedClassifierCV(LinearSVC(), cv=2, ensemble=False),
    "calibrated svms": CalibratedClassifierCV(LinearSVC(), cv=2),
    "multinomial naive bayes": MultinomialNB(),
    "complement naive bayes": ComplementNB(),
    "bernoulli naive bayes": BernoulliNB(),
}
TEXT = st.one_of(
    st.text(max_size=200), st.lists(st.sampled_from(" ".join(TEXTS).split())).map(" ".join)
)


@pytest.fixture(scope="module", params=CLASSIFIERS.values(), ids=CLASSIFIERS.keys())
def pipeline(request):
    return fit(request.param)


@settings(deadline=None, max_examples=50)
@given(texts=st.lists(TEXT, min_size=1, max_size=5))
def test_any_texts_score_as_the_pipeline_does(pipeline, texts):
    found = SklearnEngine(pipeline, INPUT).score(texts)
    classes = pipeline.classes_
    assert [classes[one.label] for one in found] == pipeline.predict(texts).tolist()
    if hasattr(pipeline, "predict_proba"):
        assert [one.probabilities for one in found] == pipeline.predict_proba(texts).tolist()
    else:
        assert all(one.probabilities is None for one in found)


@settings(deadline=None, max_examples=50)
@given(text=TEXT)
def test_terms_are_counted_as_the_vectorizer_sees_them(pipeline, text):
    (found,) = SklearnEngine(pipeline, INPUT).score([text])
    terms = pipeline[0].build_analyzer()(text)
    assert found.terms == len(terms)
    assert found.terms - found.unknown_terms == sum(
        term in pipeline[0].vocabulary_ for term in terms
    )


@pytest.mark.parametrize(
    "name", ["logistic regression", "sgd", "linear svm", "complement naive bayes"]
)
def test_weights_of_all_terms_sum_to_the_decision_score(name):
    pipeline = fit(CLASSIFIERS[name])
    classifier, text = pipeline[-1], TEXTS[0]
    engine = SklearnEngine(pipeline, INPUT)
    matrix = pipeline[:-1].transform([text])
    if hasattr(classifier, "decision_function"):
        expected = classifier.decision_function(matrix)[0] - classifier.intercept_
    else:
        expected = classifier.predict_joint_log_proba(matrix)[0]
        expected = expected - expected.mean()
    found = [sum(w for _, w in engine.explain(text, label)) for label in range(len(expected))]
    np.testing.assert_allclose(found, expected)


def test_bernoulli_naive_bayes_is_not_linear_in_the_terms_it_sees():
    assert SklearnEngine(fit(BernoulliNB()), INPUT).explain(TEXTS[0], 0) is None


def test_calibrated_classifiers_weights_are_their_mean():
    classifier = fit(CLASSIFIERS["calibrated svms"])[-1]
    coefficients = [one.estimator.coef_ for one in classifier.calibrated_classifiers_]
    np.testing.assert_allclose(linear_weights(classifier), np.mean(coefficients, axis=0))


def test_binary_weights_are_one_row_and_its_opposite():
    labels = [label == "sailing" for label in LABELS]
    weights = linear_weights(fit(labels=labels)[-1])
    assert weights.shape[0] == 2
    np.testing.assert_array_equal(weights[0], -weights[1])


def test_scoring_warns_of_nothing(pipeline):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SklearnEngine(pipeline, INPUT).score(TEXTS)


WITHOUT_VOCABULARY = (
    "hashing",
    "union of features",
    "pipeline first",
    "neither",
    "calibrated pipeline",
    "vote of pipelines",
)
EXPLAINED = (
    "letters",
    "nothing first",
    "function first",
    "scaler after",
    "selection",
    "no probabilities",
    "subclass",
)


@pytest.fixture(scope="module", params=PIPELINES)
def named(request):
    """A pipeline of any kind, fitted, and its name."""
    return request.param, PIPELINES[request.param]().fit(TEXTS, LABELS)


def test_pipeline_of_any_kind_scores_as_it_does_itself(named):
    _, model = named
    texts = [*TEXTS, "", "zzz", "soup boat " * 20]
    found = SklearnEngine(model, INPUT).score(texts)
    assert [model.classes_[one.label] for one in found] == model.predict(texts).tolist()
    expected = [None] * len(texts)
    if hasattr(model, "predict_proba"):
        expected = model.predict_proba(texts).tolist()
    assert [one.probabilities for one in found] == expected


def test_model_has_no_vocabulary_counts_no_terms(named):
    name, model = named
    (found,) = SklearnEngine(model, INPUT).score(["the boat zzz"])
    if name in WITHOUT_VOCABULARY:
        assert (found.terms, found.unknown_terms) == (None, None)
    else:
        assert 0 < found.unknown_terms < found.terms


def test_columns_are_no_terms_nothing_is_explained(named):
    name, model = named
    found = SklearnEngine(model, INPUT).explain("hoist the sail and steer the boat", 2)
    assert (found is not None) == (name in EXPLAINED)
    if name == "selection":  # of the columns that are left, each has its own term
        kept = dict(zip(model[:-1].get_feature_names_out(), model[-1].coef_[2], strict=True))
        values = model[:-1].transform(["hoist the sail and steer the boat"])
        weights = values.data * model[-1].coef_[2, values.indices]
        assert dict(found).keys() <= kept.keys()
        assert sorted(weight for _, weight in found) == sorted(weights.tolist())
        assert all((weight > 0) == (kept[term] > 0) for term, weight in found if weight)


def test_pipeline_of_any_kind_is_served_without_what_it_lacks(named, start_service, tmp_path):
    name, model = named
    write_bundle(tmp_path, model)
    client = start_service(tmp_path)
    answer = client.request(body={"text": "hoist the sail"})
    assert answer.json["label"] == model.predict(["hoist the sail"])[0]
    (document,) = answer.emf
    has_probabilities = hasattr(model, "predict_proba")
    assert (answer.json["probability"] is not None) == has_probabilities
    assert ("prediction.confidence" in document) == has_probabilities
    assert ("input.unknown_terms" in document) == (name not in WITHOUT_VOCABULARY)
    query = {"explain": "true"}
    explained = client.request(body={"text": "hoist the sail"}, queryStringParameters=query)
    assert (explained.json["explanation"] is not None) == (name in EXPLAINED)

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

from serving.app.engines.sklearn import SklearnEngine, linear_weights
from serving.tests.sample import LABELS, TEXTS, fit

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
    found = SklearnEngine(pipeline).score(texts)
    classes = pipeline.classes_
    assert [classes[one.label] for one in found] == pipeline.predict(texts).tolist()
    if hasattr(pipeline, "predict_proba"):
        assert [one.probabilities for one in found] == pipeline.predict_proba(texts).tolist()
    else:
        assert all(one.probabilities is None for one in found)


@settings(deadline=None, max_examples=50)
@given(text=TEXT)
def test_terms_are_counted_as_the_vectorizer_sees_them(pipeline, text):
    (found,) = SklearnEngine(pipeline).score([text])
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
    engine = SklearnEngine(pipeline)
    matrix = pipeline[:-1].transform([text])
    if hasattr(classifier, "decision_function"):
        expected = classifier.decision_function(matrix)[0] - classifier.intercept_
    else:
        expected = classifier.predict_joint_log_proba(matrix)[0]
        expected = expected - expected.mean()
    found = [sum(w for _, w in engine.explain(text, label)) for label in range(len(expected))]
    np.testing.assert_allclose(found, expected)


def test_bernoulli_naive_bayes_is_not_linear_in_the_terms_it_sees():
    assert SklearnEngine(fit(BernoulliNB())).explain(TEXTS[0], 0) is None


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
        SklearnEngine(pipeline).score(TEXTS)

"""What cannot be frozen is refused by name; what is frozen otherwise than it answers never is."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.calibration import CalibratedClassifierCV, _SigmoidCalibration
from sklearn.decomposition import NMF
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import BaggingClassifier
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.kernel_approximation import AdditiveChi2Sampler
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.svm import LinearSVC

from serving.app.engines.frozen.engine import FrozenEngine
from serving.app.engines.predictor import load_predictor
from serving.app.features import SPLITTERS, normalize, split_words
from serving.bundle.errors import BundleDamaged
from serving.bundle.manifest import processor, read_manifest
from serving.tests.sample import LABELS, TEXTS
from training.console import StepError
from training.freezing import compiler
from training.freezing.compiler import CannotFreeze, compile_pipeline
from training.freezing.inputs.texts import generate_texts
from training.freezing.proof import ProofFailed, SplitterDiffers, prove
from training.freezing.rules.text import next_prime
from training.steps import bundle, evaluate, freeze, prepare, train, validate
from training.tests.conftest import run_steps
from training.tests.sample import PATHS, take_raw


class Subclass(LogisticRegression):
    def decision_function(self, X):
        return super().decision_function(X) + 1


class Transformer(TfidfTransformer):
    def transform(self, X, **options):
        return super().transform(X, **options)


class Calibration(_SigmoidCalibration):
    pass


def fit(*steps, labels=LABELS):
    return Pipeline([(f"step{number}", one) for number, one in enumerate(steps)]).fit(TEXTS, labels)


SHORT = CountVectorizer(preprocessor=str.lower)
REFUSED = [
    ((TfidfVectorizer(analyzer=str.split), LogisticRegression()), "step 'step0': .* its analyzer"),
    ((CountVectorizer(tokenizer=str.split, token_pattern=None), LinearSVC()), "its tokenizer"),
    ((CountVectorizer(preprocessor=str.lower), LinearSVC()), "its preprocessor"),
    ((CountVectorizer(strip_accents=str.lower), LinearSVC()), "its strip_accents"),
    ((TfidfVectorizer(dtype=np.float32), LinearSVC()), "step 'step0': .* for its dtype"),
    ((TfidfVectorizer(dtype=np.int64), LinearSVC()), "its dtype"),
    ((CountVectorizer(dtype=np.float32), LinearSVC()), "its dtype"),
    ((HashingVectorizer(dtype=np.float32), LinearSVC()), "step 'step0': .* its dtype"),
    ((FeatureUnion([("a", SHORT)]), LinearSVC()), "step 'step0', 'a': .* its preprocessor"),
    (
        (TfidfVectorizer(), TfidfTransformer(sublinear_tf=True), LinearSVC()),
        "step 'step1': .* its sublinear_tf",
    ),
    (
        (TfidfVectorizer(), AdditiveChi2Sampler(), LinearSVC()),
        "step 'step1': AdditiveChi2Sampler has no frozen form",
    ),
    ((TfidfVectorizer(), NMF(2), LinearSVC()), "step 'step1': NMF"),
    ((TfidfVectorizer(), KNeighborsClassifier(1)), "step 'step1': KNeighborsClassifier has no"),
    ((TfidfVectorizer(), Subclass()), "step 'step1': Subclass has no frozen form"),
    ((TfidfVectorizer(), DummyClassifier()), "step 'step1': DummyClassifier"),
    ((TfidfVectorizer(), BernoulliNB(alpha=0, force_alpha=True)), "its weights"),
    (
        (TfidfVectorizer(), CalibratedClassifierCV(KNeighborsClassifier(1), cv=2)),
        "step 'step1', classifier 1 within it: KNeighborsClassifier has no",
    ),
    (
        (TfidfVectorizer(), OneVsRestClassifier(KNeighborsClassifier(1))),
        "step 'step1', classifier 1 within it: KNeighborsClassifier has no",
    ),
    (
        (TfidfVectorizer(), OneVsOneClassifier(KNeighborsClassifier(1))),
        "step 'step1', classifier 1 within it: KNeighborsClassifier has no",
    ),
    (
        (TfidfVectorizer(), OneVsRestClassifier(BaggingClassifier(LogisticRegression(), 2))),
        "step 'step1', classifier 1 within it: BaggingClassifier has no frozen form within another",
    ),
    ((TfidfVectorizer(), MultinomialNB(class_prior=[0, 0.5, 0.5])), "its intercept"),
    ((TfidfVectorizer(vocabulary=["boat", "never"], smooth_idf=False), LinearSVC()), "its idf_"),
    ((CountVectorizer(), Transformer(), LinearSVC()), "step 'step1': Transformer has no frozen"),
    *(
        (
            (CountVectorizer(vocabulary=words, lowercase=False), MultinomialNB()),
            "step 'step0': .* its vocabulary_",
        )
        for words in ([b"boat", b"the"], [1, 2], [("the", "boat")])
    ),
    ((CountVectorizer(ngram_range=(1.0, 1.0)), LinearSVC()), "step 'step0': .* its ngram_range"),
    ((CountVectorizer(ngram_range=(1, math.inf)), LinearSVC()), "step 'step0': .* its ngram_range"),
    *(
        ((CountVectorizer(stop_words=words), LinearSVC()), "step 'step0': .* its stop_words")
        for words in ([b"the"], ["the", b"and"], [("the", "and")], ["the", 1], [None])
    ),
    (
        (TfidfVectorizer(), BernoulliNB(binarize=np.longdouble("0.1"))),
        "step 'step1': .* its binarize",
    ),
    (
        (TfidfVectorizer(), MultinomialNB(class_prior=np.array([0.2, 0.3, 0.5], np.longdouble))),
        "step 'step1': .* its intercept",
    ),
]


@pytest.mark.filterwarnings("ignore")  # scikit-learn's, of what is odd in these
@pytest.mark.parametrize(("steps", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_what_has_no_frozen_form_is_refused_by_step_and_setting(steps, says):
    with pytest.raises(CannotFreeze, match=says):
        compile_pipeline(fit(*steps))


@pytest.mark.parametrize("classifier", [OneVsRestClassifier(LinearSVC()), RidgeClassifier()])
def test_several_labels_a_text_are_refused(classifier):
    several = np.array([[number % 2, number % 3 == 0, 1] for number in range(len(TEXTS))])
    several[0, 2] = 0
    pipeline = fit(TfidfVectorizer(), classifier, labels=several)
    with pytest.raises(CannotFreeze, match="its classes_"):
        compile_pipeline(pipeline)


def change(name, value):
    """A change of a fitted pipeline: its classifier's attribute, or its vectorizer's setting."""

    def apply(pipeline):
        step = pipeline[-1] if hasattr(pipeline[-1], name) else pipeline[0]
        setattr(step, name, value(getattr(step, name)))

    return apply


def lose_a_class(pipeline):
    part = pipeline[-1].calibrated_classifiers_[0].estimator
    part.classes_ = part.classes_[:2]


def replace_within(find, name):
    """Put an attribute in the place of a method of what is found in a pipeline."""
    return lambda pipeline: setattr(find(pipeline), name, lambda *_: None)


def calibrate_by(kind):
    def apply(pipeline):
        part = pipeline[-1].calibrated_classifiers_[0]
        part.calibrators[0].__class__ = kind

    return apply


def first_calibrated(pipeline):
    return pipeline[-1].calibrated_classifiers_[0]


CALIBRATED = CalibratedClassifierCV(LinearSVC(), cv=2)
ONE_VS_REST = OneVsRestClassifier(LinearSVC())


@pytest.mark.parametrize(
    ("classifier", "apply", "says"),
    [
        (LinearSVC(), change("coef_", lambda old: old * np.nan), "its weights"),
        (LinearSVC(), change("coef_", lambda old: old.astype("f4")), "its weights"),
        (LinearSVC(), change("coef_", lambda old: old[:2]), "its classes_"),
        (LinearSVC(), change("input", lambda _: "file"), "its input"),
        (MultinomialNB(), change("classes_", lambda old: old[:1]), "its classes_"),
        (BernoulliNB(), change("binarize", lambda _: math.inf), "its binarize"),
        (BernoulliNB(), change("binarize", lambda _: 10**400), "its binarize"),
        (CALIBRATED, lose_a_class, "its classes_"),
        (LinearSVC(), change("coef_", lambda old: old[:, :5]), "its weights"),
        (LinearSVC(), change("coef_", csr_array), "its coef_"),
        (LinearSVC(), change("classes_", lambda old: old[[0, 0, 1]]), "its classes_"),
        (LinearSVC(), change("decision_function", lambda old: old), "its decision_function"),
        (LinearSVC(), change("decode", lambda old: old), "its decode"),
        (LinearSVC(), change("ngram_range", lambda _: (2, 1)), "its ngram_range"),
        (LinearSVC(), change("ngram_range", lambda _: (0, 2)), "its ngram_range"),
        (LinearSVC(), change("vocabulary_", lambda old: old | {"the": 0}), "its vocabulary_"),
        (LinearSVC(), change("_tfidf", lambda _: TfidfTransformer(norm="max")), "its norm"),
        (LinearSVC(), change("intercept_", lambda old: old * np.inf), "its intercept"),
        (
            LinearSVC(),
            change("_tfidf", lambda _: Transformer()),
            "step 'step0': Transformer has no",
        ),
        (
            LinearSVC(),
            replace_within(lambda pipeline: pipeline[0]._tfidf, "transform"),
            "step 'step0': .* its transform",
        ),
        (LinearSVC(), replace_within(lambda one: one, "predict"), "^the pipeline: .* its predict"),
        (CALIBRATED, replace_within(first_calibrated, "predict_proba"), "its predict_proba"),
        (
            CALIBRATED,
            replace_within(lambda one: first_calibrated(one).calibrators[0], "predict"),
            "step 'step1', within it: .* its predict",
        ),
        (
            CALIBRATED,
            replace_within(lambda one: first_calibrated(one).estimator, "decision_function"),
            "step 'step1', within it: .* its decision_function",
        ),
        (CALIBRATED, calibrate_by(Calibration), "within it: Calibration has no frozen form"),
        (
            ONE_VS_REST,
            replace_within(lambda one: one[-1].estimators_[0], "decision_function"),
            "within it: .* its decision_function",
        ),
        (
            ONE_VS_REST,
            replace_within(lambda one: one[-1].label_binarizer_, "inverse_transform"),
            "within it: .* its inverse_transform",
        ),
    ],
)
def test_what_was_changed_after_fitting_is_refused(classifier, apply, says):
    pipeline = fit(TfidfVectorizer(), classifier)
    apply(pipeline)
    with pytest.raises(CannotFreeze, match=says):
        compile_pipeline(pipeline)


def test_processor_rounds_otherwise_is_refused(monkeypatch):
    assert not compiler._fuses()
    monkeypatch.setattr(compiler, "_fuses", lambda: True)
    with pytest.raises(CannotFreeze, match="freeze on x86-64"):
        compile_pipeline(fit(TfidfVectorizer(), LinearSVC()))


def test_what_is_no_pipeline_of_texts_is_refused():
    with pytest.raises(CannotFreeze, match="NoneType is no model"):
        compile_pipeline(None)
    with pytest.raises(CannotFreeze, match="step 'only': the freezer cannot read it"):
        compile_pipeline(Pipeline([("only", LogisticRegression())]))
    unfitted = Pipeline([("words", TfidfVectorizer()), ("classify", LinearSVC())])
    with pytest.raises(CannotFreeze, match=r"^step 'words': .* cannot read it \(AttributeError: "):
        compile_pipeline(unfitted)


def test_steps_that_do_nothing_are_passed_over():
    pipeline = fit(CountVectorizer(), "passthrough", None, LinearSVC())
    model = compile_pipeline(pipeline)
    assert model.classes == sorted(set(LABELS))
    assert [one.type for one in model.ops] == ["vectorize", "linear", "classify"]


@pytest.mark.parametrize("number", [0, 1, 2, 7, 8, 113, 1000])
def test_number_of_buckets_is_a_prime(number):
    prime = next_prime(number)
    assert prime > number
    assert all(prime % factor for factor in range(2, prime))


class Engine:
    """Answers as the pipeline does, but for what is changed."""

    def __init__(self, pipeline, **changes):
        self.classes = [str(one) for one in pipeline.classes_]
        self.pipeline, self.changes = pipeline, changes
        self.first = SimpleNamespace(
            split=changes.get("split"),
            analyze=changes.get("analyze", pipeline[0].build_analyzer()),
        )

    def score(self, texts):
        probabilities = self.pipeline.predict_proba(texts)
        labels = [self.classes.index(one) for one in self.pipeline.predict(texts)]
        if texts[-1] == TEXTS[-1]:
            labels[-1] = self.changes.get("label", labels[-1])
            probabilities[-1] += self.changes.get("probability", 0)
        if len(texts) == 1:
            probabilities += self.changes.get("alone", 0)
        unknown = self.changes.get("unknown_terms", 0) * len(texts)
        return [Score(*pair, unknown) for pair in zip(labels, probabilities.tolist(), strict=True)]

    def run(self, text, _):
        scores = self.pipeline.decision_function([text])[0].copy()
        if self.changes.get("bit"):
            scores[0] = np.nextafter(scores[0], np.inf)
        return scores


class Score:
    terms, value = 1, 0.0

    def __init__(self, label, probabilities, unknown_terms=0):
        self.label, self.probabilities, self.unknown_terms = label, probabilities, unknown_terms


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"label": 0}, "1 of 12 labels"),
        ({"bit": True}, "decision scores of 12 of 12 inputs"),
        ({"probability": 1e-11}, r"differs by 1\.0e-11"),
        ({"alone": 1e-16}, "another answer alone than in a batch"),
        ({"unknown_terms": 1}, "another answer alone than in a batch"),
    ],
)
def test_any_difference_fails_the_proof(changes, says):
    pipeline = fit(TfidfVectorizer(), LogisticRegression())
    assert prove(pipeline, Engine(pipeline), TEXTS)["inputs"] == 12
    with pytest.raises(ProofFailed, match=says):
        prove(pipeline, Engine(pipeline, **changes), TEXTS)


def test_splitter_is_not_what_its_preprocessor_finds_is_named_by_the_proof(monkeypatch):
    def split(text):
        return [word for word in split_words(text) if word != "soup"]

    pipeline = fit(TfidfVectorizer(preprocessor=normalize), LogisticRegression())
    monkeypatch.setitem(SPLITTERS, "normalize", split)
    says = "features.py: split has 'with' where normalize and the token pattern have 'soup': make"
    with pytest.raises(SplitterDiffers, match=says):
        prove(pipeline, Engine(pipeline, split=split, analyze=split), TEXTS)


@pytest.mark.parametrize("split", [split_words, str.split])
def test_terms_are_not_the_vectorizers_fails_the_proof(split):
    pipeline = fit(TfidfVectorizer(preprocessor=normalize), LogisticRegression())
    engine = Engine(pipeline, split=split, analyze=lambda _: ["other"])
    with pytest.raises(ProofFailed, match="the terms of a text are not the vectorizer's") as caught:
        prove(pipeline, engine, TEXTS)
    assert not isinstance(caught.value, SplitterDiffers)


def test_pipeline_without_probabilities_and_a_frozen_one_with_fails_the_proof():
    pipeline = fit(TfidfVectorizer(), LinearSVC())
    engine = Engine(fit(TfidfVectorizer(), LogisticRegression()))
    engine.run = lambda text, _: pipeline.decision_function([text])[0]
    labels = [engine.classes.index(one) for one in pipeline.predict(TEXTS)]
    engine.score = lambda texts: [
        Score(label, [1.0]) for label, text in zip(labels, TEXTS, strict=True) if text in texts
    ]
    with pytest.raises(ProofFailed, match="has probabilities, and the pipeline has none"):
        prove(pipeline, engine, TEXTS)


def test_generated_texts_are_the_same_each_time_and_as_many_as_asked_for():
    words = ["boat", "soup", "soil"]
    first = list(generate_texts(words, 50, seed=1))
    assert first == list(generate_texts(words, 50, seed=1))
    assert len(first) == 50
    assert "" in first
    assert max(map(len, first)) == 50_000


@pytest.fixture
def trained(workspace, sample_archive):
    take_raw(sample_archive)
    run_steps(prepare, validate, train, evaluate)


def test_nothing_is_trained_yet_says_what_is_missing_and_what_makes_it(workspace):
    with pytest.raises(
        StepError, match=r"model\.joblib is missing: make it with 'make train MODEL=sample'"
    ):
        freeze.main(PATHS)


def test_model_is_frozen_twice_is_the_same_file(trained, capsys):
    freeze.main(PATHS)
    assert "all labels and decision scores are the model's" in capsys.readouterr().out
    data, report = PATHS.frozen.read_bytes(), PATHS.freeze.read_text()
    freeze.main(PATHS)
    assert (PATHS.frozen.read_bytes(), PATHS.freeze.read_text()) == (data, report)
    assert json.loads(report)["inputs"] == 150
    assert json.loads(report)["worst_probability_difference"] <= 1e-12


def test_model_cannot_be_frozen_is_served_by_scikit_learn_and_says_why(
    trained, monkeypatch, capsys
):
    def refuse(*_):
        raise CannotFreeze("step 'scale': it has no frozen form")

    monkeypatch.setattr(freeze, "compile_pipeline", refuse)
    freeze.main(PATHS)
    bundle.main(PATHS)
    assert "cannot be frozen: step 'scale'" in capsys.readouterr().out
    manifest = read_manifest(PATHS.bundle)
    assert (manifest.engine, list(manifest.files)) == ("sklearn", [PATHS.model.name])
    refused = {"refused": "step 'scale': it has no frozen form"}
    assert manifest.frozen == refused | {"processor": processor()}
    assert PATHS.frozen.read_text() == "not frozen: step 'scale': it has no frozen form\n"
    assert load_predictor(PATHS.bundle).predict(["nasa orbit"])[0].label.id == "stars"


def test_frozen_file_cannot_be_opened_leaves_no_file(trained, monkeypatch):
    def fail(*_):
        raise BundleDamaged("no such op")

    monkeypatch.setattr(freeze, "open_engines", fail)
    with pytest.raises(BundleDamaged):
        freeze.main(PATHS)
    assert [path.name for path in PATHS.bundle.glob("model.*")] == [PATHS.model.name]


def test_splitter_was_not_changed_with_its_preprocessor_stops_the_stage_by_its_name(
    trained, monkeypatch
):
    monkeypatch.setitem(SPLITTERS, "normalize", str.split)
    with pytest.raises(StepError, match=r"^serving/app/features\.py: split has .* train again$"):
        freeze.main(PATHS)
    assert [path.name for path in PATHS.bundle.glob("model.*")] == [PATHS.model.name]


def test_frozen_model_answers_otherwise_stops_the_stage_and_leaves_no_file(trained, monkeypatch):
    monkeypatch.setattr(FrozenEngine, "run", lambda *_: [0.0] * 10)
    with pytest.raises(StepError, match="is not the model: decision scores of"):
        freeze.main(PATHS)
    assert [path.name for path in PATHS.bundle.glob("model.*")] == [PATHS.model.name]

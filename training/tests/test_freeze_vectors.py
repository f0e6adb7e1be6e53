"""Models that hold rows against vectors, and projections, answer frozen as scikit-learn does."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    GammaRegressor,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    TweedieRegressor,
)
from sklearn.naive_bayes import CategoricalNB, GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM
from sklearn.tree import DecisionTreeClassifier

from serving.app.engines.frozen.ops.discriminants import CategoryLogs, Gaussian, Quadratic
from serving.app.engines.frozen.ops.vectors import Kernels, Pairs, Votes, couple
from serving.app.engines.shape import shape
from training.freezing.compiler import CannotFreeze, compile_pipeline
from training.tests.frozen import describe_records, hold, read_images, read_records

NAMES = ["a", "b", "c", "d"]
NUMBERS = describe_records(NAMES)
MIXED = describe_records(NAMES, ["kind", "place"])
KERNELS = [
    {"kernel": "rbf"},
    {"kernel": "rbf", "gamma": 3.0},
    {"kernel": "linear"},
    {"kernel": "poly", "degree": 2, "coef0": 1.0},
    {"kernel": "poly", "degree": 5},
    {"kernel": "sigmoid", "gamma": 0.05, "coef0": -0.3},
]
NEAR = 1e-9
AWKWARD = [0.0, -0.0, 5e-324, -1e-310, 1e-160, 1e6, -3e8]


def make_table(seed, rows=160, labels=3):
    """Numbers, categories, labels and positive values that hang together."""
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(rows, 4)) * [1.0, 30.0, 0.01, 1.0] + [0.0, 100.0, 0.0, -2.0]
    table = pd.DataFrame(numbers, columns=NAMES)
    table["kind"] = random.choice(["x", "y", "z"], rows)
    table["place"] = random.choice(["p", "q"], rows)
    score = table["a"] + table["b"] / 30 + (table["kind"] == "x") + random.normal(size=rows) / 2
    target = pd.qcut(score, labels, labels=False).to_numpy()
    return table, target, np.exp(score.to_numpy() / 3)


def list_values(table, names=NAMES):
    """The records of a table, and awkward ones."""
    odd = table.head(len(AWKWARD) * len(NAMES)).copy()
    for number, (column, value) in enumerate((one, x) for one in NAMES for x in AWKWARD):
        odd.loc[odd.index[number], column] = value
    return read_records(pd.concat([table, odd], ignore_index=True)[names])


def scale(*steps):
    return make_pipeline(StandardScaler(), *steps)


def hold_numbers(tmp_path, model, *, labels=3, seed=0):
    """Fit a pipeline on numbers, to labels or values, and hold it against its frozen form.

    Returns:
        The worst difference of scores on numbers like those; to awkward ones nothing but the
        bound applies.
    """
    table, target, values = make_table(seed, labels=labels)
    last = model[-1] if hasattr(model, "steps") else model
    model.fit(table[NAMES], target if is_classifier(last) else values)
    hold(tmp_path / "f", model, NUMBERS, list_values(table))
    found = hold(tmp_path / "f", model, NUMBERS, read_records(table[NAMES]))
    return found["worst_score_difference"]


def is_classifier(model):
    return model.__sklearn_tags__().estimator_type == "classifier"


@pytest.mark.parametrize("settings", KERNELS, ids=str)
@pytest.mark.parametrize("labels", [2, 3, 5])
def test_support_vectors_vote_as_libsvm(tmp_path, settings, labels):
    assert hold_numbers(tmp_path, scale(SVC(**settings)), labels=labels) < NEAR


@pytest.mark.parametrize(
    "model",
    [
        NuSVC(nu=0.3),
        SVC(decision_function_shape="ovo", class_weight="balanced"),
        SVC(C=1e4, shrinking=False),
        SVR(),
        SVR(kernel="linear", epsilon=0.5),
        SVR(kernel="poly", coef0=0.5),
        SVR(epsilon=100.0),  # no vectors at all
        NuSVR(nu=0.3, gamma=0.1),
        KernelRidge(),
        KernelRidge(kernel="rbf", gamma=0.1, alpha=0.1),
        KernelRidge(kernel="rbf"),
        KernelRidge(kernel="polynomial", degree=2),
        KernelRidge(kernel="sigmoid", gamma=0.01),
        LinearDiscriminantAnalysis(),
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
        QuadraticDiscriminantAnalysis(),
        QuadraticDiscriminantAnalysis(reg_param=0.3, priors=[0.2, 0.3, 0.5]),
        QuadraticDiscriminantAnalysis(solver="eigen", shrinkage=0.1),
        GaussianNB(),
        GaussianNB(priors=[0.1, 0.1, 0.8], var_smoothing=1e-3),
    ],
    ids=str,
)
def test_a_model_of_numbers_answers_within_its_bound(tmp_path, model):
    assert hold_numbers(tmp_path, scale(model)) < NEAR


@pytest.mark.parametrize("model", [GaussianNB(), LinearDiscriminantAnalysis(), SVC()], ids=str)
def test_a_model_without_steps_before_it_answers_within_its_bound(tmp_path, model):
    assert hold_numbers(tmp_path, model, labels=2) < NEAR


@pytest.mark.filterwarnings("ignore:.*probability.*:FutureWarning")
@pytest.mark.parametrize("model", [SVC, NuSVC])
@pytest.mark.parametrize("labels", [2, 3, 5])
def test_probabilities_of_pairs_are_coupled_as_libsvm_does(tmp_path, model, labels):
    table, target, _ = make_table(0, labels=labels)
    pipeline = scale(model(probability=True, random_state=0)).fit(table[NAMES], target)
    found = hold(tmp_path / "f", pipeline, NUMBERS, list_values(table))
    assert found["worst_probability_difference"] < 1e-12


@pytest.mark.parametrize(
    "model",
    [
        PoissonRegressor(),
        GammaRegressor(alpha=0.1),
        TweedieRegressor(power=1.5),
        TweedieRegressor(power=0),
        TweedieRegressor(power=0, link="log"),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_a_generalized_linear_model_answers_through_its_link(tmp_path, model):
    table, _, values = make_table(1)
    pipeline = scale(model).fit(table[NAMES], values)
    assert hold(tmp_path / "f", pipeline, NUMBERS, read_records(table[NAMES]))["inputs"] == 160


@pytest.mark.parametrize(
    "projection",
    [
        PCA(2),
        PCA(3, whiten=True),
        PCA(0.8, svd_solver="full"),
        IncrementalPCA(2, whiten=True),
        TruncatedSVD(2, random_state=0),
        Nystroem(n_components=20, random_state=0),
        Nystroem(kernel="poly", degree=2, n_components=5, random_state=0),
        Nystroem(kernel="linear", n_components=4, random_state=0),
        Nystroem(kernel="sigmoid", gamma=0.1, n_components=5, random_state=0),
        RBFSampler(n_components=30, random_state=0),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "model", [LogisticRegression(), SVC(), Ridge(), GaussianNB(), SVR(kernel="poly")], ids=str
)
def test_errors_of_a_projection_are_passed_on_to_the_model(tmp_path, projection, model):
    assert hold_numbers(tmp_path, scale(projection, StandardScaler(), model)) < NEAR


@pytest.mark.parametrize(
    "model",
    [
        QuadraticDiscriminantAnalysis(),
        LinearDiscriminantAnalysis(),
        PoissonRegressor(),
        SVC(),
        SVR(),
    ],
    ids=str,
)
def test_errors_pass_through_two_projections(tmp_path, model):
    table, target, values = make_table(3)
    pipeline = scale(PCA(3), PCA(2, whiten=True), model)
    pipeline.fit(table[NAMES], target if is_classifier(model) else values)
    hold(tmp_path / "f", pipeline, NUMBERS, read_records(table[NAMES]))


def encode(**settings):
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return make_column_transformer(
        (numbers, NAMES),
        (OneHotEncoder(handle_unknown="ignore"), ["kind", "place"]),
        **settings,
    )


@pytest.mark.parametrize(
    "steps",
    [
        [SVC()],
        [SVC(kernel="linear")],
        [SVC(kernel="poly", coef0=0.5)],
        [SVR()],
        [SVR(kernel="linear")],
        [KernelRidge(kernel="rbf")],
        [KernelRidge()],
        [PoissonRegressor()],
        [TweedieRegressor(power=0)],
        [TruncatedSVD(3, random_state=0), LogisticRegression()],
        [PCA(3, svd_solver="arpack", random_state=0), LogisticRegression()],
        [RBFSampler(random_state=0), Ridge()],
        [Nystroem(n_components=10, random_state=0), Ridge()],
    ],
    ids=str,
)
@pytest.mark.parametrize("threshold", [0.0, 1.0], ids=["dense", "sparse"])
def test_records_with_holes_and_unknown_categories_answer_as_the_pipeline(
    tmp_path, steps, threshold
):
    table, target, values = make_table(5)
    table.iloc[3:20, 1] = np.nan
    pipeline = make_pipeline(encode(sparse_threshold=threshold), *steps)
    pipeline.fit(table, target if is_classifier(pipeline[-1]) else values)
    asked = table.copy()
    asked.loc[5:30, "kind"] = "never"
    hold(tmp_path / "f", pipeline, MIXED, read_records(pd.concat([table, asked])))


def test_sparse_components_are_the_same_to_the_last_bit(tmp_path):
    table, target, _ = make_table(6)
    tree = DecisionTreeClassifier(random_state=0)  # takes no others
    pipeline = make_pipeline(encode(sparse_threshold=1.0), TruncatedSVD(3, random_state=0), tree)
    pipeline.fit(table, target)
    assert hold(tmp_path / "f", pipeline, MIXED, read_records(table))["exact"]


def test_categories_of_naive_bayes_are_summed_in_its_own_order(tmp_path):
    table, target, _ = make_table(7)
    described = describe_records([], ["kind", "place"])
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    for settings in ({}, {"alpha": 0.01}, {"fit_prior": False}, {"min_categories": 5}):
        pipeline = make_pipeline(encoder, CategoricalNB(**settings))
        pipeline.fit(table[["kind", "place"]], target)
        values = [*read_records(table[["kind", "place"]]), ("never", "p"), ("x", "x")]
        found = hold(tmp_path / "f", pipeline, described, values)
        assert found["exact"]
        assert found["refused"] == 2


def test_categories_are_cut_to_whole_numbers_and_others_refused(tmp_path):
    rows = pd.DataFrame({"a": [0, 1, 2, 1.0], "b": [0, 0, 1, 1.0]})
    model = CategoricalNB().fit(rows, [0, 1, 1, 0])
    values = [(0.9, 1.0), (-0.5, 0.0), (2.99, 0.0), (3.0, 0.0), (-1.0, 0.0), (1.0, 1e10)]
    found = hold(tmp_path / "f", model, describe_records(["a", "b"]), values)
    assert (found["exact"], found["refused"]) == (True, 3)


def test_support_vectors_of_texts_answer_as_the_pipeline(tmp_path):
    texts = ["a red boat", "a blue boat", "red wine", "blue sea", "the sea", "old wine"] * 3
    labels = ["x", "x", "y", "z", "z", "y"] * 3
    for model in (SVC(), SVC(kernel="linear"), TruncatedSVD(3, random_state=0)):
        steps = [model] if isinstance(model, SVC) else [model, SVC()]
        pipeline = make_pipeline(TfidfVectorizer(), *steps).fit(texts, labels)
        described = {"kind": "text", "example": ""}
        hold(tmp_path / "f", pipeline, described, [*texts, "", "never seen", "red red sea"])


@pytest.mark.filterwarnings("ignore:Singular matrix", "ignore:Ill-cond", "ignore:Solver term")
@pytest.mark.parametrize("seed", range(12))
def test_random_settings_answer_within_their_bounds(tmp_path, seed):
    random = np.random.default_rng(seed)
    settings = {
        "kernel": random.choice(["rbf", "poly", "sigmoid", "linear"]).item(),
        "gamma": float(10 ** random.uniform(-4, 1)),
        "coef0": float(random.normal()),
        "degree": int(random.integers(0, 6)),
    }
    models = [
        SVC(C=10.0, max_iter=5000, **settings),
        SVR(max_iter=5000, **settings),
        KernelRidge(alpha=0.1, **settings),
    ]
    for model in models[: 2 if settings["kernel"] == "sigmoid" else 3]:
        steps = [PCA(int(random.integers(1, 5)), whiten=bool(random.integers(2)))]
        labels = int(random.integers(2, 5))
        hold_numbers(tmp_path, scale(*steps[: random.integers(2)], model), labels=labels, seed=seed)


REFUSED = [
    ([SVC(kernel=lambda x, y: x @ y.T)], "step 'svc': .* its kernel"),
    ([SVC(break_ties=True)], "step 'svc': .* its break_ties"),
    ([KernelRidge(kernel="laplacian")], "step 'kernelridge': .* its kernel"),
    ([KernelRidge(kernel="poly", degree=1.5, coef0=9)], "its degree"),
    ([Nystroem(kernel="cosine", n_components=5), Ridge()], "step 'nystroem': .* its kernel"),
    ([PCA(2), DecisionTreeClassifier()], "no frozen form after a step whose numbers"),
    ([KNeighborsClassifier()], "KNeighborsClassifier has no frozen form"),
    ([LinearDiscriminantAnalysis(), Ridge()], "LinearDiscriminantAnalysis has no frozen form"),
    ([OneClassSVM()], "OneClassSVM has no frozen form"),
]


@pytest.mark.parametrize(("steps", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_what_has_no_frozen_form_is_refused_by_step_and_setting(steps, says):
    table, target, _ = make_table(0)
    pipeline = make_pipeline(StandardScaler(), *steps).fit(table[NAMES], target)
    with pytest.raises(CannotFreeze, match=says):
        compile_pipeline(pipeline, NUMBERS, read_records(table[NAMES].head(5)))


def test_single_precision_is_refused():
    table, target, _ = make_table(0)
    rows = table[NAMES].to_numpy(np.float32)
    for model in (PCA(2), LinearDiscriminantAnalysis()):
        pipeline = make_pipeline(model, LogisticRegression()) if isinstance(model, PCA) else model
        pipeline.fit(rows, target)
        with pytest.raises(CannotFreeze, match=r"weights|components_|single precision"):
            compile_pipeline(pipeline, NUMBERS, read_records(table[NAMES].head(5)))


KERNEL = {"kernel": "rbf", "gamma": 1.0, "coef0": 0.0, "degree": 3, "inputs": 2}
PLACES = {"sections": {"vectors": [0, 24]}}
DAMAGED = [
    (Kernels, KERNEL | PLACES),
    (Kernels, KERNEL | PLACES | {"inputs": 0}),
    (Pairs, {"counts": [1, 2], "intercept": [0.0], "sections": {"coefficients": [0, 16]}}),
    (Pairs, {"counts": [1, 2], "intercept": [], "sections": {"coefficients": [0, 24]}}),
    (Pairs, {"counts": [-1, 4], "intercept": [0.0], "sections": {"coefficients": [0, 24]}}),
    (Votes, {"labels": 1, "slopes": None, "intercepts": None}),
    (Votes, {"labels": 3, "slopes": [1.0], "intercepts": [1.0]}),
    (Gaussian, {"constants": [1.0], "inputs": 1, "sections": {"means": [0, 8], "weights": [0, 9]}}),
    (Quadratic, {"constants": [1.0], "inputs": 1, "sections": {"means": [0, 8], "axes": [0, 9]}}),
    (CategoryLogs, {"counts": [2], "intercept": [1.0], "sections": {"logs": [0, 8]}}),
]


@pytest.mark.parametrize(("op", "settings"), DAMAGED)
def test_an_op_refuses_settings_that_are_not_its_own(op, settings):
    with pytest.raises(ValueError, match=r"shape|labels|pairs|intercepts"):
        op(None, settings)


def test_coupled_probabilities_of_even_pairs_are_even():
    assert couple([[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]]) == [1 / 3] * 3


def test_votes_that_tie_go_to_the_first_label():
    votes = Votes(None, {"labels": 3, "slopes": None, "intercepts": None})
    assert votes([1.0, -1.0, 1.0]) == (0, None)
    assert votes([-1.0, 1.0, -1.0]) == (0, None)  # each has one vote
    assert votes([-1.0, -1.0, -1.0]) == (2, None)


def test_a_decision_that_rounding_turns_is_a_near_tie_of_the_vote(tmp_path):
    random = np.random.default_rng(0)
    half = random.normal(size=(30, 4)) + 0.5
    rows = pd.DataFrame(np.vstack([half, -half]), columns=NAMES)
    model = SVC(gamma=0.3).fit(rows, np.repeat([0, 1], 30))
    model.intercept_[:] = model._intercept_[:] = 0.0
    asked = [(0.0, 0.0, 0.0, 0.0), *((x, -x, x, -x) for x in (1e-17, -1e-17, 1e-16, -1e-16))]
    hold(tmp_path / "f", model, NUMBERS, asked)


IMAGE = {"kind": "image", "width": 12, "height": 10}


@pytest.mark.parametrize(
    "steps",
    [
        [LogisticRegression()],
        [LogisticRegression(max_iter=300), "three"],
        [PCA(10, whiten=True, random_state=0), SVC()],
        [GaussianNB(var_smoothing=1e-3)],
        [PCA(5, random_state=0), QuadraticDiscriminantAnalysis()],
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:lbfgs failed")
def test_pictures_black_white_and_in_between_answer_as_the_pipeline(tmp_path, steps):
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (90, 120)) * (random.random((90, 120)) < 0.3)
    labels = np.arange(90) % (3 if "three" in steps else 2)
    pixels[:, :10] += labels[:, None] * 20
    pixels[:2], pixels[2:4, ::40] = 255, 0
    pixels[4], pixels[5] = 0, 0
    pixels[5, 7] = 9
    pixels = np.clip(pixels, 0, 255)
    pipeline = make_pipeline(*[one for one in steps if one != "three"])
    values = read_images(pixels)
    pipeline.fit(shape(IMAGE, values), labels)
    hold(tmp_path / "f", pipeline, IMAGE, values)


def test_vectors_that_a_row_would_wait_for_are_refused():
    texts = [" ".join(f"w{number}" for number in range(start, start + 900)) for start in range(40)]
    texts += [f"v{number}" for number in range(17_000)]
    labels = ["x", "y"] * 8_520
    few = make_pipeline(TfidfVectorizer(), TruncatedSVD(2, random_state=0)).fit(texts)
    assert compile_pipeline(
        make_pipeline(*(one for _, one in few.steps), GaussianNB()).fit(texts[:100], labels[:100])
    )
    pipeline = make_pipeline(TfidfVectorizer().fit(texts), SVC()).fit(texts[:50], labels[:50])
    pipeline[0].fit(texts)
    pipeline[1].fit(pipeline[0].transform(texts[:50]), labels[:50])
    with pytest.raises(CannotFreeze, match=r"step 'svc': .* its \d+,\d+ columns"):
        compile_pipeline(pipeline)

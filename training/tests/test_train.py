"""Candidates, the rule by which one wins, and what is left of it."""

import io
import os
import platform
import subprocess
import sys

import joblib
import numpy as np
import pytest
import yaml
from dvc.api import params_show
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegressionCV

from serving.app.features import normalize
from serving.tests.tracked import ROOT
from training.console import StepError
from training.data.dataset import Example
from training.fitting.strip import strip
from training.freezing.rehearsal import rehearse
from training.paths import Paths
from training.settings.params import CONCERNS, Params, Train, read_params
from training.steps import train
from training.tests.models.sample.model import CLASSIFIERS
from training.tests.sample import (
    NAME,
    PATHS,
    PRICES,
    SMALL_PARAMS,
    candidates,
    compare,
    make_rows,
    put_model,
    take_columns,
    text_input,
)

DOCUMENTS = [
    Example(number, topic, text)
    for number, (topic, text) in enumerate(make_rows(12, seed=3))
    if topic in ("remedies", "stars", "cars")
]
PARAMS = Params.model_validate(SMALL_PARAMS).train


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A tree with the tests' own models."""
    for name in (NAME, PRICES):
        put_model(tmp_path, name=name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def with_params(**changes):
    return PARAMS.model_copy(update=changes)


def test_grid_is_spelt_out_in_the_order_of_the_file():
    assert [str(one) for one in candidates(PARAMS)] == [
        "complement_naive_bayes(alpha=0.1)",
        "complement_naive_bayes(alpha=1.0)",
        "linear_svm(C=1.0)",
    ]


def test_grid_has_values_of_any_kind_keeps_and_shows_them(monkeypatch):
    monkeypatch.setitem(CLASSIFIERS, "forest", lambda _, **given: RandomForestClassifier(**given))
    grid = {
        "n_estimators": 100,
        "criterion": ["gini", "log_loss"],
        "max_depth": [None],
        "bootstrap": True,
        "max_features": 0.5,
        "class_weight": {"remedies": 2},
    }
    params = {**SMALL_PARAMS["train"], "candidates": {"forest": grid}}
    found = list(candidates(Train.model_validate(params)))
    assert [one.settings["criterion"] for one in found] == ["gini", "log_loss"]
    settings = found[0].settings
    assert settings == {**grid, "criterion": "gini", "max_depth": None}
    assert [type(settings[name]) for name in ("n_estimators", "bootstrap")] == [int, bool]
    assert vars(found[0].pipeline[-1]).items() >= settings.items()
    shown = str(found[0])
    assert "n_estimators=100" in shown
    assert "criterion='gini'" in shown
    assert "max_depth=None" in shown
    assert "bootstrap=True" in shown


def test_stop_words_are_a_list_they_are_left_out():
    (candidate, *_) = candidates(with_params(vectorizer={"stop_words": ["the", "a"]}))
    candidate.pipeline.fit(["the sun", "a moon"], ["sun", "moon"])
    assert set(candidate.pipeline[0].vocabulary_) == {"sun", "moon"}


def test_grid_of_lists_gives_tuples(monkeypatch):
    monkeypatch.setitem(CLASSIFIERS, "sgd", lambda _, shape: shape)
    found = candidates(with_params(candidates={"sgd": {"shape": [[1, [2]], [3]]}}))
    assert [one.settings["shape"] for one in found] == [(1, (2,)), (3,)]


# Whatever the shell says: what decides bits is set anew, and numpy takes it.
ODD_SHELLS = [
    {"OPENBLAS_CORETYPE": "PRESCOTT"},
    {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"},
    {"OPENBLAS_BLOCK_FACTOR": "50", "OPENBLAS_L2_SIZE": "64"},
    {"NPY_DISABLE_CPU_FEATURES": "X86_V3"},
    {"NPY_ENABLE_CPU_FEATURES": "X86_V4"},
]


@pytest.mark.parametrize("exported", ODD_SHELLS, ids="+".join)
def test_shell_exports_what_decides_bits_has_no_say(exported):
    code = (
        "import os, training.parallel.fingerprint as p; p.check_arithmetic();"
        "found = p.read_passport();"
        "print(found['BLAS'], found[\"numpy's kernels\"], *sorted(os.environ), sep='\\n')"
    )
    plain, odd = (
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={key: one for key, one in os.environ.items() if key not in exported} | shell,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for shell in ({}, exported)
    )
    assert odd == plain


@pytest.mark.skipif(platform.machine() != "x86_64", reason="has none of x86-64's kernels")
def test_numpy_was_loaded_before_with_other_kernels_trains_nothing():
    code = "import numpy, scipy.linalg, training.steps.train as train; train.main(None)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"OPENBLAS_CORETYPE": "NEHALEM"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "StepError: numpy computes here with openblas Nehalem, threads: " in done.stderr


def test_wide_dense_product_is_computed_whatever_the_processors_cache():
    """With blocks for a cache of 1,024 KiB, as some processors have, it ended the process."""
    code = (
        "import training, numpy as np\n"
        "wide = np.ones((100, 784))\n"
        "assert (wide @ wide.T == 784).all()"
    )
    env = os.environ | {"OPENBLAS_L2_SIZE": "1024"}
    subprocess.run([sys.executable, "-c", code], env=env, check=True)


def test_cross_validated_classifier_is_stripped_loses_its_paths_and_keeps_its_answers():
    (candidate,) = candidates(with_params(candidates={"logistic_regression": {}}))
    pipeline = candidate.pipeline
    pipeline.steps[-1] = (
        "classifier",
        LogisticRegressionCV(
            Cs=3, cv=2, scoring="f1_macro", l1_ratios=(0,), use_legacy_attributes=True
        ),
    )
    texts = [one.input for one in DOCUMENTS]
    pipeline.fit(texts, [one.target for one in DOCUMENTS])
    before = pipeline.predict_proba(texts)
    size = len(joblib_bytes(pipeline))
    strip(pipeline, texts[:1])
    np.testing.assert_array_equal(pipeline.predict_proba(texts), before)
    assert "coefs_paths_" not in vars(pipeline[-1])
    assert pipeline[-1].coef_.flags.f_contiguous
    assert len(joblib_bytes(pipeline)) < size


def joblib_bytes(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    return file.getvalue()


def test_stripping_changes_an_answer_is_refused(monkeypatch):
    def spoil(pipeline, _):
        pipeline[-1].feature_log_prob_ = pipeline[-1].feature_log_prob_ * 1.0000001

    monkeypatch.setattr(train, "strip", spoil)
    candidate = next(candidates(PARAMS))
    with pytest.raises(StepError, match=r"strip\.py"):
        train.fit(candidate.pipeline, *take_columns(DOCUMENTS))


def try_candidates(**changes):
    """Rehearse the candidates of changed parameters."""
    texts, targets = take_columns(DOCUMENTS)
    rehearse(candidates(with_params(**changes)), text_input(), list(texts), targets)


@pytest.mark.parametrize(
    "changes",
    [
        {"candidates": {"complement_naive_bayes": {}, "sgd": {"penalty": "l3"}}},
        {"candidates": {"complement_naive_bayes": {}, "logistic_regression": {"C": "1"}}},
        {"vectorizer": {"min_df": "2"}},
    ],
)
def test_value_is_none_that_scikit_learn_takes_is_found_by_the_rehearsal(changes):
    with pytest.raises(StepError, match=r"params\.yaml: candidate .*parameter"):
        try_candidates(**changes)


def test_rehearsal_says_which_candidate_could_not_be_frozen(capsys):
    try_candidates(vectorizer={"dtype": "float32"})
    said = capsys.readouterr().out
    assert said.count("could not be frozen") == 3
    assert "candidate linear_svm(C=1.0) could not be frozen" in said


def test_too_few_documents_for_a_rehearsal_are_no_error():
    try_candidates(vectorizer={"min_df": 1000})


def test_best_is_the_highest_mean_and_on_a_tie_the_earlier():
    scores = {"a": [0.5, 0.7], "b": [0.8, 0.6], "c": [0.7, 0.7]}
    compared = [(name, np.array(values)) for name, values in scores.items()]
    assert train.choose(compared, 0.0) == "b"


def test_best_is_the_first_that_is_within_the_tolerance_of_the_highest():
    scores = {"a": [0.5], "b": [0.69], "c": [0.7]}
    compared = [(name, np.array(values)) for name, values in scores.items()]
    chosen = [train.choose(compared, tolerance) for tolerance in (0.0, 0.02, 0.3)]
    assert chosen == ["c", "b", "a"]


def test_comparison_scores_every_candidate_on_every_fold_the_same_each_time():
    one = compare(PARAMS, DOCUMENTS)
    other = compare(PARAMS, DOCUMENTS)
    assert [scores.tolist() for _, scores in one] == [scores.tolist() for _, scores in other]
    assert all(scores.shape == (PARAMS.folds,) for _, scores in one)


def test_scores_come_in_another_order_stay_their_candidates_and_folds(monkeypatch):
    # Both in this process: pytest-randomly imports numpy before training has chosen its kernels, so
    # without pytest-xdist this process sums in another order than those that joblib starts.
    def run_in(order):
        class Parallel:
            def __init__(self, *, return_as, **_):
                assert return_as == "generator_unordered"

            def __call__(self, jobs):
                return (function(*arguments) for function, arguments, _ in order(jobs))

        monkeypatch.setattr(joblib, "Parallel", Parallel)
        return compare(params, DOCUMENTS)

    params = with_params(scoring="neg_log_loss")  # no two are the same
    expected, found = run_in(list), run_in(reversed)
    assert [scores.tolist() for _, scores in found] == [scores.tolist() for _, scores in expected]
    assert len({score for _, scores in found for score in scores}) == len(found) * params.folds


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"candidates": {"oracle": {}}}, "train.candidates.oracle is unknown"),
        ({"candidates": {"sgd": {"sharpness": 1.0}}}, "train.candidates.sgd: .*sharpness"),
        ({"vectorizer": {"colour": 1}}, "train.vectorizer: .*colour"),
        ({"vectorizer": {"preprocessor": None}}, "train.vectorizer: .*preprocessor"),
        ({"vectorizer": {"preprocessing": "digits"}}, "'digits' is none of letters"),
        ({"vectorizer": {"preprocessing": ["letters"]}}, "is none of letters"),
        ({"vectorizer": {"ngram_range": 5}}, "ngram_range"),
        ({"vectorizer": {"ngram_range": ["1", 2]}}, "candidate complement_naive_bayes"),
        ({"scoring": "beauty"}, "'beauty' is none of scikit-learn's scorers"),
        ({"folds": 1000}, "1000 folds"),
        ({"candidates": {"logistic_regression": {"C": -1.0}}}, "candidate logistic_regression"),
        (
            {"candidates": {"no_probabilities": {}}, "scoring": "neg_log_loss"},
            r"candidate no_probabilities\(\): .*predict_proba",
        ),
    ],
)
def test_parameter_is_wrong_says_which(changes, says):
    params = with_params(**changes)
    with pytest.raises(StepError, match=says):
        compare(params, DOCUMENTS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file"),
        ("a: [", "is not YAML"),
        ("prepare: [topics]", "prepare: "),
        ("train: {folds: 1}", "train.folds"),
        ("speed: 1", "speed: Extra inputs"),
        ("seed: 1\nseed: 2", "is not YAML: line 2: found duplicate key"),
        ("evaluate: {min_macro_f1: .nan}", "evaluate.min_macro_f1"),
        ("train: {vectorizer: {max_df: .inf}}", "train.vectorizer.max_df.*finite"),
        ("train: {vectorizer: {a: 2020-01-01}}", "train.vectorizer.a: .*valid JSON value"),
        ("train: {candidates: {sgd: {alpha: []}}}", "train.candidates.sgd: .*alpha has no value"),
        ("train: {candidates: {sgd: {alpha: [.nan]}}}", "train.candidates.sgd.alpha"),
        ("train: {candidates: {sgd: }}", "train.candidates.sgd"),
    ],
)
def test_params_file_is_wrong_says_where(folder, text, says):
    PATHS.params.write_text(text)
    with pytest.raises(StepError, match=says):
        read_params(PATHS)


@pytest.mark.parametrize(
    ("name", "section", "setting", "part"),
    [
        (NAME, "validate", {"max_missing": 0.5}, "record"),
        (NAME, "validate", {"max_leakage": 0.99}, "record"),
        (NAME, "validate", {"max_drift": 0.3}, "record"),
        (NAME, "evaluate", {"max_rmse": 1}, "regression"),
        (NAME, "evaluate", {"interval": {"coverage": 0.9}}, "regression"),
        (NAME, "judge", {"max_moves": 0.1}, "regression"),
        (PRICES, "train", {"vectorizer": {}}, "text"),
        (PRICES, "validate", {"max_lost_letters": 0.1}, "text"),
        (PRICES, "validate", {"min_examples_per_class": 10}, "classification"),
        (PRICES, "evaluate", {"min_macro_f1": 0.5}, "classification"),
        (PRICES, "judge", {"max_flips": 0.1}, "classification"),
    ],
)
def test_setting_is_for_another_kind_or_task_is_refused(folder, name, section, setting, part):
    """Though its value is the default: nobody is left to believe that it bounds anything."""
    paths = Paths(name)
    params = yaml.safe_load(paths.params.read_text())
    params[section] |= setting
    paths.params.write_text(yaml.safe_dump(params))
    full_name = rf"{section}\.{next(iter(setting))}"
    with pytest.raises(StepError, match=rf"{name}/params\.yaml: {full_name} is for {part} models"):
        read_params(paths)


def test_settings_that_concern_a_kind_or_a_task_are_settings():
    sections = {field.alias or name: field for name, field in Params.model_fields.items()}
    for name in CONCERNS:
        section, setting = name.split(".")
        assert setting in sections[section].annotation.model_fields


# What the readers of YAML 1.1 and 1.2 take for different values, and others of the kind.
@pytest.mark.parametrize(
    "value", ["0100", "0o100", "off", "yes", "1e3", "1:30", "0b11", "1_000", "null", "~", "true"]
)
def test_value_is_to_training_what_it_is_to_dvc(folder, value):
    params = {**SMALL_PARAMS, "train": {**SMALL_PARAMS["train"], "vectorizer": {"max_df": "HERE"}}}
    PATHS.params.write_text(yaml.safe_dump(params).replace("HERE", value))
    (folder / ".dvc").mkdir()
    (folder / ".dvc/config").write_text("[core]\n    no_scm = true\n")
    theirs = params_show(str(PATHS.params), repo=str(folder))["train"]["vectorizer"]["max_df"]
    ours = read_params(PATHS).train.vectorizer["max_df"]
    assert (type(ours), ours) == (type(theirs), theirs)


def test_seed_starts_with_a_nought_is_decimal(folder):
    text = yaml.safe_dump({**SMALL_PARAMS, "train": {**SMALL_PARAMS["train"], "seed": "HERE"}})
    PATHS.params.write_text(text.replace("HERE", "0100"))
    assert read_params(PATHS).train.seed == 100


def test_params_file_is_missing_says_so(folder):
    PATHS.params.unlink()
    with pytest.raises(StepError, match="is missing: take it back"):
        read_params(PATHS)


def test_preprocessing_is_the_shared_one_by_reference():
    (candidate, *_) = candidates(PARAMS)
    assert candidate.pipeline[0].preprocessor is normalize
    (default, *_) = candidates(with_params(vectorizer={}))
    assert default.pipeline[0].preprocessor is None
    assert b"serving.app.features" in joblib_bytes(candidate.pipeline)

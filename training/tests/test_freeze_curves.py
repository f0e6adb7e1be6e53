"""Rows of one length and columns bent by curves answer frozen as scikit-learn does."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Normalizer,
    OneHotEncoder,
    PolynomialFeatures,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
)
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeRegressor

from serving.app.engines.frozen.ops.curves import Quantiles, Splines
from serving.app.engines.frozen.ops.norms import Normalize
from serving.tests.sample import INPUT, LABELS, TEXTS
from training.freezing.compiler import CannotFreeze, compile_pipeline
from training.tests.frozen import describe_records, hold, read_records

ROWS = 60
ODD = [0.0, -0.0, 5e-324, -1e-170, 1e-15, 3e-15, -3e38, 1e20, -7.25]


def make_table(width=3, seed=0):
    """Numbers, of which some repeat and some are missing; odd ones; and values to learn."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(ROWS, width)) * 10 ** random.uniform(-1, 2, width)
    rows[:, 0] = np.round(rows[:, 0])
    rows[:, -1] = np.where(random.random(ROWS) < 0.4, 0.0, rows[:, -1])
    table = pd.DataFrame(rows, columns=[f"x{number}" for number in range(width)])
    target = rows[:, 0] + np.sin(rows[:, 1]) + random.normal(size=ROWS)
    asked = pd.DataFrame(random.choice([*ODD, *rows[:, 0]], (40, width)), columns=table.columns)
    asked.iloc[: len(ODD), 0] = ODD
    halves = (table + table.shift(-1).fillna(0)) / 2
    return table, target, read_records(pd.concat([table, asked, halves, table * 3]))


def hold_numbers(path, *steps, width=3, holes=False):
    table, target, values = make_table(width)
    if holes:
        table = table.mask(np.random.default_rng(1).random(table.shape) < 0.1)
        values = read_records(table) + values
    pipeline = make_pipeline(*steps).fit(table, target)
    return hold(path / "f", pipeline, describe_records(table.columns), values)


TREE = DecisionTreeRegressor(random_state=0)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("width", [2, 3, 7, 8, 40])
@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_rows_of_one_length_are_those_of_scikit_learn(tmp_path, norm, width):
    steps = [StandardScaler(), Normalizer(norm)]
    found = hold_numbers(tmp_path, *steps, Ridge(), width=width)
    assert found["worst_score_difference"] < 1e-12
    if norm == "max" or (norm == "l1" and width < 8):
        assert hold_numbers(tmp_path, *steps, TREE, width=width)["exact"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_lengths_that_overflow_or_vanish_are_scikit_learns(tmp_path, norm):
    """Squares and cubes of single precision's largest."""
    steps = [PolynomialFeatures(3, include_bias=False), Normalizer(norm)]
    found = hold_numbers(tmp_path, *steps, Ridge())
    assert found["refused"] == 0
    found = hold_numbers(tmp_path, SimpleImputer(), PCA(2), Normalizer(norm), Ridge())
    assert not found["exact"]


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_sparse_rows_of_one_length_are_the_same_to_the_last_bit(tmp_path, norm):
    for steps in ([], [StandardScaler(with_mean=False)]):
        pipeline = make_pipeline(CountVectorizer(), *steps, Normalizer(norm), LinearSVC())
        pipeline.fit(TEXTS, LABELS)
        assert hold(tmp_path / "f", pipeline, INPUT, [*TEXTS, "", "never seen"])["exact"]
    table, target, values = make_table()
    table["x1"] = table["x1"].round()
    encoder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["x0", "x1"]),
        remainder="passthrough",
        sparse_threshold=1.0,
    )
    pipeline = make_pipeline(encoder, Normalizer(norm), Ridge()).fit(table, target)
    assert hold(tmp_path / "f", pipeline, describe_records(table.columns), values)["exact"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("quantiles", [2, 5, 100, 1000])
@pytest.mark.parametrize("holes", [False, True])
def test_shares_of_training_values_are_the_same_to_the_last_bit(tmp_path, quantiles, holes):
    transformer = QuantileTransformer(n_quantiles=quantiles, random_state=0)
    after = [SimpleImputer()] if holes else []
    assert hold_numbers(tmp_path, transformer, *after, TREE, holes=holes)["exact"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("before", [[], [StandardScaler(), PCA(2)]], ids=["exact", "inexact"])
@pytest.mark.parametrize("output", ["uniform", "normal"])
def test_quantiles_are_within_their_bound(tmp_path, before, output):
    transformer = QuantileTransformer(n_quantiles=50, output_distribution=output, random_state=0)
    found = hold_numbers(tmp_path, *before, transformer, LinearRegression())
    assert found["worst_score_difference"] < 1e-10


EXTRAPOLATIONS = ["error", "constant", "linear", "continue", "periodic"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("beyond", EXTRAPOLATIONS)
@pytest.mark.parametrize("degree", [0, 1, 3, 6])
def test_splines_are_the_same_to_the_last_bit(tmp_path, beyond, degree):
    if degree == 0 and beyond in ("constant", "linear"):
        return
    other = {"include_bias": False, "knots": "quantile", "handle_missing": "zeros"}
    for settings, holes in (({}, False), (other, True)):
        transformer = SplineTransformer(8, degree=degree, extrapolation=beyond, **settings)
        found = hold_numbers(tmp_path, transformer, TREE, holes=holes)
        assert found["exact"]
        assert (found["refused"] > ROWS / 2) == (beyond == "error")


def test_splines_of_a_column_of_one_value_and_of_whole_numbers(tmp_path):
    table = pd.DataFrame({"a": [1, 2, 3, 4, 5, 6] * 3, "b": [7] * 18})
    described = describe_records(["a", "b"])
    for field in described["fields"]:
        field |= {"type": "integer", "nullable": False, "example": 1}
    asked = [*zip(table["a"], table["b"], strict=True)] * 2
    asked += [(one, other) for one in (-3, 0, 1, 4, 6, 9) for other in (0, 7, 9)]
    for beyond in EXTRAPOLATIONS:
        transformer = SplineTransformer(3, degree=2, extrapolation=beyond)
        pipeline = make_pipeline(transformer, TREE).fit(table, table["a"] * 1.5)
        hold(tmp_path / "f", pipeline, described, asked)


def test_splines_that_overflow_are_refused_alike(tmp_path):
    """Powers of six of squares of single precision's largest."""
    splines = SplineTransformer(degree=6, extrapolation="continue")
    steps = [PolynomialFeatures(2, include_bias=False), splines]
    assert 0 < hold_numbers(tmp_path, *steps, TREE)["refused"] < ROWS
    assert hold_numbers(tmp_path, *steps, Ridge())["refused"] > 0


@pytest.mark.filterwarnings("ignore")
def test_a_curve_with_no_frozen_form_is_refused_by_step_and_setting():
    table, target, values = make_table()
    described = describe_records(table.columns)
    sparse = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["x0"]))
    for steps, says in (
        ([SplineTransformer(sparse_output=True)], "step 'splinetransformer': .* its sparse_output"),
        ([SplineTransformer(degree=0)], "step 'splinetransformer': .* its degree"),
        ([SplineTransformer(2, degree=1, extrapolation="linear")], "its n_knots"),
        ([PCA(2), SplineTransformer()], "SplineTransformer has no frozen form after"),
        (
            [sparse, QuantileTransformer(n_quantiles=9)],
            "step 'quantiletransformer': .* its sparse rows",
        ),
    ):
        pipeline = make_pipeline(*steps, Ridge()).fit(table, target)
        with pytest.raises(CannotFreeze, match=says):
            compile_pipeline(pipeline, described, values[:5])
    for output in ("uniform", "normal"):
        pipeline = make_pipeline(
            QuantileTransformer(n_quantiles=9, output_distribution=output), TREE
        )
        pipeline.fit(table, target)
        if output == "uniform":
            compile_pipeline(pipeline, described, values[:5])
            continue
        with pytest.raises(CannotFreeze, match="DecisionTreeRegressor has no frozen form after"):
            compile_pipeline(pipeline, described, values[:5])


SPLINES = {
    "inputs": 1,
    "degree": 1,
    "splines": 2,
    "kept": 2,
    "beyond": "error",
    "missing": False,
    "reach": [1],
    "sections": {},
}
DAMAGED = [
    (Normalize, {"norm": "l3", "sparse": False}),
    (Splines, SPLINES | {"kept": 3}),
    (Splines, SPLINES | {"degree": -1}),
    (Splines, SPLINES | {"beyond": "never"}),
]


@pytest.mark.parametrize(("op", "settings"), DAMAGED)
def test_a_damaged_op_is_refused(op, settings):
    with pytest.raises(ValueError, match=r"another (norm|shape)"):
        op(None, settings)


def test_sections_of_another_shape_are_refused():
    class File:
        def read(self, start, stop):
            return bytes(stop - start)

    sections = {"quantiles": [0, 24], "references": [0, 16]}
    op = Quantiles(File(), {"inputs": 1, "normal": None, "sections": sections})
    with pytest.raises(ValueError, match="another number"):
        op([1.0])
    with pytest.raises(ValueError, match="another width"):
        op([1.0, 2.0])
    op = Splines(File(), SPLINES | {"sections": {"ends": [0, 16], "knots": [0, 24]}})
    with pytest.raises(ValueError, match="another number"):
        op([0.0])

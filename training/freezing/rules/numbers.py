"""Columns of numbers: imputing, scaling, bins, powers, functions, selection."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.feature_selection import (
    RFE,
    RFECV,
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    VarianceThreshold,
)
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)

from serving.app.engines.frozen.ops.numbers import FUNCTIONS
from training.freezing.file import Op
from training.freezing.registry import CannotFreeze, Given, Step, rule
from training.freezing.rounding import EPSILON, ROUNDED

SELECTORS = (
    GenericUnivariateSelect,
    RFE,
    RFECV,
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    VarianceThreshold,
)
# numpy's functions by the names that the op has for them.
UFUNCS = {getattr(np, name): name for name in FUNCTIONS}
EXACT = ("absolute", "sqrt", "square")  # IEEE 754 says their last bit

Errors = NDArray[np.float64] | None


def check_doubles(step: Step) -> None:
    """Refuse rows of another precision than double.

    Raises:
        CannotFreeze: They have one.
    """
    rows = step.given.rows
    kinds = getattr(rows, "dtypes", None)
    kinds = [rows.dtype] if kinds is None else list(kinds)
    if any(kind in (np.float32, np.float16) for kind in kinds):
        raise CannotFreeze(f"{step.name}: there is no frozen form for rows in single precision")


def doubles(values: Any) -> bytes:
    """A section of numbers."""
    return np.ascontiguousarray(values, "<f8").tobytes()


def is_nan(value: Any) -> bool:
    """Whether a value of any type is missing, as SimpleImputer has it by default."""
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def _follow_kept(imputer: SimpleImputer, given: Given) -> Errors:
    """What the columns that are kept have."""
    if given.errors is None:
        return None
    kept, _ = _list_kept(imputer)
    marks = _list_marks(imputer)
    return np.hstack([given.errors[:, kept], np.zeros((len(given.errors), len(marks)))])


def _list_kept(imputer: SimpleImputer) -> tuple[list[int], list[Any]]:
    """The columns that are kept, and what each one's missing values become."""
    pairs = [
        (column, value)
        for column, value in enumerate(imputer.statistics_)
        if not is_nan(value) or imputer.keep_empty_features
    ]
    return [column for column, _ in pairs], [value for _, value in pairs]


def _list_marks(imputer: Any) -> list[int]:
    return imputer.indicator_.features_.tolist() if imputer.add_indicator else []


@rule(SimpleImputer, bound=_follow_kept)
def freeze_imputer(step: Step) -> list[Op]:
    imputer = step.estimator
    check_doubles(step)
    step.refuse(
        missing_values=not is_nan(imputer.missing_values), **{"sparse rows": step.is_sparse}
    )
    kept, fill = _list_kept(imputer)
    fill = [one.item() if isinstance(one, np.generic) else one for one in fill]
    step.refuse(
        statistics_=not all(isinstance(one, str | int | float) for one in fill)
        or any(map(is_nan, fill))
    )
    fill = [one if isinstance(one, str) else float(one) for one in fill]
    return [Op("impute", {"keep": kept, "fill": fill, "marks": _list_marks(imputer)}, {})]


@rule(MissingIndicator)
def freeze_indicator(step: Step) -> list[Op]:
    indicator = step.estimator
    step.refuse(
        missing_values=not is_nan(indicator.missing_values),
        sparse=bool(issparse(indicator.transform(step.given.rows))),
    )
    return [Op("impute", {"keep": [], "fill": [], "marks": indicator.features_.tolist()}, {})]


Steps = list[tuple[str, Any]]


def _list_scaling(scaler: Any) -> Steps:
    """What a scaler does to columns, in its own order; operands that are None are left out."""
    if isinstance(scaler, StandardScaler):
        steps = [
            ("subtract", scaler.mean_ if scaler.with_mean else None),
            ("divide", scaler.scale_ if scaler.with_std else None),
        ]
    elif isinstance(scaler, MinMaxScaler):
        steps = [("multiply", scaler.scale_), ("add", scaler.min_)]
    elif isinstance(scaler, RobustScaler):
        steps = [
            ("subtract", scaler.center_ if scaler.with_centering else None),
            ("divide", scaler.scale_ if scaler.with_scaling else None),
        ]
    else:
        steps = [("divide", scaler.scale_)]
    return [(name, operands) for name, operands in steps if operands is not None]


def bound_scaling(steps: Steps, given: Given) -> Errors:
    """The errors of what a scaler makes of inexact numbers: each step rounds once more."""
    if given.errors is None:
        return None
    values, errors = np.abs(np.asarray(given.rows, np.float64)), given.errors
    for name, operands in steps:
        size = np.abs(operands)
        if name in ("add", "subtract"):
            values = values + size
        else:
            size = 1 / size if name == "divide" else size
            values, errors = values * size, errors * size
        errors = errors + EPSILON * values
    return errors


def _bound_scaler(scaler: Any, given: Given) -> Errors:
    """Nothing; of what has errors those, scaled, and ε of what each step gives."""
    return bound_scaling(_list_scaling(scaler), given)


def freeze_scaling(steps: Steps, clip: list[float] | None = None) -> list[Op]:
    """The op of a scaler's steps."""
    if not steps and clip is None:
        return []
    sections = {str(number): doubles(operands) for number, (_, operands) in enumerate(steps)}
    return [Op("scale", {"steps": [name for name, _ in steps], "clip": clip}, sections)]


@rule(MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler, bound=_bound_scaler)
def freeze_scaler(step: Step) -> list[Op]:
    scaler = step.estimator
    check_doubles(step)
    steps = _list_scaling(scaler)
    if not step.is_sparse:
        clips = getattr(scaler, "clip", False)
        low, high = getattr(scaler, "feature_range", (-1.0, 1.0))
        return freeze_scaling(steps, [float(low), float(high)] if clips else None)
    # Sparse rows are multiplied by the reciprocal or divided, as the class does it.
    step.refuse(**{"sparse rows": not isinstance(scaler, MaxAbsScaler | StandardScaler)})
    step.refuse(clip=getattr(scaler, "clip", False))
    return _freeze_sparse(step, steps)


def _freeze_sparse(step: Step, steps: Steps) -> list[Op]:
    ((name, scale),) = steps or [("divide", np.ones(step.width))]
    step.refuse(**{"sparse rows": name != "divide"})
    # scipy multiplies by the reciprocal (sklearn.utils.sparsefuncs.inplace_column_scale).
    return [Op("stretch", {}, {"factors": doubles(1 / scale)})]


def _bound_power(transformer: PowerTransformer, given: Given) -> Errors:
    """e^a·|log x|·6ε, a = |λ·log x|, and a rounding of exp.

    Errors of log1p move what expm1 is asked, and it rounds once more.
    """
    if given.errors is not None:
        raise CannotFreeze("PowerTransformer has no frozen form after a step that rounds")
    rows = np.abs(np.asarray(given.rows, np.float64))
    lambdas = transformer.lambdas_
    # For negative numbers of Yeo-Johnson the power is two less.
    powers = np.where(np.asarray(given.rows) < 0, 2 - lambdas, lambdas)
    if transformer.method == "box-cox":
        powers, logs = np.broadcast_to(lambdas, rows.shape), np.abs(np.log(rows))
    else:
        logs = np.log1p(rows)
    with np.errstate(all="ignore"):
        asked = np.abs(powers * logs)
        # The slope of expm1(power·log)/power by the log is expm1 + 1, at the largest e to `asked`.
        moved = np.exp(asked) * logs * (ROUNDED + 2) * EPSILON
        rounded = np.abs(np.where(powers == 0, logs, np.expm1(asked) / np.abs(powers)))
    errors = np.nan_to_num(moved + (ROUNDED + 2) * EPSILON * rounded, posinf=np.inf)
    if not transformer.standardize:
        return errors  # type: ignore[no-any-return]
    plain = PowerTransformer(method=transformer.method, standardize=False)
    plain.lambdas_, plain.n_features_in_ = lambdas, transformer.n_features_in_
    powered = Given(plain.transform(np.asarray(given.rows)), errors)
    return bound_scaling(_list_scaling(transformer._scaler), powered)


@rule(PowerTransformer, bound=_bound_power)
def freeze_power(step: Step) -> list[Op]:
    transformer = step.estimator
    check_doubles(step)
    power = Op("power", {"method": transformer.method}, {"lambdas": doubles(transformer.lambdas_)})
    if not transformer.standardize:
        return [power]
    return [power, *freeze_scaling(_list_scaling(transformer._scaler))]


@rule(KBinsDiscretizer)
def freeze_bins(step: Step) -> list[Op]:
    bins = step.estimator
    check_doubles(step)
    step.refuse(dtype=bins.dtype == np.float32)
    edges = [one[1:-1].tolist() for one in bins.bin_edges_]
    return [Op("bins", {"edges": edges, "encode": bins.encode}, {})]


@rule(PolynomialFeatures)
def freeze_polynomial(step: Step) -> list[Op]:
    check_doubles(step)
    step.refuse(**{"sparse rows": step.is_sparse})
    factors = [
        [column for column, power in enumerate(powers) for _ in range(power)]
        for powers in step.estimator.powers_.tolist()
    ]
    return [Op("products", {"factors": factors}, {})]


def _bound_selected(selector: Any, given: Given) -> Errors:
    """What the columns that are chosen have."""
    chosen = selector.get_support()
    errors: Errors = None if given.errors is None else given.errors[:, chosen]
    return errors


@rule(*SELECTORS, bound=_bound_selected)
def freeze_selector(step: Step) -> list[Op]:
    columns = step.estimator.get_support(indices=True)
    if step.is_sparse:
        return [Op("choose_sparse", {}, {"columns": columns.astype("<u4").tobytes()})]
    return [Op("choose", {"columns": columns.tolist()}, {})]


@rule(Binarizer)
def freeze_binarizer(step: Step) -> list[Op]:
    step.refuse(**{"sparse rows": step.is_sparse})
    check_doubles(step)
    return [Op("binarize", {"threshold": float(step.estimator.threshold)}, {})]


def bound_function(name: str, given: Given) -> Errors:
    """The errors of a function of rows: what it makes of theirs, and what libraries differ by.

    numpy's logarithms and exponentials are the C library's on some processors, and on those with
    AVX-512 its own, which round otherwise. So they are never taken for exact: a model must not be
    frozen on one machine and refused on another.
    """
    if given.errors is None and name in EXACT:
        return None
    function = getattr(np, name)
    rows = np.asarray(given.rows, np.float64)
    errors = np.zeros(rows.shape) if given.errors is None else given.errors
    with np.errstate(all="ignore"):
        middle = function(rows)
        # They are all monotone where they are defined, or, a square, on each side of zero.
        spread = np.maximum(
            np.abs(function(rows + errors) - middle), np.abs(function(rows - errors) - middle)
        )
        found = spread + ROUNDED * EPSILON * np.abs(middle)
    # What is not finite is so here and there, unless rounding takes a number over the edge.
    same = ~np.isfinite(middle) & (spread != spread)  # noqa: PLR0124 - NaN
    return np.where(same, 0.0, found)


def _bound_function(transformer: FunctionTransformer, given: Given) -> Errors:
    """Of `square` and `absolute` nothing, of others 4ε of the value; and what e moves it."""
    if transformer.func is None:
        return given.errors
    return bound_function(name_function(transformer.func), given)


def name_function(function: Any) -> str:
    """The name that the op `function` has for one of numpy's functions.

    Raises:
        CannotFreeze: It has none.
    """
    if not isinstance(function, np.ufunc) or function not in UFUNCS:
        name = getattr(function, "__name__", repr(function))
        raise CannotFreeze(
            f"there is no frozen form for the function {name}: it is none of "
            f"numpy's {', '.join(sorted(FUNCTIONS))}"
        )
    return UFUNCS[function]


@rule(FunctionTransformer, bound=_bound_function)
def freeze_function(step: Step) -> list[Op]:
    transformer = step.estimator
    if transformer.func is None:
        return []
    check_doubles(step)
    step.refuse(kw_args=bool(transformer.kw_args), **{"sparse rows": step.is_sparse})
    try:
        name = name_function(transformer.func)
    except CannotFreeze as error:
        raise CannotFreeze(f"{step.name}: {error}") from None
    step.refuse(**{f"{name} of whole numbers": _has_integers(step.given.rows)})
    return [Op("function", {"name": name}, {})]


def _has_integers(rows: Any) -> bool:
    """Whether numpy would keep whole numbers whole, which can overflow."""
    kinds = rows.dtypes if hasattr(rows, "dtypes") else [rows.dtype]
    return any(kind.kind != "f" for kind in kinds)

"""Columns bent by curves: QuantileTransformer, SplineTransformer."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.preprocessing import QuantileTransformer, SplineTransformer
from sklearn.preprocessing._data import BOUNDS_THRESHOLD

from serving.app.engines.frozen.ops.curves import MAX_DEGREE
from training.freezing.file import Op
from training.freezing.registry import Given, Step, rule
from training.freezing.rounding import EPSILON
from training.freezing.rules.kernels import densify
from training.freezing.rules.numbers import check_doubles, doubles

# Units in the last place that two good algorithms of the normal quantile may be apart: each has a
# rational function or two of some nine terms, a logarithm and a root.
QUANTILE_ROUNDED = 32

Errors = NDArray[np.float64] | None


def _bound_quantiles(transformer: QuantileTransformer, given: Given) -> Errors:
    """Of shares nothing; of normal quantiles a rounding of the quantile; and what e moves them.

    Shares are interpolated operation by operation, so they have errors only where rows do; they
    rise with the rows, so that what those are off moves them at most to the share there.
    """
    if given.errors is None and transformer.output_distribution == "uniform":
        return None
    rows = densify(given.rows)
    middle = transformer.transform(rows.copy())
    rounded = QUANTILE_ROUNDED * EPSILON * np.abs(middle)
    if given.errors is None:
        return np.nan_to_num(rounded)  # type: ignore[no-any-return]
    ends = [transformer.transform(rows + sign * given.errors) for sign in (1, -1)]
    spread = np.maximum(*(np.abs(one - middle) for one in ends))
    return np.nan_to_num(spread + 2 * rounded + 8 * EPSILON)  # type: ignore[no-any-return]


@rule(QuantileTransformer, bound=_bound_quantiles)
def freeze_quantiles(step: Step) -> list[Op]:
    transformer = step.estimator
    check_doubles(step)
    quantiles, normal = transformer.quantiles_, None
    step.refuse(
        **{"sparse rows": step.is_sparse},
        quantiles_=quantiles.dtype != np.float64
        or quantiles.shape[1] != step.width
        or not np.isfinite(quantiles).all(),
    )
    if transformer.output_distribution == "normal":
        edge = BOUNDS_THRESHOLD - np.spacing(1)  # as _transform_col has it
        normal = [float(norm.ppf(edge)), float(norm.ppf(1 - edge))]
    settings = {"inputs": step.width, "normal": normal}
    sections = {"quantiles": doubles(quantiles.T), "references": doubles(transformer.references_)}
    return [Op("quantiles", settings, sections)]


@rule(SplineTransformer)
def freeze_splines(step: Step) -> list[Op]:
    transformer = step.estimator
    check_doubles(step)
    beyond, degree = transformer.extrapolation, transformer.degree
    step.refuse(
        sparse_output=transformer.sparse_output,
        # scikit-learn itself fails on a value above the knots, or makes no slope.
        degree=degree > MAX_DEGREE or (degree == 0 and beyond in ("constant", "linear")),
    )
    splines = transformer.bsplines_
    step.refuse(knots=not all(np.isfinite(one.t).all() for one in splines))
    count = splines[0].c.shape[1]
    ends, outside, reach = zip(*_list_outside(transformer), strict=True)
    # Of splines that end before they begin a value is above and below.
    step.refuse(n_knots=any(low > high for low, high in ends))
    settings = {
        "inputs": step.width,
        "degree": degree,
        "splines": count,
        "kept": count - (not transformer.include_bias),
        "beyond": beyond,
        "missing": transformer.handle_missing == "zeros",
        "reach": reach,
    }
    sections = {
        "knots": doubles([one.t for one in splines]),
        "ends": doubles(ends),
        "outside": doubles(outside),
    }
    return [Op("splines", settings, sections)]


def _list_outside(transformer: SplineTransformer) -> list[Any]:
    """Of each column where splines end, what they are there, and how many are continued.

    In its loop over columns scikit-learn raises the degree of lines to two and keeps it, so that
    from the second column on a spline of degree one ends a knot earlier; so do these.
    """
    degree = transformer.degree
    found = []
    for spline in transformer.bsplines_:
        low, high = spline.t[degree], spline.t[-degree - 1]
        slopes = [np.zeros(spline.c.shape[1])] * 2
        if transformer.extrapolation == "linear":
            slopes = [spline(low, nu=1), spline(high, nu=1)]
            degree = max(degree, 2)
        with np.errstate(all="ignore"):
            found.append(([low, high], [spline(low), spline(high), *slopes], degree))
    return found

"""Kernels of rows and vectors, and how far theirs may be from scikit-learn's."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from scipy.spatial.distance import cdist

from training.freezing.file import Op
from training.freezing.registry import Given, Step
from training.freezing.rounding import EPSILON, ROUNDED
from training.freezing.rules.numbers import doubles

# More numbers than these a row would wait for, and a small machine would not hold them.
MAX_NUMBERS = 2**21
MAX_WIDTH = 2**14
TINY = np.finfo(np.float64).smallest_normal * EPSILON * ROUNDED  # where numbers lose their bits


class Kernel(NamedTuple):
    """A kernel and the vectors that rows are held against.

    Attributes:
        name: As op `kernels` has it.
        gamma, coef0, degree: Of it.
        vectors: Of the shape (n_vectors, n_columns); of a linear kernel perhaps sparse.
        by_norms: Whether scikit-learn makes distances of norms and products, as
            sklearn.metrics.pairwise does, and not of differences, as libsvm does.
    """

    name: str
    gamma: float
    coef0: float
    degree: int
    vectors: Any
    by_norms: bool


def densify(rows: Any) -> NDArray[np.float64]:
    """Rows of any kind as an array of doubles."""
    return np.asarray(rows.toarray() if issparse(rows) else rows, np.float64)


def measure(rows: Any) -> Any:
    """The absolute values of rows; sparse ones stay so."""
    return abs(rows) if issparse(rows) else np.abs(densify(rows))


def refuse_large(step: Step, vectors: Any) -> None:
    """Refuse vectors that a row would wait for; before they are made dense.

    Raises:
        CannotFreeze: They are too many.
    """
    count, width = vectors.shape
    step.refuse(
        **{f"{count:,} vectors of {width:,} numbers": count * width > MAX_NUMBERS}
        | {f"{width:,} columns": width > MAX_WIDTH}
    )


def limit(errors: Any) -> NDArray[np.float64]:
    """Errors of which none is NaN: where numbers overflow, they are without bounds."""
    return np.nan_to_num(errors, nan=np.inf, posinf=np.inf)  # type: ignore[no-any-return]


def make_kernels(step: Step, kernel: Kernel) -> list[Op]:
    """The ops that make the kernels of a row."""
    step.refuse(vectors=kernel.vectors.dtype != np.float64 or kernel.vectors.shape[1] != step.width)
    settings = {
        "kernel": kernel.name,
        "gamma": kernel.gamma,
        "coef0": kernel.coef0,
        "degree": kernel.degree,
        "inputs": step.width,
    }
    return [*step.densify(), Op("kernels", settings, {"vectors": doubles(kernel.vectors)})]


def follow_kernel(kernel: Kernel, given: Given) -> Given:
    """The kernels of rows, of the shape (n_rows, n_vectors), and their errors.

    A running error analysis (Higham, "Accuracy and Stability of Numerical Algorithms", 3.3): each
    sum of n products in any order is within n·u·Σ|xy| of the exact one, and what rows themselves
    are off is multiplied by the slope of the kernel.
    """
    rows = densify(given.rows)
    errors = np.zeros(rows.shape) if given.errors is None else given.errors
    with np.errstate(all="ignore"):
        if kernel.name == "rbf":
            return _follow_rbf(kernel, rows, errors)
        found = _follow_products(kernel, rows, errors)
    return found._replace(errors=limit(found.errors))


def _follow_rbf(kernel: Kernel, rows: NDArray[np.float64], errors: NDArray[np.float64]) -> Given:
    far = cdist(rows, kernel.vectors, "sqeuclidean").reshape(len(rows), -1)
    terms = (rows.shape[1] + 8) * EPSILON
    moved = np.sqrt(np.square(errors).sum(axis=1))[:, None]
    # Of the squares: |x+e-s|² - |x-s|² is at most 2|x-s||e| + |e|².
    off = terms * far + (1 + terms) * (2 * np.sqrt(far) * moved + moved**2)
    if kernel.by_norms:
        norms = np.square(kernel.vectors).sum(axis=1)
        off = off + terms * (np.square(rows).sum(axis=1)[:, None] + norms)
    values = np.exp(-kernel.gamma * far)
    off = kernel.gamma * (off + 4 * EPSILON * far)
    found = values * np.expm1(off) + ROUNDED * EPSILON * values + TINY
    return Given(values, np.fmin(found, 1.0))  # both are from 0 to 1


def _follow_products(
    kernel: Kernel, rows: NDArray[np.float64], errors: NDArray[np.float64]
) -> Given:
    width = rows.shape[1]
    sizes = np.abs(rows) @ np.abs(kernel.vectors).T
    products = rows @ kernel.vectors.T
    off = (width + 3) * EPSILON * (sizes + TINY)
    off += errors @ np.abs(kernel.vectors).T * (1 + (width + 3) * EPSILON)
    if kernel.name == "linear":
        return Given(products, off)
    base = kernel.gamma * products + kernel.coef0
    off = kernel.gamma * off + 3 * EPSILON * (kernel.gamma * sizes + abs(kernel.coef0)) + TINY
    if kernel.name == "sigmoid":
        values = np.tanh(base)
        return Given(values, off + ROUNDED * EPSILON * np.abs(values))
    degree = kernel.degree
    largest = np.abs(base) + off
    steep = degree * largest ** max(degree - 1, 0) * off
    rounded = (2 * degree + ROUNDED) * EPSILON * largest**degree
    return Given(base**degree, steep + rounded + TINY)

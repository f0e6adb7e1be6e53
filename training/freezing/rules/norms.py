"""Rows to rows of one length: Normalizer."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.preprocessing import Normalizer

from training.freezing.file import Op
from training.freezing.registry import Given, Step, rule
from training.freezing.rounding import EPSILON
from training.freezing.rules.kernels import densify
from training.freezing.rules.numbers import check_doubles

PAIRWISE = 8  # from so many numbers on numpy's sum has another order for rows than for columns
LARGEST = float(np.finfo(np.float64).max)
MOST = 2.0  # numbers of a row of one length are from -1 to 1
ORDERS = {"l1": 1, "l2": 2, "max": np.inf}


def _bound(normalizer: Normalizer, given: Given) -> NDArray[np.float64] | None:
    """(n+4)·ε of the quotient, and what e moves it; of sparse rows and of maxima nothing.

    scikit-learn sums a dense row in an order that depends on the processor (einsum), or on how the
    rows lie in memory (sum); a sparse one in sequence, as the engine does any.
    """
    norm = normalizer.norm
    exact = issparse(given.rows) or norm == "max" or (norm == "l1" and _width(given) < PAIRWISE)
    if given.errors is None and exact:
        return None
    rows = densify(given.rows)
    errors = np.zeros(rows.shape) if given.errors is None else given.errors
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(rows, ORDERS[norm], axis=1, keepdims=True)
        off = (rows.shape[1] + 4) * EPSILON * lengths
        off = off + np.linalg.norm(errors, ORDERS[norm], axis=1, keepdims=True)
        low = lengths - off
        found = (errors + np.abs(rows) * off / lengths) / low
        found = found + 2 * EPSILON * np.abs(rows) / low
        # Under ten epsilons the length is taken for one.
        limit = 10 * EPSILON
        found = np.where(lengths + off < limit, errors, found)
        turns = (low < limit) & (lengths + off >= limit)
        size = np.square(lengths) if norm == "l2" else lengths
        turns |= size >= LARGEST * (1 - found.shape[1] * EPSILON)
        turns |= off > lengths / 2
        found = np.where(turns & (lengths + off >= limit), MOST, found)
    return np.fmin(np.nan_to_num(found, nan=MOST), MOST)


def _width(given: Given) -> int:
    return int(given.rows.shape[1])


@rule(Normalizer, bound=_bound)
def freeze_normalizer(step: Step) -> list[Op]:
    check_doubles(step)
    return [Op("normalize", {"norm": step.estimator.norm, "sparse": step.is_sparse}, {})]

"""Rows to fewer columns, or to other ones: principal components, maps by kernels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
from sklearn.kernel_approximation import Nystroem, RBFSampler

from training.freezing.file import Op
from training.freezing.registry import Given, Step, rule
from training.freezing.rounding import EPSILON, ROUNDED
from training.freezing.rules.kernels import (
    densify,
    follow_kernel,
    limit,
    make_kernels,
    measure,
    refuse_large,
)
from training.freezing.rules.linear import bound_products, make_matrix, score
from training.freezing.rules.numbers import check_doubles
from training.freezing.rules.vectors import PAIRWISE, read_pairwise

Errors = NDArray[np.float64] | None


def _find_scale(pca: Any) -> NDArray[np.float64]:
    """What each component is divided by, as _BasePCA._transform has it."""
    if not pca.whiten:
        return np.ones(len(pca.components_))
    scale = np.sqrt(pca.explained_variance_)
    scale[scale < EPSILON] = EPSILON
    return scale  # type: ignore[no-any-return]


def _bound_pca(pca: Any, given: Given) -> Errors:
    """(n+8)·ε·(Σ|wx| + Σ|wμ|), and Σ|w|e, of each component."""
    weights = np.abs(pca.components_)
    terms = (weights.shape[1] + ROUNDED + 4) * EPSILON
    found = terms * (measure(given.rows) @ weights.T + np.abs(pca.mean_) @ weights.T)
    if given.errors is not None:
        found = found + (1 + terms) * given.errors @ weights.T
    return found / _find_scale(pca)  # type: ignore[no-any-return]


@rule(IncrementalPCA, PCA, bound=_bound_pca)
def freeze_pca(step: Step) -> list[Op]:
    pca = step.estimator
    check_doubles(step)
    step.refuse(components_=_is_odd(pca.components_, step) or pca.mean_.dtype != np.float64)
    scale = _find_scale(pca)
    weights = pca.components_ / scale[:, None]
    intercept = -(pca.mean_.reshape(1, -1) @ pca.components_.T)[0] / scale
    step.refuse(whiten=not np.isfinite(weights).all() or not np.isfinite(intercept).all())
    if step.is_sparse:
        return [score(step, weights, intercept, explain=None)]
    return [make_matrix(weights, intercept)]


def _is_odd(weights: NDArray[np.float64], step: Step) -> bool:
    """Whether weights are not finite, or of another precision or width."""
    return bool(
        weights.dtype != np.float64
        or weights.shape[1] != step.width
        or not np.isfinite(weights).all()
    )


def _bound_svd(svd: TruncatedSVD, given: Given) -> Errors:
    """As of linear models."""
    return bound_products(svd.components_, 0.0, given)


@rule(TruncatedSVD, bound=_bound_svd)
def freeze_svd(step: Step) -> list[Op]:
    weights = step.estimator.components_
    check_doubles(step)
    step.refuse(components_=_is_odd(weights, step))
    intercept = np.zeros(len(weights))
    if step.is_sparse:
        return [score(step, weights, intercept, explain=None)]
    return [make_matrix(weights, intercept)]


def _bound_sampler(sampler: RBFSampler, given: Given) -> Errors:
    """As of linear models, and 4ε, times the factor: the slope of a cosine is at most one."""
    weights = sampler.random_weights_.T
    off = bound_products(weights, sampler.random_offset_, given)
    # A large angle is as exact as its own last bit, here and there.
    moved: Any = np.zeros((given.rows.shape[0], len(weights))) if off is None else off
    return (moved + ROUNDED * EPSILON) * _find_factor(sampler)  # type: ignore[no-any-return]


def _find_factor(sampler: RBFSampler) -> float:
    return float((2.0 / sampler.n_components) ** 0.5)


@rule(RBFSampler, bound=_bound_sampler)
def freeze_sampler(step: Step) -> list[Op]:
    sampler = step.estimator
    weights, offset = sampler.random_weights_.T, sampler.random_offset_
    check_doubles(step)
    step.refuse(random_weights_=_is_odd(weights, step), random_offset_=offset.dtype != np.float64)
    if step.is_sparse:
        ops = [score(step, weights, offset, explain=None)]
    else:
        ops = [make_matrix(weights, offset)]
    return [*ops, Op("cosine", {"factor": _find_factor(sampler)}, {})]


def _bound_nystroem(nystroem: Nystroem, given: Given) -> Errors:
    """As of linear models over kernels, and each kernel's rounding."""
    kernel = read_pairwise(nystroem, nystroem.components_)
    kernel = kernel._replace(vectors=densify(kernel.vectors))
    errors = bound_products(nystroem.normalization_, 0.0, follow_kernel(kernel, given))
    return limit(errors)


@rule(Nystroem, bound=_bound_nystroem)
def freeze_nystroem(step: Step) -> list[Op]:
    nystroem = step.estimator
    check_doubles(step)
    components = nystroem.components_
    step.refuse(
        kernel=not isinstance(nystroem.kernel, str) or nystroem.kernel not in PAIRWISE,
        kernel_params=bool(nystroem.kernel_params),
        components_=components.dtype == np.float32,
        normalization_=nystroem.normalization_.dtype != np.float64,
    )
    refuse_large(step, components)
    kernel = read_pairwise(nystroem, components)
    kernel = kernel._replace(vectors=densify(kernel.vectors))
    normalization = nystroem.normalization_
    return [*make_kernels(step, kernel), make_matrix(normalization, np.zeros(len(normalization)))]

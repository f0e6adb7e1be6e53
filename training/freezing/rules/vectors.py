"""Support vector machines and kernel ridges."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.kernel_ridge import KernelRidge
from sklearn.svm import SVC, SVR, NuSVC, NuSVR

from serving.app.engines.frozen.ops.vectors import MAX_LABELS
from training.freezing.file import Op
from training.freezing.registry import CannotFreeze, Given, Predictor, Step, rule
from training.freezing.rounding import EPSILON
from training.freezing.rules.kernels import (
    TINY,
    Kernel,
    densify,
    follow_kernel,
    limit,
    make_kernels,
    measure,
    refuse_large,
)
from training.freezing.rules.linear import bound_products, make_matrix, predict, score
from training.freezing.rules.numbers import check_doubles, doubles

KERNELS = ("linear", "poly", "rbf", "sigmoid")
# As sklearn.metrics.pairwise calls them; all else that it has is refused.
PAIRWISE = {
    "linear": "linear",
    "poly": "poly",
    "polynomial": "poly",
    "rbf": "rbf",
    "sigmoid": "sigmoid",
}


def read_svm(machine: Any) -> Kernel:
    """The kernel of a support vector machine."""
    linear = machine.kernel == "linear"
    return Kernel(
        machine.kernel,
        float(machine._gamma),
        float(machine.coef0),
        int(machine.degree),
        machine.support_vectors_ if linear else densify(machine.support_vectors_),
        by_norms=False,
    )


def read_pairwise(model: Any, vectors: Any) -> Kernel:
    """The kernel of a model that leaves it to sklearn.metrics.pairwise, with its defaults."""
    vectors = vectors if hasattr(vectors, "toarray") else np.asarray(vectors)
    gamma, coef0, degree = model.gamma, model.coef0, model.degree
    if degree is not None and int(degree) != degree:
        raise CannotFreeze(f"{type(model).__name__}: there is no frozen form for its degree")
    return Kernel(
        PAIRWISE[model.kernel],
        1.0 / vectors.shape[1] if gamma is None else float(gamma),
        1.0 if coef0 is None else float(coef0),
        3 if degree is None else int(degree),
        vectors if model.kernel == "linear" or vectors.dtype == np.float32 else densify(vectors),
        by_norms=True,
    )


def _bound_sums(
    kernel: Kernel, coefficients: NDArray[np.float64], intercept: Any, given: Given
) -> NDArray[np.float64]:
    """The errors of sums of kernels: (n_rows, n_sums).

    Of a linear kernel sums of vectors are products of rows and weights; the weights are sums
    themselves, here and, in another order, there.
    """
    if kernel.name != "linear":
        found: Any = bound_products(coefficients, intercept, follow_kernel(kernel, given))
    else:
        rows = measure(given.rows)
        sizes = np.abs(coefficients) @ measure(kernel.vectors)
        terms = (rows.shape[1] + 2 * coefficients.shape[1] + 8) * EPSILON
        found = terms * (rows @ sizes.T + np.abs(intercept)) + TINY
        if given.errors is not None:
            found = found + (1 + terms) * given.errors @ sizes.T
    return limit(found)


def _freeze_sums(
    step: Step, kernel: Kernel, coefficients: NDArray[np.float64], intercept: Any
) -> list[Op]:
    """The ops from rows to sums of kernels."""
    if kernel.name == "linear":
        return [_collapse(step, kernel, coefficients, intercept)]
    return [*make_kernels(step, kernel), make_matrix(coefficients, intercept)]


def _collapse(step: Step, kernel: Kernel, coefficients: NDArray[np.float64], intercept: Any) -> Op:
    rows = step.given.rows if step.is_sparse else densify(step.given.rows)
    plain = Step(step.name, step.estimator, step.given._replace(rows=rows))
    return score(plain, coefficients @ kernel.vectors, np.asarray(intercept), explain=None)


def _read_regression(machine: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return densify(machine.dual_coef_).reshape(1, -1), np.reshape(machine.intercept_, 1)


def _bound_svr(machine: Any, given: Given) -> NDArray[np.float64]:
    """As of linear models over kernels, and each kernel's rounding."""
    return _bound_sums(read_svm(machine), *_read_regression(machine), given)


def _refuse_svm(step: Step) -> None:
    machine = step.estimator
    check_doubles(step)
    kernel = machine.kernel
    step.refuse(
        kernel=not isinstance(kernel, str) or kernel not in KERNELS,
        **{"sparse rows": step.is_sparse and not machine._sparse},
        intercept_=not np.isfinite(machine.intercept_).all(),
        dual_coef_=not np.isfinite(densify(machine.dual_coef_)).all(),
    )
    if kernel != "linear":
        refuse_large(step, machine.support_vectors_)


@rule(NuSVR, SVR, bound=_bound_svr, scores=predict)
def freeze_svr(step: Step) -> Predictor:
    _refuse_svm(step)
    machine = step.estimator
    return Predictor(_freeze_sums(step, read_svm(machine), *_read_regression(machine)), [])


def _list_pairs(machine: Any) -> NDArray[np.float64]:
    """The coefficients of all vectors of each two labels, as svm_predict_values of libsvm has them.

    Of the shape (n_pairs, n_vectors): zero for the vectors of other labels.
    """
    dual = densify(machine.dual_coef_)
    ends = np.cumsum(machine.n_support_)
    blocks = [slice(end - count, end) for count, end in zip(machine.n_support_, ends, strict=True)]
    rows = []
    for one in range(len(blocks)):
        for other in range(one + 1, len(blocks)):
            row = np.zeros(dual.shape[1])
            row[blocks[one]] = dual[other - 1][blocks[one]]
            row[blocks[other]] = dual[one][blocks[other]]
            rows.append(row)
    return np.array(rows)


def _bound_svc(machine: Any, given: Given) -> NDArray[np.float64]:
    """As of linear models over kernels, and each kernel's rounding."""
    return _bound_sums(read_svm(machine), _list_pairs(machine), machine.intercept_, given)


def _decide_pairs(machine: Any, rows: Any) -> NDArray[np.float64]:
    """The decisions between each two labels, of the shape (n_rows, n_pairs)."""
    return machine._decision_function(rows).reshape(rows.shape[0], -1)  # type: ignore[no-any-return]


@rule(NuSVC, SVC, bound=_bound_svc, scores=_decide_pairs)
def freeze_svc(step: Step) -> Predictor:
    _refuse_svm(step)
    machine = step.estimator
    labels = len(machine.classes_)
    step.refuse(break_ties=bool(machine.break_ties), classes_=not 2 <= labels <= MAX_LABELS)  # noqa: PLR2004
    kernel = read_svm(machine)
    if kernel.name == "linear":
        ops = [_collapse(step, kernel, _list_pairs(machine), machine.intercept_)]
    else:
        settings = {
            "counts": machine.n_support_.tolist(),
            "intercept": machine.intercept_.tolist(),
        }
        coefficients = doubles(densify(machine.dual_coef_))
        ops = [*make_kernels(step, kernel), Op("pairs", settings, {"coefficients": coefficients})]
    # Of more labels its decision function is made of pairs' votes.
    return Predictor(ops, [_vote(step, labels)], decides=labels == 2)  # noqa: PLR2004


def _vote(step: Step, labels: int) -> Op:
    machine = step.estimator
    settings: dict[str, Any] = {"labels": labels, "slopes": None, "intercepts": None}
    if hasattr(machine, "predict_proba"):
        slopes, intercepts = machine._probA, machine._probB
        step.refuse(
            probability=len(slopes) != labels * (labels - 1) // 2
            or not np.isfinite([*slopes, *intercepts]).all()
        )
        settings |= {"slopes": slopes.tolist(), "intercepts": intercepts.tolist()}
    return Op("votes", settings, {})


def _bound_ridge(ridge: KernelRidge, given: Given) -> NDArray[np.float64]:
    """As of linear models over kernels, and each kernel's rounding."""
    kernel = read_pairwise(ridge, ridge.X_fit_)
    return _bound_sums(kernel, ridge.dual_coef_.reshape(1, -1), 0.0, given)


@rule(KernelRidge, bound=_bound_ridge, scores=predict)
def freeze_ridge(step: Step) -> Predictor:
    ridge = step.estimator
    check_doubles(step)
    step.refuse(
        kernel=not isinstance(ridge.kernel, str) or ridge.kernel not in PAIRWISE,
        dual_coef_=ridge.dual_coef_.ndim != 1 or ridge.dual_coef_.dtype != np.float64,
        X_fit_=ridge.X_fit_.dtype == np.float32,
    )
    if ridge.kernel != "linear":
        refuse_large(step, ridge.X_fit_)
    kernel = read_pairwise(ridge, ridge.X_fit_)
    return Predictor(_freeze_sums(step, kernel, ridge.dual_coef_.reshape(1, -1), [0.0]), [])

"""Code of its own that the model's pickle needs: a network that learns from bent copies."""

from collections.abc import Iterator
from math import cos, pi
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.sparse import csr_array
from sklearn.neural_network import MLPClassifier

BATCH = 128
BENT_TOGETHER = 256  # examples that get the same distortion in an epoch
TRAINING_ONLY = (
    "_optimizer",
    "_random_state",
    "_best_coefs",
    "_best_intercepts",
    "loss_curve_",
)
FITTED = ("coefs_", "classes_")

Floats = NDArray[np.float32]


class BentNetwork(MLPClassifier):  # type: ignore[misc]  # scikit-learn has no types
    """A network of one hidden layer that never sees an example twice in the same form.

    Each epoch learns from a copy of all examples that are moved, turned, slanted, stretched and
    bent a little, others in each (Simard, Steinkraus and Platt, "Best Practices for Convolutional
    Neural Networks Applied to Visual Document Analysis", 2003). Memory is that of one copy in
    float32. The learning rate falls to nothing along a cosine (Loshchilov and Hutter, "SGDR",
    2017). The same seed and examples give the same weights on the same machine.

    Args:
        hidden: Units of the hidden layer.
        epochs: How often all examples are learnt from.
        learning_rate_init: Adam's, at the start.
        alpha: Strength of the L2 penalty.
        bend: How much copies differ: 0 not at all, 1 as much as hands do.
        random_state: Seed.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - scikit-learn's way of settings
        self,
        hidden: int = 256,
        epochs: int = 16,
        learning_rate_init: float = 0.002,
        alpha: float = 0.0001,
        bend: float = 0.7,
        random_state: int = 0,
    ) -> None:
        super().__init__(
            hidden_layer_sizes=(hidden,),
            alpha=alpha,
            batch_size=BATCH,
            learning_rate_init=learning_rate_init,
            random_state=random_state,
        )
        self.hidden = hidden
        self.epochs = epochs
        self.bend = bend

    def fit(self, X: Any, y: Any) -> "BentNetwork":
        """Learn, from the beginning.

        Args:
            X: Square pictures, a row each, in [0, 1]; shape (n, side²).
            y: Their labels.
        """
        X, y = np.asarray(X, np.float32), np.asarray(y)
        classes, rng = np.unique(y), np.random.default_rng(self.random_state)
        self.batch_size = min(BATCH, len(X))
        for name in FITTED:  # else it would go on from where it was
            self.__dict__.pop(name, None)
        for epoch in range(self.epochs):
            self.partial_fit(bend_copies(X, self.bend, rng), y, classes=classes)
            # A plain float: one of numpy's would make weights of float32 doubles.
            share = (1 + cos(pi * (epoch + 1) / self.epochs)) / 2
            self._optimizer.learning_rate_init = self.learning_rate_init * share
        for name in TRAINING_ONLY:
            self.__dict__.pop(name, None)
        # Learnt in single precision, asked in double: so a picture gets the same answer alone and
        # among others, within 1e-12.
        for name in ("coefs_", "intercepts_"):
            setattr(self, name, [one.astype(np.float64) for one in getattr(self, name)])
        return self


def bend_copies(X: Floats, bend: float, rng: np.random.Generator) -> Floats:
    """Copies of pictures, each distorted as some others are; shape as of X."""
    if not bend:
        return X
    made, side = np.empty_like(X), round(X.shape[1] ** 0.5)
    for rows in _share_out(len(X), rng):
        made[rows] = (_make_distortion(side, bend, rng) @ X[rows].T).T
    return made


def _share_out(number: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    order = rng.permutation(number)
    for start in range(0, number, BENT_TOGETHER):
        yield order[start : start + BENT_TOGETHER]


def _make_distortion(side: int, bend: float, rng: np.random.Generator) -> Any:
    """A distortion as a sparse matrix, so that one product is that of many pictures.

    A pixel of the copy is mixed of the four around the place where it comes from.
    """
    y, x = np.mgrid[0:side, 0:side].astype(np.float64) - (side - 1) / 2
    turn = np.eye(2) + bend * np.array(
        [
            [rng.uniform(-0.12, 0.12), rng.uniform(-0.22, 0.22)],
            [rng.uniform(-0.15, 0.15), rng.uniform(-0.12, 0.12)],
        ]
    )
    waves = [gaussian_filter(rng.uniform(-1, 1, (side, side)), 4) for _ in range(2)]
    waves = [30 * bend * wave * side / 28 for wave in waves]
    shift = bend * rng.uniform(-1, 1, 2)
    down = turn[0, 0] * y + turn[1, 0] * x + waves[0] + shift[0] + (side - 1) / 2
    across = turn[0, 1] * y + turn[1, 1] * x + waves[1] + shift[1] + (side - 1) / 2
    return _mix(down.ravel(), across.ravel(), side)


def _mix(down: NDArray[np.float64], across: NDArray[np.float64], side: int) -> Any:
    """Bilinear interpolation at those places, as a matrix; outside there is nothing."""
    top, left = np.floor(down).astype(int), np.floor(across).astype(int)
    rows, columns, parts = [], [], []
    for row, high in ((top, 1 - (down - top)), (top + 1, down - top)):
        for column, wide in ((left, 1 - (across - left)), (left + 1, across - left)):
            inside = (row >= 0) & (row < side) & (column >= 0) & (column < side)
            rows.append(np.flatnonzero(inside))
            columns.append((row * side + column)[inside])
            parts.append((high * wide)[inside])
    joined = (np.concatenate(parts), (np.concatenate(rows), np.concatenate(columns)))
    return csr_array(joined, shape=(side * side, side * side), dtype=np.float32)

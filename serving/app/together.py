"""Large batches through numpy, where it is installed: half the time of one text after another.

The same numbers to the last bit: the terms of a text stand in the order of their columns, and
numpy.bincount adds what it is given one after the other, as scikit-learn's loops do.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from serving.app.classify import Linear
from serving.app.vectorize import Vectorize


class Together:
    """What the first two stages of a frozen model say of many texts.

    Attributes:
        scores: The linear stage's, a list a text.
        terms, unknown_terms: As in `Features`, a number a text.
    """

    def __init__(self, vectorize: Vectorize, linear: Linear, texts: Sequence[str]) -> None:
        split = [vectorize.analyze(text) for text in texts]
        known = [[one for term in terms if (one := vectorize.vocabulary[term])] for terms in split]
        self.terms = [len(terms) for terms in split]
        self.unknown_terms = [n - len(one) for n, one in zip(self.terms, known, strict=True)]
        self.scores = _score(linear, *_weigh(vectorize, known), len(texts))


def _weigh(
    vectorize: Vectorize, known: list[list[tuple[int, float]]]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Of each known term of each text, once, in order: number of the text, column, value."""
    pairs = np.array([one for terms in known for one in terms], dtype=float).reshape(-1, 2)
    texts = np.repeat(np.arange(len(known)), [len(terms) for terms in known])
    width = int(pairs[:, 0].max(initial=0)) + 1
    keys, first, counts = np.unique(
        texts * width + pairs[:, 0].astype(np.intp), return_index=True, return_counts=True
    )
    texts, columns = np.divmod(keys, width)
    frequencies = [vectorize.frequencies[count] for count in range(1, counts.max(initial=0) + 1)]
    values = np.array([0.0, *frequencies])[counts] * pairs[first, 1]
    if vectorize.norm:
        l2 = vectorize.norm == "l2"
        lengths = np.bincount(texts, values * values if l2 else np.abs(values), len(known))
        lengths[lengths == 0] = 1.0
        values /= (np.sqrt(lengths) if l2 else lengths)[texts]
    return texts, columns, values


def _score(
    linear: Linear,
    texts: NDArray[np.intp],
    columns: NDArray[np.intp],
    values: NDArray[np.float64],
    count: int,
) -> list[list[float]]:
    if linear.threshold is not None:
        over = values > linear.threshold
        texts, columns, values = texts[over], columns[over], np.ones(over.sum())
    weights = np.frombuffer(linear.weights).reshape(-1, len(linear.intercept))
    products = weights[columns] * values[:, None]
    totals = [np.bincount(texts, column, count) for column in products.T]
    scores: list[list[float]] = (np.stack(totals, axis=1) + linear.intercept).tolist()
    return scores

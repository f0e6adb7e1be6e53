"""Large batches through numpy, where it is installed: half the time of one text after another.

The same numbers to the last bit: the terms of a text stand in the order of their columns, and
numpy.bincount adds what it is given one after the other, as scikit-learn's loops do. exp() is the C
library's here, too, for numpy's own rounds otherwise on some processors.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from math import exp
from operator import add

import numpy as np
from numpy.typing import NDArray

from serving.app.engines.base import Scores
from serving.app.engines.frozen.ops.classify import Calibrate, Classify, Outcome, add_up
from serving.app.engines.frozen.ops.linear import Linear
from serving.app.engines.frozen.ops.vectorize import Vectorize


def score_together(
    vectorize: Vectorize, linear: Linear, classify: Classify | Calibrate, texts: Sequence[str]
) -> list[Scores]:
    """What the three ops of a frozen model say of many texts."""
    split = [vectorize.analyze(text) for text in texts]
    known = [[one for term in terms if (one := vectorize.vocabulary[term])] for terms in split]
    scores = _score(linear, *_weigh(vectorize, known), len(texts))
    try:
        outcomes = _calibrate(classify, scores) if isinstance(classify, Calibrate) else None
    except OverflowError:  # of exp: `Calibrate` knows what is to be done
        outcomes = None
    return [
        Scores(*outcome, len(terms), len(terms) - len(found))
        for outcome, terms, found in zip(
            outcomes or map(classify, scores.tolist()), split, known, strict=True
        )
    ]


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
) -> NDArray[np.float64]:
    """The decision function, of shape (n_texts, n_scores)."""
    if linear.threshold is not None:
        over = values > linear.threshold
        texts, columns, values = texts[over], columns[over], np.ones(over.sum())
    weights = np.frombuffer(linear.read_all()).reshape(-1, len(linear.intercept))
    products = weights[columns] * values[:, None]
    totals = [np.bincount(texts, column, count) for column in products.T]
    scores: NDArray[np.float64] = np.stack(totals, axis=1) + linear.intercept
    return scores


def _calibrate(calibrate: Calibrate, scores: NDArray[np.float64]) -> Iterable[Outcome]:
    """As `Calibrate` does it, with the same exp() and the same order of sums.

    Raises:
        OverflowError: A score is too far out for exp().
    """
    each = []
    for sigmoids, columns in zip(
        calibrate.sigmoids, np.split(scores, len(calibrate.sigmoids), axis=1), strict=True
    ):
        slopes, intercepts = np.array(sigmoids).T
        powers = slopes * columns + intercepts
        powers = np.array(list(map(exp, powers.ravel().tolist()))).reshape(powers.shape)
        found = 1.0 / (1.0 + powers)
        if len(sigmoids) == 1:
            each.append(np.hstack([1.0 - found, found]))
            continue
        totals = add_up(list(found.T))
        shares = np.full_like(found, 1 / len(sigmoids))
        each.append(np.divide(found, totals[:, None], out=shares, where=totals[:, None] != 0))
    mean = reduce(add, each) / len(each)
    return zip(mean.argmax(axis=1).tolist(), mean.tolist(), strict=True)

"""Records that a frozen model could stumble over."""

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from serving.bundle.inputs import MAX_INTEGER, MAX_NUMBER
from training.freezing.inputs.texts import generate_texts

Record = tuple[Any, ...]

# Zeros, the smallest and the largest that a record may have, and where float32 begins.
EXTREMES = (0.0, -0.0, 1.0, -1.0, 5e-324, -5e-324, 1e-45, 1.1754943508222875e-38)
FAR = (MAX_NUMBER, -MAX_NUMBER, 1e30, -1e30, 1e9, -1e9)
UNKNOWN = ("never seen", "", " ", "é", "NaN", "None", "0")
MOST = 2_000  # thresholds of a field to choose from
RARE = 0.02  # share of the values that are far out: scikit-learn refuses most of what they lead to


def generate_records(
    fields: Sequence[dict[str, Any]],
    pipeline: Any,
    records: Sequence[Record],
    count: int,
    seed: int,
) -> Iterator[Record]:
    """Records made of others, with other values in some fields.

    Values in and around each threshold of a tree or a bin, categories that were never seen, nulls
    in all patterns, extremes of double and of single precision.

    Args:
        fields: The manifest's description of each.
        pipeline: Fitted; its thresholds are sought.
        records: To make others of; at least one.
        count: How many.
        seed: Of what is random.
    """
    rng = random.Random(seed)  # noqa: S311 - records, not secrets
    thresholds = sorted(set(find_thresholds(pipeline)))
    columns = zip(*records, strict=True)
    pools = [
        _list_values(rng, field, [value for value in column if value is not None], thresholds)
        for field, column in zip(fields, columns, strict=True)
    ]
    for number in range(count):
        record = list(rng.choice(records))
        share = rng.choice((0.1, 0.3, 1.0))
        for place, field in enumerate(fields):
            if rng.random() < share:
                record[place] = _choose(rng, field, pools[place], far=number % 4 == 0)
        yield tuple(record)


def _choose(rng: random.Random, field: dict[str, Any], pool: list[Any], *, far: bool) -> Any:
    if field["nullable"] and rng.random() < 0.2:  # noqa: PLR2004
        return None
    if far and field["type"] == "number" and rng.random() < RARE:
        return rng.choice(FAR)
    return rng.choice(pool)


def _list_values(
    rng: random.Random, field: dict[str, Any], seen: list[Any], thresholds: list[float]
) -> list[Any]:
    """Values for a field, from which one is chosen."""
    if field["type"] == "boolean":
        return [True, False]
    if field["type"] == "category":
        return [*dict.fromkeys(seen), *UNKNOWN]
    if field["type"] == "text":
        words = sorted({word for text in seen for word in text.split()}) or ["a"]
        return [*seen, *generate_texts(words, 100, rng.randrange(1 << 30))]
    low, high = (min(seen), max(seen)) if seen else (0, 1)
    span = (high - low) or 1
    near = [one for one in thresholds if low - span <= one <= high + span]
    near = rng.sample(near, min(MOST, len(near)))
    seen = list(dict.fromkeys(seen))
    if field["type"] == "integer":
        whole = {end for one in near for end in (math.floor(one), math.ceil(one))}
        return [*seen, *sorted(whole), 0, low - 1, high + 1, MAX_INTEGER, -MAX_INTEGER]
    around = {value for one in [*near, *seen[:MOST]] for value in _list_neighbours(one)}
    return [*seen, *sorted(around), *EXTREMES, low - span, high + span]


def _list_neighbours(number: float) -> Iterator[float]:
    """The number and those next to it, in double and in single precision."""
    yield float(number)
    single = np.float32(number)
    for end in (-math.inf, math.inf):
        yield math.nextafter(number, end)
        yield float(np.nextafter(single, np.float32(end)))
    # Where doubles are rounded to this single, or to the next.
    yield (float(single) + float(np.nextafter(single, np.float32(math.inf)))) / 2


def find_thresholds(estimator: Any) -> Iterator[float]:
    """At which numbers a fitted estimator, or one within it, decides otherwise."""
    if hasattr(estimator, "tree_"):
        yield from _finite(estimator.tree_.threshold[estimator.tree_.children_left >= 0])
    for each in getattr(estimator, "_predictors", None) or ():
        for tree in each:
            yield from _finite(tree.nodes["num_threshold"])
    for edges in getattr(estimator, "bin_edges_", ()):
        yield from _finite(edges)
    yield from _finite(getattr(estimator, "quantiles_", ()))
    for spline in getattr(estimator, "bsplines_", ()):
        yield from _finite(spline.t)
    for part in _list_parts(vars(estimator).values()):
        yield from find_thresholds(part)


def _finite(numbers: Any) -> Iterator[float]:
    yield from (float(one) for one in np.ravel(numbers) if np.isfinite(one))


def _list_parts(values: Iterable[Any]) -> Iterator[Any]:
    """The estimators among values, and within lists of them."""
    for value in values:
        if isinstance(value, BaseEstimator):
            yield value
        elif isinstance(value, list | tuple) or (
            isinstance(value, np.ndarray) and value.dtype == object
        ):
            yield from _list_parts(value)

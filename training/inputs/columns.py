"""What can be wrong with a table before a model is trained on it."""

import math
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import ks_2samp
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from training.data.dataset import list_rows

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the typeguard that CDK is held to
    import pandera.pandas as pa

FOLDS = 3
LOOKED_AT = 10_000  # records; more say the same of a field alone
LEAVES = 100
CATEGORIES = 20  # the most frequent ones, beside the rest
CHANCE = 0.01  # how often a clean split is called a drift, at most


def check_table(
    table: pd.DataFrame, rows: Sequence[int], fields: Sequence[dict[str, Any]], missing: float
) -> list[str]:
    """Which fields have nulls that the schema excludes, or too many of them.

    Args:
        table: Of the training part.
        rows: The examples' rows in the source.
        fields: As described.
        missing: The share of nulls that a field may have.
    """
    may_miss = pa.Check(
        lambda column: bool(column.isna().mean() <= missing),
        name=f"more nulls than validate.max_missing ({missing:g}): leave the field out",
        ignore_na=False,
    )
    columns = {
        field["name"]: pa.Column(checks=may_miss, nullable=field["nullable"]) for field in fields
    }
    try:
        pa.DataFrameSchema(columns).validate(table, lazy=True)
    except pa.errors.SchemaErrors as errors:
        return _tell(errors.failure_cases, rows)
    return []


def _tell(cases: pd.DataFrame, rows: Sequence[int]) -> list[str]:
    """A sentence a field and check."""
    said = {"not_nullable": "has nulls, and the schema says that it has none"}
    found = []
    for (column, check), group in cases.groupby(["column", "check"], sort=False):
        places = [rows[int(index)] for index in group["index"].dropna()]
        where = f": rows {list_rows(places)}" if places else ""
        found.append(f"field {column} {said.get(check, f'has {check}')}{where}")
    return found


def find_leaks(table: pd.DataFrame, targets: Sequence[Any], most: float) -> list[str]:
    """Fields that tell the target all by themselves: most often they were filled in after it.

    Of each the out-of-fold predictions of a decision tree on that field alone are looked at: for
    values the share of the variance explained (R²), for labels the share of the mistakes that are
    made no more (Goodman and Kruskal's lambda).
    """
    if len(table) < FOLDS:
        return []
    order = np.random.default_rng(0).permutation(len(table))[:LOOKED_AT]
    wanted = np.asarray(targets)[order]
    found = []
    for name in table:
        score = _score_alone(_encode(table[name]).iloc[order], wanted)
        if score > most:
            found.append(
                f"field {name} tells the target by itself ({score:.3f}, more than "
                f"validate.max_leakage ({most:g})): leave it out, unless it is known before"
            )
    return found


def _encode(column: pd.Series) -> pd.DataFrame:
    if pd.api.types.is_numeric_dtype(column):
        return column.to_frame()
    codes, _ = pd.factorize(column, sort=True)
    return pd.DataFrame(codes)


def _score_alone(column: pd.DataFrame, wanted: NDArray[Any]) -> float:
    is_value = wanted.dtype.kind in "fiu"  # labels are texts
    tree = (DecisionTreeRegressor if is_value else DecisionTreeClassifier)(
        max_leaf_nodes=LEAVES, random_state=0
    )
    predicted = cross_val_predict(tree, column.to_numpy(), wanted, cv=KFold(FOLDS))
    if is_value:
        return float(1 - np.mean((wanted - predicted) ** 2) / (np.var(wanted) or 1))
    wrong = 1 - np.unique(wanted, return_counts=True)[1].max() / len(wanted)
    return float(1 - np.mean(wanted != predicted) / wrong) if wrong else 0.0


def find_drift(train: pd.DataFrame, test: pd.DataFrame, most: float) -> list[str]:
    """Fields whose values in the test part are not those of the training part.

    Numbers by the statistic of Kolmogorov and Smirnov, others, and where the nulls are, by the
    total variation distance of the most frequent values. What chance can make is no difference.
    """
    level = CHANCE / max(1, len(train.columns))  # all fields together
    return [
        f"field {name} has other values in the test part than in the training part (distance "
        f"{distance:.2f}, more than validate.max_drift ({most:g})): is the split as it should be?"
        for name in train
        for distance, chance in _compare(train[name], test[name], level)
        if distance > max(most, chance)
    ]


def _compare(train: pd.Series, test: pd.Series, level: float) -> Iterator[tuple[float, float]]:
    """Distances of two samples, each with what chance exceeds at that level."""
    if pd.api.types.is_float_dtype(train) or pd.api.types.is_integer_dtype(train):
        old, new = train.dropna(), test.dropna()
        if len(old) and len(new):
            chance = math.sqrt(-math.log(level / 2) / 2) * _spread(old, new)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the p-value of very few: nobody looks at it
                yield float(ks_2samp(old, new, method="asymp").statistic), chance
        train, test = train.isna(), test.isna()
    frequent = train.value_counts(dropna=False).index[:CATEGORIES]
    shares = [
        part.where(part.isin(frequent), "…").value_counts(normalize=True, dropna=False)
        for part in (train.astype(object), test.astype(object))
    ]
    aligned = pd.concat(shares, axis=1).fillna(0)
    # The mean is at most half of the root of the number of values (Cauchy and Schwarz), and that
    # much more is as rare as the level (McDiarmid, "On the method of bounded differences", 1989).
    above_mean = math.sqrt(-math.log(level) / 2)
    chance = (math.sqrt(len(aligned)) / 2 + above_mean) * _spread(train, test)
    yield float((aligned.iloc[:, 0] - aligned.iloc[:, 1]).abs().sum() / 2), chance


def _spread(train: pd.Series, test: pd.Series) -> float:
    return math.sqrt(1 / len(train) + 1 / len(test))

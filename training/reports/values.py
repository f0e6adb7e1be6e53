"""What a report says of a regression."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from training.definition import Definition
from training.reports.drawing import BLUE, MUTED, draw

FEWEST = 10  # of fewer examples, an error says nothing
SHOWN_SEGMENTS = 12
PARTS = 4


def describe(
    definition: Definition, _: Any, evaluation: dict[str, Any], inputs: dict[int, Any]
) -> dict[str, Any]:
    """What the templates values*.html.j2 show; `inputs` are the test part's, by row."""
    target, examples = definition.schema.target, pd.DataFrame(evaluation["examples"])
    shown = evaluation["largest_errors"]
    return {
        "target": target,
        "unit": (target and target.unit) or "",
        "predicted": draw(draw_predicted, examples),
        "quarters": measure_groups("", _cut(examples["predicted"]), examples),
        "segments": find_segments(definition, examples, [inputs[row] for row in examples["row"]]),
        "fewest": FEWEST,
        "mistakes": [one | {"excerpt": definition.input.show(inputs[one["row"]])} for one in shown],
    }


def is_of(_: Any, evaluation: dict[str, Any]) -> bool:
    """Whether the evaluation may be this model's: nothing in it tells."""
    return "examples" in evaluation


def find_segments(
    definition: Definition, examples: pd.DataFrame, inputs: Sequence[Any]
) -> list[dict[str, Any]]:
    """Groups of test examples by the values of one field, those with the largest errors first."""
    if definition.schema.kind != "record":
        return []
    table = definition.input.shape(inputs)
    found = [one for name in table for one in measure_groups(name, _group(table[name]), examples)]
    enough = [one for one in found if one["count"] >= FEWEST]
    return sorted(enough, key=lambda one: -one["rmse"])[:SHOWN_SEGMENTS]


def _group(column: pd.Series) -> pd.Series:
    """The group of each value: itself, or of numbers with many values a quarter of them."""
    is_number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    return _cut(column) if is_number and column.nunique() > FEWEST else column.astype(object)


def _cut(column: pd.Series) -> pd.Series:
    """Four parts of the same size, as far as equal values allow."""
    return pd.qcut(column, PARTS, duplicates="drop")


def measure_groups(field: str, groups: pd.Series, examples: pd.DataFrame) -> list[dict[str, Any]]:
    """The errors of each group: count, RMSE, mean error (actual less predicted), coverage."""
    errors = examples["actual"] - examples["predicted"]
    within = examples["actual"].between(examples["low"], examples["high"])
    return [
        {
            "field": field,
            "name": _name(group),
            "count": len(places),
            "rmse": float(np.sqrt((errors.iloc[places] ** 2).mean())),
            "mean": float(errors.iloc[places].mean()),
            "coverage": float(within.iloc[places].mean()),
        }
        for group, places in _list_groups(groups)
    ]


def _list_groups(groups: pd.Series) -> Iterator[tuple[Any, Any]]:
    found = groups.reset_index(drop=True).groupby(groups.to_numpy(), dropna=False, observed=True)
    for group, members in found:
        yield group, members.index.to_numpy()


def _name(group: Any) -> str:
    if isinstance(group, pd.Interval):
        return f"{group.left:,.6g} to {group.right:,.6g}"
    return "missing" if pd.isna(group) else str(group)


def draw_predicted(figure: Figure, examples: pd.DataFrame) -> None:
    """Predicted against true values, with the intervals as a band."""
    axes = figure.subplots()
    ordered = examples.sort_values("predicted")
    axes.fill_betweenx(
        ordered["predicted"], ordered["low"], ordered["high"], color=BLUE, alpha=0.12, linewidth=0
    )
    both = examples[["actual", "predicted"]].to_numpy()
    ends = [both.min(), both.max()]
    axes.plot(ends, ends, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    axes.plot(examples["actual"], examples["predicted"], ".", color=BLUE, alpha=0.5, markersize=5)
    axes.set(xlabel="true value", ylabel="predicted value", xlim=ends, ylim=ends)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:,.6g}")
    axes.locator_params(nbins=5)

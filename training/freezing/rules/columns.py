"""Steps in a row and side by side: Pipeline, ColumnTransformer, FeatureUnion."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import _safe_indexing

from serving.app.engines.columns import choose
from training.freezing.file import Op
from training.freezing.registry import (
    CannotFreeze,
    Given,
    Predictor,
    Step,
    find_errors,
    find_rule,
    follow,
    reading,
    rule,
)
from training.freezing.rules.text import freeze_vectorizer

PASSED = (None, "passthrough")


class Part(NamedTuple):
    """What a ColumnTransformer or a FeatureUnion puts beside others.

    Attributes:
        name: Of the transformer.
        transformer: Fitted, or "passthrough".
        columns: The places of the columns that it is given; the one whose values it is given
            alone; None where it is given whole rows.
        given: What it is given.
        factor: What its values are multiplied by; None for nothing.
    """

    name: str
    transformer: Any
    columns: list[int] | int | None
    given: Given
    factor: float | None


def _bound_pipeline(pipeline: Pipeline, given: Given) -> NDArray[np.float64] | None:
    """Its steps', one after the other."""
    for _, step in pipeline.steps[:-1]:
        given = follow(step, given)
    return given.errors if pipeline[-1] in PASSED else find_errors(pipeline[-1], given)


def _follow_to_last(pipeline: Pipeline, rows: Any) -> Any:
    for _, step in pipeline.steps[:-1]:
        rows = rows if step in PASSED else step.transform(rows)
    return rows


def score_pipeline(pipeline: Pipeline, rows: Any) -> Any:
    """The scores of a pipeline that ends with a model; see `Rule.scores`."""
    found = find_rule(pipeline[-1])
    if found is None or found.scores is None:
        raise CannotFreeze(f"{type(pipeline[-1]).__name__} has no frozen form")
    return found.scores(pipeline[-1], _follow_to_last(pipeline, rows))


@rule(Pipeline, bound=_bound_pipeline, scores=score_pipeline)
def freeze_pipeline(step: Step) -> list[Op] | Predictor:
    """Of transformers, or of a model after transformers."""
    *steps, (name, last) = step.estimator.steps
    found = None if last in PASSED else find_rule(last)
    if found is None or found.scores is None:
        return freeze_steps(step, step.estimator.steps)[0]
    ops, given = freeze_steps(step, steps)
    model = _name(step, name, last, given).freeze_model()
    return model._replace(ops=[*ops, *model.ops])


def _name(step: Step, name: str, estimator: Any, given: Given) -> Step:
    """A step of a pipeline; of the whole one, which is called nothing, by its name alone."""
    own = f"step {name!r}"
    return Step(f"{step.name}, {own}" if step.name else own, estimator, given)


def freeze_steps(step: Step, steps: list[tuple[str, Any]]) -> tuple[list[Op], Given]:
    """The ops of transformers one after the other, and what the last one gives."""
    ops: list[Op] = []
    given = step.given
    for place, (name, one) in enumerate(steps):
        if one in PASSED:
            continue
        current = _name(step, name, one, given)
        before = steps[place - 1][1] if place else None
        if type(one) is TfidfTransformer and type(before) is CountVectorizer:
            # Counts and their weights are one op; the one of the counts is replaced.
            counted = _name(step, steps[place - 1][0], before, step.given)
            ops[-1:] = freeze_vectorizer(counted, one, current)
        else:
            ops += current.freeze()
        with reading(current.name):
            given = current.follow()
    return ops, given


def _list_columns(transformer: ColumnTransformer, given: Given) -> list[Part]:
    """The parts of a ColumnTransformer that give something, in the order of the output."""
    rows = given.rows
    names = list(getattr(rows, "columns", range(rows.shape[1])))
    places = {name: place for place, name in enumerate(names)}
    weights = transformer.transformer_weights or {}
    parts = []
    for name, one, chosen in transformer.transformers_:
        if isinstance(one, str) and one == "drop":
            continue
        columns = choose(chosen, places)
        if not columns:
            continue
        scalar = isinstance(chosen, str | int | np.integer)
        picked = _safe_indexing(rows, columns[0] if scalar else columns, axis=1)
        errors = None if given.errors is None else given.errors[:, columns]
        if scalar and errors is not None:
            raise CannotFreeze(f"{name!r}: one column of numbers that are not exact")
        part = Given(picked, errors if errors is None or errors.any() else None)
        parts.append(Part(name, one, columns[0] if scalar else columns, part, weights.get(name)))
    return parts


def _list_union(union: FeatureUnion, given: Given) -> list[Part]:
    weights = union.transformer_weights or {}
    return [
        Part(name, one, None, given, weights.get(name))
        for name, one in union.transformer_list
        if one != "drop"
    ]


def _bound_parts(parts: list[Part], *, sparse: bool) -> NDArray[np.float64] | None:
    """The errors of parts side by side."""
    found = [follow(one.transformer, one.given) for one in parts]
    if all(one.errors is None for one in found):
        return None
    if sparse:
        raise CannotFreeze("sparse rows of numbers that are not scikit-learn's to the last bit")
    columns = [
        np.zeros(one.rows.shape) if one.errors is None else one.errors * abs(part.factor or 1)
        for one, part in zip(found, parts, strict=True)
    ]
    return np.hstack(columns)


def _bound_columns(transformer: ColumnTransformer, given: Given) -> NDArray[np.float64] | None:
    """Its parts', side by side; of sparse rows nothing."""
    return _bound_parts(_list_columns(transformer, given), sparse=transformer.sparse_output_)


@rule(ColumnTransformer, bound=_bound_columns)
def freeze_columns(step: Step) -> list[Op]:
    step.refuse(**{"sparse rows": step.is_sparse})
    return [_join(step, _list_columns(step.estimator, step.given), "values")]


def _bound_union(union: FeatureUnion, given: Given) -> NDArray[np.float64] | None:
    """Its parts', side by side; of sparse rows nothing."""
    sparse = issparse(union.transform(given.rows[:1]))
    return _bound_parts(_list_union(union, given), sparse=sparse)


@rule(FeatureUnion, bound=_bound_union)
def freeze_union(step: Step) -> list[Op]:
    return [_join(step, _list_union(step.estimator, step.given), name_rows(step.given.rows))]


def name_rows(rows: Any) -> str:
    """What an op is said to take that is given such rows; see ops/__init__.py of the engine."""
    if issparse(rows):
        return "features"
    return "values" if getattr(rows, "ndim", 1) > 1 else "text"


def _join(step: Step, parts: list[Part], takes: str) -> Op:
    whole = step.estimator.transform(step.given.rows)
    step.refuse(**{"output of tables (set_output)": hasattr(whole, "columns")})
    ops, widths = [], []
    for part in parts:
        one = Step(f"{step.name}, {part.name!r}", part.transformer, part.given)
        ops.append([] if part.transformer in PASSED else one.freeze())
        widths.append(int(one.follow().rows.shape[1]))
    step.refuse(transformers=sum(widths) != whole.shape[1])
    settings = {
        "takes": takes,
        "columns": [part.columns for part in parts],
        "widths": widths,
        "factors": [part.factor for part in parts],
        "sparse": bool(issparse(whole)),
    }
    return Op("join", settings, {}, ops)

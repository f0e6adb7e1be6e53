"""Which field of a record each column that a fitted pipeline's last step gets is made of.

Told from what each transformer is, and where a ColumnTransformer puts its columns
(`output_indices_`), never from columns' names.
"""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
from sklearn.base import OneToOneFeatureMixin
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectorMixin
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, OneHotEncoder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Of each column its field's index; None where it is made of several, or nobody can say.
type Fields = list[int] | None


def trace(step: Any, fields: list[int]) -> Fields:
    """Of which fields a fitted transformer's output is.

    Args:
        step: The transformer; a pipeline of them, or "passthrough".
        fields: Of each column that goes in.
    """
    if isinstance(step, Normalizer):  # as many columns as before, each of all of a row
        return None
    if step is None or step == "passthrough" or isinstance(step, OneToOneFeatureMixin):
        return fields
    for kind, find in _KINDS.items():
        if isinstance(step, kind):
            return find(step, fields)
    return None


def _trace_steps(pipeline: Pipeline, fields: list[int]) -> Fields:
    found: Fields = fields
    for _, step in pipeline.steps:
        found = None if found is None else trace(step, found)
    return found


def _trace_parts(columns: ColumnTransformer, fields: list[int]) -> Fields:
    names = getattr(columns, "feature_names_in_", range(len(fields)))
    places = {name: place for place, name in enumerate(names)}
    width = max((part.stop for part in columns.output_indices_.values()), default=0)
    found = np.full(width, -1)
    for name, step, chosen in columns.transformers_:
        part = columns.output_indices_[name]
        size = part.stop - part.start
        inside = [fields[place] for place in choose(chosen, places)]
        # All that is made of one field is that field's, whatever the transformer.
        traced = inside * size if len(inside) == 1 else trace(step, inside) if size else []
        if traced is None or len(traced) != size:
            return None
        found[part] = traced
    return None if -1 in found else found.tolist()


def choose(chosen: Any, places: dict[str, int]) -> list[int]:
    """The places of columns, chosen in any of the ways that a ColumnTransformer takes."""
    names = np.ravel(chosen) if not isinstance(chosen, slice) else np.array([])
    if names.dtype.kind in "OUT":
        return [places[name] for name in names.tolist()]
    return [int(place) for place in np.ravel(np.arange(len(places))[chosen])]


def _trace_categories(encoder: OneHotEncoder, fields: list[int]) -> Fields:
    named = copy(encoder).set_params(feature_name_combiner=lambda feature, _: feature)
    owners = _name(encoder, fields)
    return [owners[name] for name in named.get_feature_names_out([*owners])]


def _trace_imputed(imputer: SimpleImputer, fields: list[int]) -> Fields:
    owners = _name(imputer, fields)
    names = imputer.get_feature_names_out([*owners])
    # After the columns come those that say where a value was missing.
    marks = imputer.indicator_.features_.tolist() if imputer.add_indicator else []
    kept = [owners[name] for name in names[: len(names) - len(marks)]]
    return kept + [fields[place] for place in marks]


def _trace_function(function: FunctionTransformer, fields: list[int]) -> Fields:
    plain = function.func is None or function.feature_names_out == "one-to-one"
    return fields if plain else None


def _trace_selected(selector: SelectorMixin, fields: list[int]) -> Fields:
    return [fields[place] for place in selector.get_support(indices=True)]


def _name(step: Any, fields: list[int]) -> dict[str, int]:
    """The field of each column, by the name that the step knows it by: or else by its place."""
    names = getattr(step, "feature_names_in_", map(str, range(len(fields))))
    return dict(zip(names, fields, strict=True))


_KINDS: dict[type, Callable[[Any, list[int]], Fields]] = {
    Pipeline: _trace_steps,
    ColumnTransformer: _trace_parts,
    OneHotEncoder: _trace_categories,
    SimpleImputer: _trace_imputed,
    SelectorMixin: _trace_selected,
    FunctionTransformer: _trace_function,
}

"""Categories: encoders."""

from typing import Any

import numpy as np
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from training.freezing.file import Op
from training.freezing.registry import CannotFreeze, Step, rule

NONE = -1  # the place of a category that has no column


def list_categories(encoder: Any) -> list[list[Any]]:
    """The categories of each column, as JSON holds them; a missing value is None."""
    return [[_plain(one) for one in categories] for categories in encoder.categories_]


def _plain(category: Any) -> str | float | None:
    """A category as a row has it: numbers and truth values are doubles."""
    value = category.item() if isinstance(category, np.generic) else category
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return float(value)
    raise CannotFreeze(f"a category of the type {type(value).__name__}")


@rule(OneHotEncoder)
def freeze_one_hot(step: Step) -> list[Op]:
    encoder = step.estimator
    categories = list_categories(encoder)
    codes, unknown, start = [], [], 0
    for column, names in enumerate(categories):
        places = [_place(encoder, column, number) for number in range(len(names))]
        codes.append([place if place == NONE else start + place for place in places])
        place = _place_unknown(encoder, column)
        unknown.append(place if place in (None, NONE) else start + place)
        start += int(encoder._n_features_outs[column])
    settings = {
        "categories": categories,
        "codes": codes,
        "unknown": unknown,
        "width": start,
        "sparse": bool(encoder.sparse_output),
    }
    step.refuse(categories_=any(len(set(one)) < len(one) for one in categories))
    return [Op("one_hot", settings, {})]


def _place(encoder: OneHotEncoder, column: int, number: int) -> int:
    """The column of a category among those of its field."""
    groups = None
    if getattr(encoder, "_infrequent_enabled", False):
        groups = encoder._default_to_infrequent_mappings[column]
    place = number if groups is None else int(groups[number])
    dropped = None
    if encoder._drop_idx_after_grouping is not None:
        dropped = encoder._drop_idx_after_grouping[column]
    if dropped is None or place < dropped:
        return place
    return NONE if place == dropped else place - 1


def _place_unknown(encoder: OneHotEncoder, column: int) -> int | None:
    """The same of a category that was not seen; None if it is refused."""
    if encoder.handle_unknown == "error":
        return None
    if encoder.handle_unknown == "ignore" or not getattr(encoder, "_infrequent_enabled", False):
        return NONE
    infrequent = encoder._infrequent_indices[column]
    return NONE if infrequent is None else _place(encoder, column, int(infrequent[0]))


@rule(OrdinalEncoder)
def freeze_ordinal(step: Step) -> list[Op]:
    encoder = step.estimator
    step.refuse(dtype=np.dtype(encoder.dtype) != np.float64)
    codes = []
    for column, categories in enumerate(encoder.categories_):
        groups = None
        if getattr(encoder, "_infrequent_enabled", False):
            groups = encoder._default_to_infrequent_mappings[column]
        found = list(range(len(categories))) if groups is None else groups.tolist()
        if column in encoder._missing_indices:
            found[encoder._missing_indices[column]] = encoder.encoded_missing_value
        codes.append(list(map(_write, found)))
    known = encoder.handle_unknown == "use_encoded_value"
    unknown = [_write(encoder.unknown_value) if known else None] * len(codes)
    return [_encode(encoder, codes, unknown)]


@rule(TargetEncoder)
def freeze_target(step: Step) -> list[Op]:
    encoder = step.estimator
    step.refuse(target_type=encoder.target_type_ == "multiclass")
    codes = [list(map(_write, one)) for one in encoder.encodings_]
    return [_encode(encoder, codes, [_write(encoder.target_mean_)] * len(codes))]


def _encode(encoder: Any, codes: list[list[Any]], unknown: list[Any]) -> Op:
    settings = {"categories": list_categories(encoder), "codes": codes, "unknown": unknown}
    return Op("codes", settings, {})


def _write(number: Any) -> float | str:
    """A number as JSON holds it."""
    return "nan" if np.isnan(number) else float(number)

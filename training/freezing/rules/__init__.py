"""The rules, a module a family: to import this package is to register them."""

from training.freezing.rules import (
    bagging,
    boosting,
    calibration,
    categories,
    columns,
    combine,
    curves,
    discriminants,
    linear,
    networks,
    norms,
    numbers,
    projections,
    text,
    trees,
    vectors,
)

__all__ = [
    "bagging",
    "boosting",
    "calibration",
    "categories",
    "columns",
    "combine",
    "curves",
    "discriminants",
    "linear",
    "networks",
    "norms",
    "numbers",
    "projections",
    "text",
    "trees",
    "vectors",
]

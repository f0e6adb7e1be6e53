"""The rules, a module a family: to import this package is to register them."""

from training.freezing.rules import (
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

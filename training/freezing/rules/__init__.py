"""The rules, a module a family: to import this package is to register them."""

from training.freezing.rules import (
    calibration,
    categories,
    columns,
    combine,
    discriminants,
    linear,
    networks,
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
    "discriminants",
    "linear",
    "networks",
    "numbers",
    "projections",
    "text",
    "trees",
    "vectors",
]

"""The rules, a module a family: to import this package is to register them."""

from training.freezing.rules import (
    categories,
    columns,
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
    "categories",
    "columns",
    "discriminants",
    "linear",
    "networks",
    "numbers",
    "projections",
    "text",
    "trees",
    "vectors",
]

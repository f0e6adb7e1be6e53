"""The rules, a module a family: to import this package is to register them."""

from training.freezing.rules import columns, linear, text

__all__ = ["columns", "linear", "text"]

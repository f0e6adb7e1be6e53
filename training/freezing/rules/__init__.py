"""The rules, a module a family: to import this package is to register them."""

from training.freezing.rules import categories, columns, linear, networks, numbers, text, trees

__all__ = ["categories", "columns", "linear", "networks", "numbers", "text", "trees"]

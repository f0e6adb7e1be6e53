"""The rules that a model must hold to, beside those of the step `evaluate`."""

from typing import NamedTuple

from training.evaluation.scores import tell_number

ROUNDING = 1e-9  # two machines' fits of one model differ by less, two models by more


class Gate(NamedTuple):
    """A rule of params.yaml: what is asked for, what was found."""

    rule: str
    found: str
    limit: str
    passed: bool


def at_least(rule: str, value: float, limit: float) -> Gate:
    return Gate(rule, tell_number(value), f"≥ {limit:,.10g}", value >= limit)


def at_most(rule: str, value: float, limit: float) -> Gate:
    return Gate(rule, tell_number(value), f"≤ {limit:,.10g}", value <= limit)


class Row(NamedTuple):
    """A row of a table of numbers: the other commit's and this tree's; None where there is none."""

    name: str
    old: float | None
    new: float | None
    digits: int = 4

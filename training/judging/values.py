"""How two regressions compare: by how far their values are from each other."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.judging.committed import NotComparable
from training.judging.gates import ROUNDING, Gate, at_most
from training.judging.sides import Side, Test
from training.settings.params import Judge
from training.tasks.regression import Scored

SHOWN_MOVES = 10


class Move(NamedTuple):
    """A test example whose predicted value moves by more than may be.

    Attributes:
        row: Its line in the source's file.
        actual, before, after: Its value; the values that the models give.
        share: By which it moves, of the value before.
    """

    row: int
    actual: float
    before: float
    after: float
    share: float


def restore(rev: str, found: Mapping[str, NDArray[Any]], targets: NDArray[Any]) -> Scored:
    """What another commit's model said.

    Raises:
        NotComparable: It is a classifier.
    """
    if "classes" in found:
        raise NotComparable(f"the model of {rev} predicts labels, and this one values")
    return Scored(targets, found["predicted"].astype(np.float64))


def check(_: str, __: Scored, ___: Scored) -> None:
    """Look whether two models can be compared: all regressions can."""


def find_changes(base: Side, side: Side, test: Test, limits: Judge) -> list[Move]:
    """The examples whose values move by more than a share, the farthest first."""
    before, after = base.scored.predicted, side.scored.predicted
    shares = _measure_moves(before, after)
    order = np.argsort(-shares, kind="stable")
    rows, actual = [one.row for one in test.examples], test.targets
    return [
        Move(rows[place], *(float(one[place]) for one in (actual, before, after, shares)))
        for place in order
        if shares[place] > limits.move
    ]


def _measure_moves(before: NDArray[Any], after: NDArray[Any]) -> NDArray[np.float64]:
    """By which share of the value before each one moves; infinite from zero."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        shares = np.abs(after - before) / np.abs(before)
    return np.where(before == after, 0.0, shares)


def judge_changes(moves: Sequence[Move], count: int, limits: Judge, *, allowed: bool) -> list[Gate]:
    """Whether more values move than may."""
    if limits.max_moves is None:
        return []
    share, most = len(moves) / count, limits.max_moves
    limit = f"≤ {most:.1%}" + (" (more is allowed here)" if allowed else "")
    rule = f"values that move by more than {limits.move:.0%}"
    return [Gate(rule, f"{share:.2%}", limit, allowed or share <= most)]


def judge_drop(old: Mapping[str, float], new: Mapping[str, float], limits: Judge) -> list[Gate]:
    """Whether more error is added than may be."""
    if not old.get("rmse"):
        return []
    return [at_most("share of the RMSE added", new["rmse"] / old["rmse"] - 1, limits.max_drop)]


def measure_rounding(base: Side, side: Side, _: Sequence[Move]) -> float | None:
    """The largest move, a share of the value, where it is one that rounding can make."""
    worst = float(_measure_moves(base.scored.predicted, side.scored.predicted).max())
    return worst if worst <= ROUNDING else None


def show(_: Side, __: Side | None, moves: Sequence[Move], *, is_same: bool) -> dict[str, Any]:  # noqa: ARG001
    """What the template regression.md.j2 shows."""
    nearer = sum(abs(one.after - one.actual) < abs(one.before - one.actual) for one in moves)
    return {"shown": moves[:SHOWN_MOVES], "nearer": nearer, "farther": len(moves) - nearer}

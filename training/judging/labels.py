"""How two classifications compare: by their labels."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.judging.committed import NotComparable
from training.judging.gates import ROUNDING, Gate, Row, at_most
from training.judging.mermaid import draw_bars, draw_steps
from training.judging.sides import Side, Test
from training.reports.labels import leading_words
from training.settings.params import Judge
from training.tasks.classification import Scored, make_scored, measure_reliability, score_classes

SHOWN_FLIPS = 10
DRAWN_CLASSES = 20  # more cannot be read
FEWEST = 10  # of fewer examples, a share that is right says nothing


class Flip(NamedTuple):
    """A test example that gets another label, and the terms that led to it.

    Attributes:
        row: Its line in the source's file.
        actual, before, after: Its label; the labels that the models give.
        was_sure, is_sure: Their probabilities; None where a classifier offers none.
        terms: The heaviest first.
    """

    row: int
    actual: str
    before: str
    was_sure: float | None
    after: str
    is_sure: float | None
    terms: list[str]


def restore(rev: str, found: Mapping[str, NDArray[Any]], targets: NDArray[Any]) -> Scored:
    """What another commit's model said.

    Raises:
        NotComparable: It is no classifier.
    """
    if "classes" not in found:
        raise NotComparable(f"the model of {rev} predicts values, and this one labels")
    return make_scored(found["classes"], targets, found["predicted"], found.get("probabilities"))


def check(rev: str, base: Scored, side: Scored) -> None:
    """Look whether two models can be compared.

    Raises:
        NotComparable: They have other classes.
    """
    changed = sorted(set(map(str, base.classes)) ^ set(map(str, side.classes)))
    if changed:
        raise NotComparable(
            f"the model of {rev} has other classes: only one of the two has {', '.join(changed)}"
        )


def find_changes(base: Side, side: Side, test: Test, _: Judge) -> list[Flip]:
    """The examples that get another label, those first of which the models are surest."""
    before, after = base.scored, side.scored
    changed = np.flatnonzero(before.predicted != after.predicted)
    was_sure, is_sure = _list_confidence(before), _list_confidence(after)
    order = sorted(changed, key=lambda one: -(was_sure[one] or 0) - (is_sure[one] or 0))
    is_text = test.definition.schema.kind == "text"
    flips: list[Flip] = []
    for index in order:
        label, explained = str(after.predicted[index]), is_text and len(flips) < SHOWN_FLIPS
        example = test.examples[int(index)]
        flips.append(
            Flip(
                row=example.row,
                actual=str(example.target),
                before=str(before.predicted[index]),
                was_sure=was_sure[index],
                after=label,
                is_sure=is_sure[index],
                terms=leading_words(side.model, example.input, label) if explained else [],
            )
        )
    return flips


def _list_confidence(scored: Scored) -> list[float] | list[None]:
    """The probability of each predicted label, or as many times None."""
    confidence = scored.confidence
    return [None] * len(scored.predicted) if confidence is None else confidence.tolist()


def judge_changes(flips: Sequence[Flip], count: int, limits: Judge, *, allowed: bool) -> list[Gate]:
    """Whether more labels change than may."""
    if limits.max_flips is None:
        return []
    share, most = len(flips) / count, limits.max_flips
    limit = f"≤ {most:.1%}" + (" (more is allowed here)" if allowed else "")
    return [Gate("labels that change", f"{share:.2%}", limit, allowed or share <= most)]


def judge_drop(old: Mapping[str, float], new: Mapping[str, float], limits: Judge) -> list[Gate]:
    """Whether more of the score is lost than may be."""
    if "macro_f1" not in old:
        return []
    return [at_most("macro-F1 lost", old["macro_f1"] - new["macro_f1"], limits.max_drop)]


def measure_rounding(base: Side, side: Side, flips: Sequence[Flip]) -> float | None:
    """The largest difference of a probability, where the models differ in nothing else.

    None where one of them offers no probabilities: labels alone do not tell.
    """
    old, new = base.scored.probabilities, side.scored.probabilities
    if flips or old is None or new is None:
        return None
    worst = float(np.abs(old - new).max())
    return worst if worst <= ROUNDING else None


def show(side: Side, base: Side | None, flips: Sequence[Flip], *, is_same: bool) -> dict[str, Any]:
    """What the template classification.md.j2 shows."""
    rows = list_classes(side, base)
    pairs = Counter((one.before, one.after) for one in flips)
    return {
        "classes": rows,
        "class_chart": draw_classes(rows, with_line=not is_same),
        "drawn": DRAWN_CLASSES,
        "fewest": FEWEST,
        "reliability_chart": draw_reliability(side),
        "bins": list_bins(side),
        "shown": flips[:SHOWN_FLIPS],
        "pairs": pairs.most_common(SHOWN_FLIPS),
        "mended": sum(one.after == one.actual for one in flips),
        "broken": sum(one.before == one.actual for one in flips),
    }


def list_classes(side: Side, base: Side | None) -> list[Row]:
    """F1 of each class, the worst first."""
    old = _score_classes(base) if base else {}
    rows = [Row(name, old.get(name), f1) for name, f1 in _score_classes(side).items()]
    return sorted(rows, key=lambda row: row.new or 0)


def _score_classes(side: Side) -> dict[str, float]:
    return {one["label"]: one["f1"] for one in score_classes(side.scored)}


def draw_classes(rows: Sequence[Row], *, with_line: bool) -> str:
    """F1 of the classes, the worst on top, with the other model's as a line if it is another."""
    drawn = rows[:DRAWN_CLASSES]
    line = [row.old for row in drawn if row.old is not None] if with_line else []
    return draw_bars("F1", [(row.name, row.new or 0) for row in drawn], line)


def list_bins(side: Side) -> list[dict[str, Any]]:
    """How sure a model is, and how often it is right then; of few examples only if all are.

    Empty where the classifier offers no probabilities.
    """
    bins = measure_reliability(side.scored)
    return [one for one in bins if one["count"] >= FEWEST] or bins


def draw_reliability(side: Side) -> str | None:
    """How often the model is right when it is this sure: bars under the line are too sure.

    None where the classifier offers no probabilities.
    """
    bins = list_bins(side)
    if not bins:
        return None
    return draw_steps(
        ("probability (examples)", "share right"),
        [(f"{one['confidence']:.2f} ({one['count']:,})", one["accuracy"]) for one in bins],
        [one["confidence"] for one in bins],
    )

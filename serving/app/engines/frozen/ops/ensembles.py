"""Models of many models: AdaBoost, bagging, labels one against the rest and one against one."""

from __future__ import annotations

from serving.app.engines.frozen.ops import build, run
from serving.app.engines.frozen.ops.shares import share
from serving.app.engines.frozen.ops.vectors import list_pairs
from serving.app.engines.frozen.rows import check_width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile
    from serving.app.engines.frozen.ops.classify import Outcome


class Margin:
    """The second of two numbers less the first: AdaBoostClassifier's decision on two labels."""

    takes, gives = "values", "values"

    def __init__(self, _: FrozenFile, __: dict[str, Any]) -> None:
        pass

    def __call__(self, row: list[float]) -> list[float]:
        first, second = row
        return [second - first]

    def check(self, labels: int) -> None:
        """Refuse another number of labels.

        Raises:
            ValueError: There are not two.
        """
        if labels != 2:  # noqa: PLR2004
            raise ValueError("one score for other than two labels")


class Median:
    """The weighted median of what models say: AdaBoostRegressor. Settings: `weights`, of each."""

    takes, gives = "values", "values"

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._weights: list[float] = op["weights"]

    def __call__(self, row: list[float]) -> list[float]:
        pairs = sorted(zip(row, self._weights, strict=True), key=lambda pair: pair[0])
        sums, total = [], 0.0
        for _, weight in pairs:
            total += weight
            sums.append(total)
        half = 0.5 * total
        place = next((place for place, one in enumerate(sums) if one >= half), 0)
        return [pairs[place][0]]


class Place:
    """Numbers at other places, of which the others are zeros: labels that a model did not see.

    Settings: `columns`, the place of each; `width`, of the whole.
    """

    takes, gives = "values", "values"

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._columns: list[int] = op["columns"]
        self._width = check_width(op["width"])

    def __call__(self, row: list[float]) -> list[float]:
        found = [0.0] * self._width
        for column, value in zip(self._columns, row, strict=True):
            found[column] = value
        return found


class Rest:
    """Scores of each label against the rest to a label and probabilities: OneVsRestClassifier.

    Settings: `probable`, whether it has probabilities; `parts`, of each score the ops that make an
    outcome of it, or none where the score is a probability itself.
    """

    takes, gives = "values", "outcome"

    def __init__(self, file: FrozenFile, op: dict[str, Any]) -> None:
        self._probable: bool = op["probable"]
        self._parts = [_build_answer(file, ops) for ops in op["parts"]]

    def __call__(self, scores: list[float]) -> Outcome:
        found = None
        if self._probable:
            pairs = zip(self._parts, scores, strict=True)
            found = [_tell_probability(ops, score) for ops, score in pairs]
        if len(scores) > 1:
            label = scores.index(max(scores))
            # All zeros are left so.
            return label, share(found) if found and any(found) else found
        over = 0.0 if self._parts[0] else 0.5
        return int(scores[0] > over), None if found is None else [1.0 - found[0], found[0]]


def _build_answer(file: FrozenFile, ops: list[dict[str, Any]]) -> list[Any]:
    """Ops from a score to an outcome.

    Raises:
        ValueError: They give something else.
    """
    if not ops:
        return []
    built, gives = build(file, ops, "values")
    if gives != "outcome":
        raise ValueError(f"an answer that is {gives}")
    return built


def _tell_probability(ops: list[Any], score: float) -> float:
    """The second label's.

    Raises:
        ValueError: There is none.
    """
    if not ops:
        return score
    probabilities = run(ops, [score])[1]
    if probabilities is None:
        raise ValueError("a classifier without probabilities")
    return probabilities[1]  # type: ignore[no-any-return]


class Decided:
    """A score to the label that is made of it, and the score. Settings: `parts`, one, which is it.

    Where there is none, an outcome to its label and the second label's probability.
    """

    gives = "values"

    def __init__(self, file: FrozenFile, op: dict[str, Any]) -> None:
        self._ops = _build_answer(file, op["parts"][0]) if op.get("parts") else None
        self.takes = "outcome" if self._ops is None else "values"

    def __call__(self, row: Any) -> list[float]:
        if self._ops is None:
            return [float(row[0]), row[1][1]]
        (score,) = row
        return [float(run(self._ops, row)[0]), score]


class Duels:
    """Labels and scores of each two labels to a score a label: OneVsOneClassifier.

    Operation by operation as sklearn.utils.multiclass._ovr_decision_function. Settings: `labels`,
    how many.
    """

    takes, gives = "values", "values"

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._labels: int = op["labels"]
        self._pairs = list_pairs(self._labels)
        if not self._pairs:
            raise ValueError("fewer than two labels")

    def __call__(self, row: list[float]) -> list[float]:
        votes, sums = [0.0] * self._labels, [0.0] * self._labels
        for (one, other), label, score in zip(self._pairs, row[::2], row[1::2], strict=True):
            sums[one] -= score
            sums[other] += score
            votes[other if label else one] += 1.0
        found = [
            vote + total / (3 * (abs(total) + 1)) for vote, total in zip(votes, sums, strict=True)
        ]
        return found if self._labels > 2 else found[1:]  # noqa: PLR2004

    def check(self, labels: int) -> None:
        """Refuse another number of labels.

        Raises:
            ValueError: There are others.
        """
        if labels != self._labels:
            raise ValueError(f"duels of {self._labels} labels for {labels}")

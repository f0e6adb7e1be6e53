"""The test part of data that has none of its own: seeded, and the same on every run."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from training.console import StepError
from training.data.convert import Unfit, to_number


class Split(BaseModel):
    """How the test part is chosen.

    Attributes:
        by: `random`; `stratified`, with the labels' shares in both parts; `group`, where no value
            of a column is in both; `time`, where a column's highest values are the test part.
        share: Of the examples.
        column: Of the groups, or of the time: numbers, or dates as ISO 8601 writes them. It need
            not be a field.
        seed: Of chance.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: Literal["random", "stratified", "group", "time"] = "random"
    share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    column: str | None = None
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _has_a_column(self) -> Self:
        if (self.column is None) == (self.by in ("group", "time")):
            needs = "a column" if self.column is None else "no column"
            raise ValueError(f"a split by {self.by} needs {needs}")
        return self


def choose_test(split: Split, targets: Sequence[Any], column: Sequence[Any]) -> list[int]:
    """The places of the examples that are the test part, in order.

    Args:
        split: As it is asked for.
        targets: Of the examples.
        column: The values of the split's column; anything where there is none.

    Raises:
        StepError: These examples cannot be split so.
    """
    places = range(len(targets))
    try:
        if split.by == "time":
            return _choose_latest(split.share, column)
        if split.by == "group":
            chooser = GroupShuffleSplit(1, test_size=split.share, random_state=split.seed)
            _, test = next(chooser.split(places, groups=[str(one) for one in column]))
        else:
            labels = targets if split.by == "stratified" else None
            _, test = train_test_split(
                places, test_size=split.share, random_state=split.seed, stratify=labels
            )
    except (TypeError, ValueError) as error:
        raise StepError(f"params.yaml: prepare.split: {error}") from None
    return sorted(map(int, test))


def _choose_latest(share: float, column: Sequence[Any]) -> list[int]:
    if any(one is None or one == "" for one in column):
        raise ValueError("the column of the time has nulls")
    times = _read_times(column)
    count = max(1, round(share * len(times)))
    bound = sorted(times)[-count]
    test = [place for place, time in enumerate(times) if time >= bound]
    if len(test) == len(times):
        raise ValueError("the column of the time has one value at its end for all examples")
    return test


def _read_times(column: Sequence[Any]) -> list[Any]:
    """Numbers where all of them are, for "10" is later than "9"; else dates."""
    try:
        return [to_number(one) for one in column]
    except Unfit:
        return [datetime.fromisoformat(str(one).strip()) for one in column]

"""What a model of a table would be: its task, its input, and what is left out of it and why."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from training.console import StepError
from training.data.convert import to_text
from training.new.columns import UNFIT, Column, find_nulls, look_at
from training.new.inputs import choose_inputs

Task = Literal["classification", "regression"]
FEWEST_ROWS = 50
FEWEST_OF_A_LABEL = 10  # five folds of the training part, and some in the test part
MANY_LABELS = 100
FEW_NUMBERS = 20  # a target of more numbers than this is a value, of fewer a label
NUMBERS = ("integer", "number")


@dataclass
class Guess:
    """What a table's model would be.

    Attributes:
        task: What is answered.
        target: The column of it.
        rows: How many rows there are with a target that is learned.
        nulls, skip: As params.yaml has them.
        labels: Of a classification, by how often they are there.
        text: The columns that are the input; of a record, none.
        fields: The columns that are fields of a record; of a text, none.
        left_out: Why a column is none, by its name.
        doubts: What else a person should look at, a sentence each.
    """

    task: Task
    target: str
    rows: int
    nulls: tuple[str, ...]
    skip: tuple[str, ...] = ()
    labels: dict[str, int] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)
    fields: list[Column] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)


def guess_model(
    table: Mapping[str, Sequence[Any]], target: str, text: Sequence[str], task: Task | None
) -> Guess:
    """Look at a table, by its columns.

    Args:
        table: The values of each column, as read.
        target: The column of what is to be answered.
        text: The columns that are the input, where a person says that it is a text.
        task: As a person says it.

    Raises:
        StepError: No model can be made of it.
    """
    for name in (target, *text):
        if name not in table:
            raise StepError(f"the table has no column {name}: it has {', '.join(table)}")
    nulls = find_nulls(table)
    columns = {one.name: one for one in look_at(table, nulls)}
    answer = columns.pop(target)
    task = task or guess_task(answer)
    guess = Guess(task, target, 0, nulls)
    learned = _read_targets(guess, answer, list(table[target]))
    kept = [_keep(one, learned) for one in columns.values()]
    labels = [answer.values[place] for place in learned] if task == "classification" else []
    chosen = choose_inputs(kept, text, labels)
    guess.text, guess.fields, guess.left_out = chosen.text, chosen.fields, chosen.left_out
    guess.doubts += chosen.doubts
    return guess


def guess_task(answer: Column) -> Task:
    """Numbers of which there are many are values; all else are labels."""
    if answer.type in NUMBERS and answer.distinct > FEW_NUMBERS:
        return "regression"
    return "classification"


def _keep(column: Column, places: Sequence[int]) -> Column:
    return Column(column.name, column.type, [column.values[place] for place in places])


def _read_targets(guess: Guess, answer: Column, written: list[Any]) -> list[int]:
    """The places of the rows with a target that is learned; what is said of the others."""
    places = [place for place, one in enumerate(answer.values) if one is not None]
    if len(places) < len(written):
        gone = {one if isinstance(one, str) else "" for one in written} & {*guess.nulls, ""}
        guess.skip = tuple(sorted(gone))
        guess.doubts.append(
            f"{len(written) - len(places):,} rows have no {guess.target}: they are skipped "
            "(prepare.skip)"
        )
    if guess.task == "regression":
        _check_values(answer)
    elif len(places) >= FEWEST_ROWS:
        places = _read_labels(guess, answer, places)
    if len(places) < FEWEST_ROWS:
        raise StepError(
            f"{len(places)} rows have a {guess.target} to learn: at least {FEWEST_ROWS} are needed"
        )
    guess.rows = len(places)
    return places


def _check_values(answer: Column) -> None:
    if answer.type == "comma":
        raise StepError(f"{answer.name} has {UNFIT['comma']}")
    if answer.type not in NUMBERS:
        raise StepError(
            f"a regression's target is a number, and {answer.name} is of the type {answer.type}: "
            "choose another TARGET, or TASK=classification"
        )
    if answer.distinct < 2:  # noqa: PLR2004
        raise StepError(f"all rows have the same {answer.name}: there is nothing to learn")


def _read_labels(guess: Guess, answer: Column, places: list[int]) -> list[int]:
    if answer.type == "nested":
        raise StepError(f"{answer.name} has lists or objects, and a label is a text or a number")
    if answer.type == "comma":
        raise StepError(f"{answer.name} has {UNFIT['comma']}")
    counts = Counter(to_text(answer.values[place]) for place in places)
    rare = {one: count for one, count in counts.items() if count < FEWEST_OF_A_LABEL}
    guess.labels = {one: count for one, count in counts.most_common() if one not in rare}
    if not guess.labels or len(guess.labels) > MANY_LABELS:
        raise StepError(
            f"{answer.name} has {len(counts):,} values, of which {len(guess.labels):,} are in "
            f"{FEWEST_OF_A_LABEL} rows or more: a classification takes 2 to {MANY_LABELS} such "
            "labels; for numbers there is TASK=regression"
        )
    if len(guess.labels) == 1:
        (only,) = guess.labels
        enough = f" in {FEWEST_OF_A_LABEL} rows or more" if rare else ""
        raise StepError(
            f"{answer.name} has only one value ({only!r:.40}){enough}: there is nothing to "
            "distinguish"
        )
    if rare:
        guess.skip = (*guess.skip, *sorted(rare))
        shown = ", ".join(f"{one!r:.40} ({count})" for one, count in rare.items())
        guess.doubts.append(
            f"labels in fewer than {FEWEST_OF_A_LABEL} rows are skipped (prepare.skip): {shown}"
        )
    if answer.type in NUMBERS and len(guess.labels) > 2:  # noqa: PLR2004
        guess.doubts.append(
            f"the values of {answer.name} are numbers, taken for {len(guess.labels)} labels: if "
            "more of it means more, TASK=regression"
        )
    return [place for place in places if to_text(answer.values[place]) in guess.labels]

"""Step validate: data and settings are what training may rely on, or what of them is not.

It comes before anything is trained, so all that a person writes is checked here or earlier.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

from training.console import StepError, say
from training.contract import read_model
from training.data.dataset import Example, iterate_rows, list_rows
from training.definition import Definition, read_definition
from training.fitting.candidates import list_candidates
from training.fitting.scoring import find_scorer
from training.freezing.rehearsal import rehearse
from training.inputs import Input, read_golden_inputs
from training.model_code import check_own_code
from training.paths import Paths, run_for_model
from training.settings.params import Validate
from training.settings.schema import read_golden
from training.tasks import Task


def main(paths: Paths) -> None:
    """Check both parts and every candidate, and write what was counted.

    Raises:
        StepError: A check failed; the message lists each problem with its rows.
    """
    definition = read_definition(paths)
    check_own_code(paths, definition.schema.kind)
    problems: list[str] = []
    train = list(checked_rows(paths.train, problems))
    test = list(checked_rows(paths.test, problems))
    kind, task, params = definition.input, definition.task, definition.params
    problems += find_problems(train, test, kind, task, params.validation)
    if problems:
        raise StepError("the prepared data is not fit to train on:\n  " + "\n  ".join(problems))
    golden = read_golden(paths, definition.schema)
    golden = task.choose_golden(golden, task.read_targets(train), paths.golden)
    read_golden_inputs(golden, kind, paths)
    task.check_params(params, task.read_targets(train))
    check_candidates(paths, definition, train)
    doubts = kind.find_doubts(train, test)
    report = {
        "targets": {"train": task.count(train), "test": task.count(test)},
        "inputs": kind.measure(train, test),
        "doubts": doubts,
    }
    paths.validation.write_text(json.dumps(report, indent=2) + "\n")
    say(f"validated {len(train):,} training and {len(test):,} test examples")
    for doubt in doubts:
        say(f"  worth a look: {doubt}")


def check_candidates(paths: Paths, definition: Definition, train: Sequence[Example]) -> None:
    """Try each candidate on a few examples.

    Raises:
        StepError: A candidate or the scorer is none, or has a value that it cannot have.
    """
    params, task, kind = definition.params.train, definition.task, definition.input
    find_scorer(params.scoring)
    few = task.take_few(train)
    candidates = list_candidates(params, read_model(paths.name).candidates)
    rehearse(candidates, kind, [one.input for one in few], task.read_targets(few))


def checked_rows(path: Path, problems: list[str]) -> Iterator[Example]:
    """The examples of a file; rows that are none are added to `problems` instead."""
    names = {field.name for field in fields(Example)}
    for number, row in enumerate(iterate_rows(path), start=1):
        if isinstance(row, dict) and row.keys() == names and type(row["row"]) is int:
            yield Example(**row)
        else:
            problems.append(f"{path}, line {number}: not an example of row, target and input")


def find_problems(
    train: Sequence[Example], test: Sequence[Example], kind: Input, task: Task, limits: Validate
) -> list[str]:
    """What is wrong with the examples, one sentence a problem, each with the rows it is in."""
    found = kind.check_form([*train, *test]) + task.find_problems(train, test, limits)
    if found or not train or not test:
        return found or ["a part has no examples"]
    checks = {
        "training examples without content": find_empty(train, kind),
        "test examples without content": find_empty(test, kind),
    }
    if kind.repeats_are_mistakes(train):
        checks["training examples that repeat an earlier one"] = find_repeated(train, kind)
        checks["training examples that are in the test part"] = find_leaked(train, test, kind)
    found = [f"{what}: rows {list_rows(rows)}" for what, rows in checks.items() if rows]
    return found + kind.find_problems(train, test, limits)


def find_empty(examples: Sequence[Example], kind: Input) -> list[int]:
    """Rows of the examples with nothing in their inputs."""
    return [one.row for one in examples if not kind.has_content(one.input)]


def find_repeated(examples: Sequence[Example], kind: Input) -> list[int]:
    """Rows of the examples whose input an earlier one has."""
    counts: Counter[object] = Counter()
    rows = []
    for one in examples:
        known = kind.identify(one.input)
        counts[known] += 1
        if known is not None and counts[known] > 1:
            rows.append(one.row)
    return rows


def find_leaked(train: Sequence[Example], test: Sequence[Example], kind: Input) -> list[int]:
    """Rows of the training examples whose input is in the test part."""
    tested = {kind.identify(one.input) for one in test} - {None}
    return [one.row for one in train if kind.identify(one.input) in tested]


if __name__ == "__main__":
    run_for_model(main)

"""`make new NAME=churn DATA=churn.csv TARGET=churned`: from a table to a model's folder."""

import argparse
import keyword
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from serving.bundle import names
from training.console import StepError, run_step, say
from training.data.origin import hash_file
from training.data.table import find_format, read_table
from training.new.folder import write_folder
from training.new.guess import Guess, guess_model
from training.new.plan import Planned, plan_files
from training.paths import MODELS, Paths, list_models

WIDTH = 24


def main(arguments: Sequence[str] | None = None) -> None:
    """Look at a table, say what it is, and write a model's folder.

    Raises:
        StepError: The name is taken or none, or no model can be made of the table.
    """
    asked = _read_arguments(arguments)
    check_given(asked, "name", "data", "target")
    name, data = asked.name, Path(asked.data)
    check_name(name)
    table = read_columns(data)
    say(f"{data}: rows: {len(next(iter(table.values()))):,}, columns: {len(table)}")
    texts = split_names(asked.text, table)
    if asked.target in texts:
        raise StepError(f"{asked.target} cannot be the TARGET and the TEXT at once")
    guess = guess_model(table, asked.target, texts, asked.task)
    place = MODELS / name / f"{name}{data.suffix.lower()}"
    files = plan_files(Planned(name, guess, place, hash_file(data)), data)
    tell(guess)
    write_folder(name, files, {place.name: data})
    say(f"wrote {MODELS / name} and models.yaml; 'git add' both")
    say(f"train and serve it: make serve MODEL={name}")


def _read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make new", description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--text", default="", help="the column that is the input, or several: a,b")
    parser.add_argument("--task", choices=["classification", "regression"])
    return parser.parse_args(arguments)


def split_names(text: str, table: Collection[str]) -> list[str]:
    """The columns that are named, one or several: a name may have a comma in it."""
    return [text] if text in table else [one.strip() for one in text.split(",") if one.strip()]


def check_given(asked: argparse.Namespace, *names: str) -> None:
    """Look whether a value was given to each of some arguments.

    Raises:
        StepError: One has none.
    """
    if missing := [f"{name.upper()}=" for name in names if not getattr(asked, name)]:
        raise StepError(f"{', '.join(missing)} must be given: 'make help' shows how")


def check_name(name: str) -> None:
    """Look whether a new model can have this name.

    Raises:
        StepError: It cannot.
    """
    try:
        names.check_name(name)
    except ValueError as error:
        raise StepError(f"{error}: choose another NAME") from None
    if keyword.iskeyword(name):
        raise StepError(f"{name} is a word of Python's own: choose another NAME")
    if name in list_models() or Paths(name).home.exists():
        raise StepError(
            f"there is a model {name} ({MODELS / name}): choose another NAME, or remove that one "
            f"with 'make remove NAME={name}'"
        )


def read_columns(data: Path, variable: str = "DATA") -> dict[str, list[Any]]:
    """The columns of a table that is read strictly; `variable` named it on the command line.

    Raises:
        StepError: It is missing, or no table.
    """
    if not data.is_file():
        raise StepError(f"{data} is no file: {variable}= the path of a table")
    table = read_table(data, find_format(data.name))
    rows = [row.values for row in table.rows]
    if not rows:
        raise StepError(f"{data} has no rows")
    return {name: [row[name] for row in rows] for name in table.names}


def tell(guess: Guess) -> None:
    """Say what was guessed, and what is doubted."""
    kind = "text" if guess.text else "record"
    say(f"guessed: {guess.task} of {guess.target}, by a {kind} (TASK= and TEXT= say otherwise)")
    if guess.labels:
        say("  labels: " + ", ".join(f"{one} ({n:,})" for one, n in guess.labels.items()))
    if guess.text:
        say(f"  text: {', '.join(guess.text)}")
    for one in guess.fields:
        nulls = f", {one.missing:.0%} null" if one.missing else ""
        say(f"  {one.name:<{WIDTH}} {one.type}, {one.distinct:,} values{nulls}")
    if len(guess.nulls) > 1:
        say(f"  null is written {', '.join(map(repr, guess.nulls))}")
    for name, reason in guess.left_out.items():
        say(f"left out: {name}: {reason}")
    for doubt in guess.doubts:
        say(f"worth a look: {doubt}")


if __name__ == "__main__":
    run_step(main)

"""`make adopt NAME=x FILE=model.joblib EXAMPLES=examples.csv`: serve a model trained elsewhere.

The model becomes the one candidate of a folder like any other, and is never fitted again: examples
are its data, so that all steps, gates and proofs hold for it, too.
"""

import argparse
import csv
import hashlib
import json
import sys
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from training.adopting.look import Adoption, look
from training.console import StepError, run_step, say
from training.data.origin import hash_file
from training.fitting.adopted import unpickle
from training.new.__main__ import check_given, check_name, read_columns
from training.new.folder import write_folder
from training.new.render import fill
from training.paths import MODELS

ANSWER = "answer"  # the column that is written where the examples have none


def main(arguments: Sequence[str] | None = None) -> None:
    """Ask, look at the model and the examples, and write the model's folder.

    Raises:
        StepError: The name is taken, the file is no model of these packages, or the examples are
            none that it takes.
    """
    asked = _read_arguments(arguments)
    check_given(asked, "name", "file", "examples")
    check_name(asked.name)
    file, examples = Path(asked.file), Path(asked.examples)
    if not file.is_file():
        raise StepError(f"{asked.file or 'FILE='} is no file: FILE= the path of a fitted model")
    confirm(file, yes=asked.yes)
    data = file.read_bytes()
    model, table = unpickle(data, str(file)), read_columns(examples, "EXAMPLES")
    found = look(model, table, asked.target, asked.text)
    say(f"{type(model).__name__}: {found.schema.task} of a {found.schema.kind}")
    with tempfile.TemporaryDirectory() as folder:
        target = asked.target or _name_answers(table)
        written = write_examples(Path(folder), table, target, found)
        place = f"{asked.name}.csv"
        files = render(asked.name, found, hashlib.sha256(data).hexdigest(), written, target)
        write_folder(asked.name, files, {f"{asked.name}.joblib": file, place: written})
    say(f"wrote {MODELS / asked.name} and models.yaml; 'git add' both")
    say(f"prove and serve it: make serve MODEL={asked.name}")


def _read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make adopt", description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--file", required=True, help="of joblib's or pickle's")
    parser.add_argument("--examples", required=True, help="a table of what the model is asked")
    parser.add_argument("--target", default="", help="the column of the true answers, if there is")
    parser.add_argument("--text", default="", help="the column that is the text")
    parser.add_argument("--yes", action="store_true")
    return parser.parse_args(arguments)


def confirm(file: Path, *, yes: bool) -> None:
    """Ask before code of others is run.

    Raises:
        StepError: The answer was not yes, or nobody is there to give one.
    """
    say(
        f"{file} is a pickle: reading it runs any code that its author has put there. "
        "Go on only if you trust them."
    )
    if yes:
        return
    if not sys.stdin.isatty():
        raise StepError("nobody is there to be asked: say YES=1 if you trust the file")
    if input("Go on? [y/N] ").strip().lower() not in ("y", "yes"):
        raise StepError("nothing was done")


def write_examples(folder: Path, table: dict[str, list[Any]], target: str, found: Adoption) -> Path:
    """The examples as CSV, with the model's own answers where they have none."""
    columns = {name: table[name] for name in found.columns}
    columns[target] = table[target] if target in table else [str(one) for one in found.answers]
    path = folder / "examples.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            writer.writerow(["" if one is None else one for one in row])
    return path


def _name_answers(table: Collection[str]) -> str:
    """What the column of the model's own answers is called: as no other one is."""
    name = ANSWER
    while name in table:
        name += "_"
    return name


def render(name: str, found: Adoption, sha256: str, written: Path, target: str) -> dict[str, str]:
    """The files of the folder, by name."""
    context = {
        "name": name,
        "file": str(MODELS / name / f"{name}.joblib"),
        "sha256": sha256,
        "schema": found.schema,
        "texts": found.texts,
        "own_answers": found.own,
        "scoring": "accuracy" if found.schema.labels else "neg_root_mean_squared_error",
        "data": {"path": str(MODELS / name / f"{name}.csv"), "sha256": hash_file(written)},
        "target": target,
    }
    files = fill(Path(__file__).with_name("templates"), context)
    schema = json.dumps(found.schema.model_dump(exclude_none=True), ensure_ascii=False, indent=2)
    golden = json.dumps(found.golden, ensure_ascii=False, indent=2)
    return files | {"__init__.py": "", "schema.json": f"{schema}\n", "golden.json": f"{golden}\n"}


if __name__ == "__main__":
    run_step(main)

"""`make remove NAME=churn`: take a model out of this tree, with all that was made of it.

git and DVC's remote keep what was committed and pushed. What is deployed stays: 'make destroy'.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from ruamel.yaml import YAML

from training.console import StepError, run_step, say
from training.model_file import LOCK
from training.new.folder import LIST
from training.paths import Paths, find_paths


def main(arguments: Sequence[str] | None = None) -> None:
    """Ask, and remove.

    Raises:
        StepError: There is no such model, or the answer was no.
    """
    parser = argparse.ArgumentParser(prog="make remove", description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--yes", action="store_true")
    asked = parser.parse_args(arguments)
    paths = find_paths(asked.name)
    folders = list_folders(paths)
    say(f"{', '.join(map(str, folders))}, and its lines in {LIST} and {LOCK}")
    if not asked.yes:
        if not sys.stdin.isatty():
            raise StepError("nobody is there to be asked: say YES=1 to remove all this")
        if input("Remove all this? [y/N] ").strip().lower() not in ("y", "yes"):
            raise StepError("nothing was done")
    take_out(paths.name)
    for folder in folders:
        shutil.rmtree(folder)
    say(f"removed the model {paths.name}; what of it is deployed stays: make destroy")


def list_folders(paths: Paths) -> list[Path]:
    """What there is of a model."""
    folders = (paths.home, paths.bundle, paths.reports, paths.raw.parent)
    return [folder for folder in folders if folder.exists()]


def take_out(name: str) -> None:
    """Take a model's line out of models.yaml, and its steps out of dvc.lock."""
    lines = LIST.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if line.strip() != f"- {name}"]
    if not any(line.lstrip().startswith("- ") for line in kept):
        kept = [line.replace("models:", "models: []") for line in kept]
    LIST.write_text("".join(kept), encoding="utf-8")
    if LOCK.exists():
        yaml = YAML()
        lock = yaml.load(LOCK.read_text(encoding="utf-8"))
        for step in [one for one in lock.get("stages", {}) if one.endswith(f"@{name}")]:
            del lock["stages"][step]
        with LOCK.open("w", encoding="utf-8") as file:
            yaml.dump(lock, file)


if __name__ == "__main__":
    run_step(main)

"""A new model's folder, in its place whole or not at all."""

import re
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from training.console import StepError
from training.paths import MODELS
from training.run_dvc import dvc

LIST = Path("models.yaml")
LOCAL = Path(".local")
ITEM = re.compile("^( *)- ", re.MULTILINE)


def write_folder(name: str, files: Mapping[str, str], tracked: Mapping[str, Path]) -> None:
    """Write a model's files, track what is large with DVC, and name it in models.yaml.

    Args:
        name: The model's.
        files: The files' texts by their names.
        tracked: By the names that they get there, files as they are now, which are copied.

    Raises:
        StepError: DVC does not take the data, and says why.
    """
    home = MODELS / name
    LOCAL.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=LOCAL) as folder:
        made = Path(folder, name)
        made.mkdir()
        for file, text in files.items():
            (made / file).write_text(text, encoding="utf-8")
        for file, path in tracked.items():
            shutil.copyfile(path, made / file)
        made.replace(home)
    listed = LIST.read_text(encoding="utf-8")
    try:
        for file in tracked:
            track(home / file)
        LIST.write_text(add_item(listed, name), encoding="utf-8")
    except BaseException:  # Ctrl-C, too
        shutil.rmtree(home, ignore_errors=True)
        with suppress(OSError):
            LIST.write_text(listed, encoding="utf-8")
        raise


def add_item(listed: str, name: str) -> str:
    """models.yaml with one more model, its comments as they are."""
    items = ITEM.findall(listed)
    if not items:  # "models: []"
        return f"{listed.rstrip().removesuffix('[]').rstrip()}\n  - {name}\n"
    return f"{listed.rstrip()}\n{items[-1]}- {name}\n"


def track(place: Path) -> None:
    """Hand a file to DVC: git has its hash, the remote its bytes.

    Raises:
        StepError: DVC does not take it.
    """
    done = dvc("add", "--quiet", str(place), capture=True)
    if done.returncode:
        raise StepError(f"DVC does not take {place}: {done.stderr.strip()}")

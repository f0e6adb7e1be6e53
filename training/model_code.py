"""A model's own code that its pickle needs, features.py: whether it imports where it is served.

The image of the sklearn engine has of training this one file, without any `__init__.py`, and the
packages of its lock. So the file is imported alone, by the name that pickles know, in a process
that has no more than that (import_alone.py).
"""

import re
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import packages_distributions
from pathlib import Path

from training.console import StepError
from training.paths import Paths

FILE = "features.py"
LOCKS = {
    "text": Path("requirements/sklearn.txt"),
    "record": Path("requirements/records.txt"),
    "image": Path("requirements/images.txt"),
}
SCRIPT = Path(__file__).with_name("import_alone.py")


def check_own_code(paths: Paths, kind: str) -> None:
    """Import a model's features.py as the service will.

    Args:
        paths: The model's.
        kind: Its kind of input, which decides what the image has.

    Raises:
        StepError: It is missing, or it needs what the image does not have.
    """
    path = paths.home / FILE
    if not path.exists():
        raise StepError(
            f"{path} is missing: write what the model's pickle needs of your own there, or only a "
            "docstring that says that it needs nothing"
        )
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, path)
        copy.parent.mkdir(parents=True)
        shutil.copyfile(path, copy)
        module = ".".join(path.with_suffix("").parts)
        command = [sys.executable, "-I", str(SCRIPT), folder, module, *list_others(LOCKS[kind])]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StepError(
            f"{path} cannot be imported by the service: {done.stderr.strip()}. It may import the "
            f"standard library and what {LOCKS[kind]} has"
        )


def list_others(lock: Path) -> list[str]:
    """The modules that are installed here, and of no package of a lock."""
    pinned = {_normalize(name) for name in re.findall(r"(?m)^([\w.-]+)==", lock.read_text())}
    return sorted(
        module
        for module, packages in packages_distributions().items()
        if not pinned & set(map(_normalize, packages))
    )


def _normalize(name: str) -> str:
    """A package's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()

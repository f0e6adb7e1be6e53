"""Where contenders run: without what a developer's environment does at each start of Python.

The packages of tests and tools put .pth files beside themselves, whose lines each start runs; an
image has none. And the frozen model runs from a copy of what goes into its image, with the kernel
or without.
"""

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from bench.footprint import APP, KERNEL, READER, find_requirements
from serving.deployment.image.builder import MERGE
from tools.runtime_api import ROOT


@dataclass(frozen=True)
class Place:
    """Where a contender runs.

    Attributes:
        python: Its interpreter.
        root: The folder that its handler's module is in.
    """

    python: Path
    root: Path = ROOT


def make_environment(folder: Path, packages: Iterable[str]) -> Path:
    """Make an environment in a folder, of some of this one's packages and what they need.

    What else is installed here would not be in an image, and costs: scikit-learn imports pandas
    wherever it is.

    Returns:
        Its interpreter.
    """
    ours = Path(sysconfig.get_path("purelib"))
    theirs = folder / ours.relative_to(sys.prefix)
    theirs.mkdir(parents=True)
    for name in _list_parts(find_requirements(packages)):
        (theirs / name).symlink_to(ours / name)
    shutil.copy(Path(sys.prefix, "pyvenv.cfg"), folder)
    python = folder / "bin/python"
    python.parent.mkdir()
    # What an environment's interpreter is: its name for the one that it was made of.
    python.symlink_to(Path(sys.executable).resolve())
    return python


def _list_parts(packages: set[str]) -> set[str]:
    """What packages have in site-packages: folders and modules, without .pth files."""
    files = (file for name in packages for file in distribution(name).files or ())
    parts = {file.parts[0] for file in files if not file.match("*.pth")}
    return parts - {"..", "__pycache__"}


def copy_app(folder: Path, *, kernel: bool) -> Path:
    """Copy what goes into the image of a frozen model: the app and the bundle's reader.

    Args:
        folder: Where to.
        kernel: Whether the kernel, if it was built, is copied, too.
    """
    left_out = shutil.ignore_patterns("__pycache__", "data", *(() if kernel else (KERNEL,)))
    for part in (APP, READER):
        shutil.copytree(ROOT / part, folder / part, ignore=left_out)
    shutil.copy(ROOT / "serving/__init__.py", folder / "serving")
    return folder


def copy_plain(folder: Path) -> Path:
    """Copy what goes into an image of scikit-learn's, which has no kernel, and the plain way.

    Args:
        folder: Where to.
    """
    left_out = shutil.ignore_patterns("__pycache__", "results", "tests")
    for part in ("bench", "training/models"):
        shutil.copytree(ROOT / part, folder / part, ignore=left_out)
    return copy_app(folder, kernel=False)


def merge(root: Path, python: Path, bundle: Path) -> None:
    """Write what a start imports in one file, as the image of a bundle's model has it."""
    subprocess.run([python, ROOT / MERGE, root, root, bundle], check=True)


def has_kernel() -> bool:
    """Whether the kernel was built here."""
    return any((ROOT / APP).glob(KERNEL))

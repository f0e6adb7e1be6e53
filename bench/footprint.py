"""What each contender brings beside the base image: its packages, its code, its model.

From the packages' own lists of files. Compiled files (.pyc) are left out for all alike; an image
has them, in about the same proportion.
"""

from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from serving.bundle.manifest import FROZEN_NAME, MANIFEST_NAME, MODEL_NAME

BASE_IMAGE = ("awslambdaric",)
# Only the EMF library's probe of EC2 uses it, and serving/app/telemetry/emf.py does without that.
NOT_OURS = "aiohttp"
FULL_APP = ("aws-embedded-metrics", "aws-lambda-powertools", "pydantic")
MODEL_STACK = ("joblib", "scikit-learn")
# What a kind of input needs besides, with scikit-learn and frozen.
STACKS = {"text": (), "record": ("pandas",), "image": ("pillow",)}
FROZEN_STACKS = {"text": (), "record": (), "image": ("pillow",)}
APP = Path("serving/app")
READER = Path("serving/bundle")
BENCH = Path("bench")
KERNEL = "_kernel.*.so"


class Footprint(NamedTuple):
    """How much there is to put into an image."""

    bytes: int
    files: int


def list_stack(kind: str) -> tuple[str, ...]:
    """The packages that serve scikit-learn's models of a kind of input."""
    return (*MODEL_STACK, *STACKS[kind])


def measure_footprints(bundle: Path, kind: str, names: Iterable[str]) -> dict[str, Footprint]:
    """The footprint of the contenders of these names, of a bundle's model of a kind of input."""
    app = [path for folder in (APP, READER) for path in folder.rglob("*.py")]
    kernel = list(APP.rglob(KERNEL))
    manifest, model = bundle / MANIFEST_NAME, bundle / MODEL_NAME
    pure = [*app, manifest, bundle / FROZEN_NAME]
    plain = [BENCH / "plain.py", manifest, model]
    sklearn, frozen = list_stack(kind), FROZEN_STACKS[kind]
    parts: dict[str, tuple[tuple[str, ...], list[Path]]] = {
        "empty": ((), [BENCH / "empty.py"]),
        "frozen": ((*FULL_APP, *frozen), [*pure, *kernel]),
        "frozen, python": ((*FULL_APP, *frozen), pure),
        "sklearn": ((*FULL_APP, *sklearn), [*app, manifest, model]),
        "naive": ((*FULL_APP, *sklearn), [BENCH / "naive.py", *plain]),
        "fastapi": (("fastapi", "uvicorn", *sklearn), [BENCH / "fastapi_app.py", *plain]),
    }
    return {name: _measure(*parts[name]) for name in names}


def measure_packages(packages: Iterable[str]) -> Footprint:
    """These packages and all that they need here."""
    return _sum(file for name in find_requirements(packages) for file in _list_files(name))


def _measure(packages: tuple[str, ...], own: list[Path]) -> Footprint:
    without = NOT_OURS if APP / "handler.py" in own else None
    needed = find_requirements(packages, without) - find_requirements(BASE_IMAGE)
    installed = [file for name in needed for file in _list_files(name)]
    return _sum((*installed, *own))


def _sum(files: Iterable[Path]) -> Footprint:
    sizes = [path.stat().st_size for path in files]
    return Footprint(sum(sizes), len(sizes))


def find_requirements(names: Iterable[str], without: str | None = None) -> set[str]:
    """These packages and all that they need here, without extras that nobody asks for.

    Args:
        names: The packages.
        without: One that is left out, with what it alone needs.
    """
    found: set[tuple[str, str]] = set()
    wanted = [(canonicalize_name(name), "") for name in names]
    while wanted:
        one = name, extra = wanted.pop()
        if one in found or name == without:
            continue
        found.add(one)
        for line in distribution(name).requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                wanted += [(canonicalize_name(needed.name), each) for each in ("", *needed.extras)]
    return {name for name, _ in found}


def _list_files(name: str) -> Iterable[Path]:
    for file in distribution(name).files or ():
        path = Path(str(file.locate()))
        if path.suffix != ".pyc" and path.is_file():
            yield path

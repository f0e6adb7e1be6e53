"""How a model would be served: whether it is frozen, its size, and its cold start."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from serving.bundle.errors import ModelError
from serving.bundle.files import read_pinned
from serving.bundle.manifest import FROZEN_NAME, Manifest, read_manifest
from training.judging.committed import Recorded
from training.model_file import LOCK
from training.paths import Paths

FROZEN_SAID = "frozen"
NOT_MEASURED = "not measured: 'make bench COLD=1'"


class NotServed(Exception):
    """The service would refuse the model; the message says why."""


@dataclass(frozen=True)
class Served:
    """How a model would be served.

    Attributes:
        said: "frozen", or why it is not.
        engine: "frozen" or "sklearn"; None where it is not known yet.
        frozen_bytes: The size of model.frozen; None where there is none.
    """

    said: str
    engine: str | None = None
    frozen_bytes: int | None = None


def find_manifest(version: str, paths: Paths) -> Manifest:
    """The manifest of this very model, whose files are those that it pins.

    Raises:
        NotServed: There is none, or a file is another one.
    """
    try:
        manifest = read_manifest(paths.bundle)
        if manifest.version != version:
            raise NotServed(
                "no manifest of this model: the pipeline did not get to that step, "
                f"{paths.make('train')} says why"
            )
        for name, pin in manifest.files.items():
            read_pinned(paths.bundle, name, pin)
    except ModelError as error:
        raise NotServed(str(error)) from None
    return manifest


def describe(manifest: Manifest | Recorded) -> Served:
    """What a manifest says of it."""
    return _describe(manifest.engine, manifest.frozen, _size(manifest))


def _size(manifest: Manifest | Recorded) -> int | None:
    pin = manifest.files.get(FROZEN_NAME)
    return pin.size if pin else None


def _describe(engine: str, frozen: dict[str, Any], size: int | None) -> Served:
    if engine == "frozen":
        return Served(FROZEN_SAID, engine, size)
    return Served(f"not frozen: {frozen.get('refused', 'nobody said why')}", engine)


def describe_own(version: str, paths: Paths) -> Served:
    """What is known of this tree's model."""
    try:
        return describe(find_manifest(version, paths))
    except NotServed:
        return _describe_unserved(paths)


def _describe_unserved(paths: Paths) -> Served:
    """What is known of a model without a manifest, in most cases because it failed a gate.

    reports/freeze.json belongs to this model only if DVC recorded it so.
    """
    if not LOCK.exists():
        return Served("not frozen yet")
    stage = yaml.safe_load(LOCK.read_text()).get("stages", {}).get(paths.name_step("freeze"), {})
    recorded = {one["path"]: one["md5"] for part in ("deps", "outs") for one in stage.get(part, ())}
    for path in (paths.model, paths.freeze, paths.frozen):
        if not path.exists() or recorded.get(str(path)) != _md5(path):
            return Served("not frozen yet: the pipeline ended before that")
    found = json.loads(paths.freeze.read_text())
    return _describe(found["engine"], found, paths.frozen.stat().st_size)


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def describe_start(version: str, engine: str | None, paths: Paths) -> str:
    """What `make bench COLD=1` found of this model, if it measured this one."""
    if engine == "sklearn":
        return "not measured: it is not frozen"
    try:
        found = json.loads(paths.cold.read_text(encoding="utf-8"))
        if found["version"] != version:
            return NOT_MEASURED
        ratio, hold, times = found["ratio"], found["hold"], found["milliseconds"]
        missed = "" if ratio <= hold else ", which is not held here"
        return (
            f"{ratio:.2f}× ({times['frozen']:.0f} ms against {times['empty']:.0f} ms; "
            f"hold {hold:.2f}×{missed})"
        )
    except (OSError, ValueError, KeyError, TypeError):
        return NOT_MEASURED

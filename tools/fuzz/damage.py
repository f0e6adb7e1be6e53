"""Damages a bundle's files byte by byte, and counts what is taken all the same."""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from copy import replace
from functools import partial
from pathlib import Path
from random import Random
from unittest.mock import patch

from serving.app.engines import sklearn
from serving.app.engines.frozen.file import BLOCK, LEAVES, FrozenFile, count_blocks
from serving.app.engines.predictor import load_predictor
from serving.bundle import versions
from serving.bundle.errors import ModelError
from serving.bundle.manifest import FROZEN_NAME, MANIFEST_NAME, MODEL_NAME, read_manifest
from tools.fuzz.findings import Findings, progress

EVERY = 10**9  # of the bytes, or lengths, that there are
EXTRA = [bytes([code]) for code in range(256)] + [bytes(BLOCK), b"\n", b" " * 100]


class Unpickled(BaseException):
    """What was not checked got as far as that: not to be taken for an error of the model's."""


class Damage(Counter):
    """How often a damage was "refused", and how often "taken"."""

    def check(self, load, *arguments) -> None:
        """Count what comes of loading what is damaged."""
        try:
            load(*arguments)
        except ModelError:
            self["refused"] += 1
        except Unpickled:
            self["taken"] += 1
        else:
            self["taken"] += 1


@contextmanager
def changed(path: Path, place: int, byte: int) -> Iterator[None]:
    """A byte of a file changed for a while: what it is xored with."""
    with path.open("r+b", buffering=0) as file:
        before = os.pread(file.fileno(), 1, place)
        os.pwrite(file.fileno(), bytes([before[0] ^ byte]), place)
        try:
            yield
        finally:
            os.pwrite(file.fileno(), before, place)


def flip_manifest(bundle: Path) -> Damage:
    """Each bit of the manifest."""
    found, path = Damage(), bundle / MANIFEST_NAME
    for place in range(path.stat().st_size):
        for bit in range(8):
            with changed(path, place, 1 << bit):
                found.check(read_manifest, bundle)
    return found


def flip_frozen(bundle: Path, start: int, stop: int) -> Damage:
    """A bit of each byte of model.frozen from `start` to `stop`, where the byte has a part."""
    found, random = Damage(), Random(start)
    manifest = read_manifest(bundle)
    path, size = bundle / FROZEN_NAME, manifest.files[FROZEN_NAME].size
    root, (blocks, leaves) = manifest.frozen["root"], count_blocks(size)
    file = FrozenFile(str(path), size, root)
    for place in range(start, stop):
        number = place // BLOCK
        with changed(path, place, 1 << random.randrange(8)):
            if number < blocks:
                found.check(file.read_whole, number * BLOCK, (number + 1) * BLOCK)
            elif number < blocks + leaves:
                under = (number - blocks) * LEAVES * BLOCK
                found.check(file.read_whole, under, under + BLOCK)
            else:
                found.check(FrozenFile, str(path), size, root)
    return found


def flip_joblib(bundle: Path, count: int, seed: int = 0) -> Damage:
    """A bit of each of `count` bytes of model.joblib (of each byte, if it has no more)."""
    found, random, path = Damage(), Random(seed), bundle / MODEL_NAME
    with _sklearn(bundle):
        for place in _choose(path.stat().st_size, count, random):
            with changed(path, place, 1 << random.randrange(8)):
                found.check(load_predictor, bundle)
    return found


def resize(bundle: Path, name: str, count: int, seed: int = 0) -> Damage:
    """A file cut at `count` lengths (at each, if it has no more), and with bytes added."""
    found, random, path = Damage(), Random(seed), bundle / name
    whole = path.read_bytes()
    lengths = sorted(_choose(len(whole), count, random), reverse=True)
    with _sklearn(bundle) if name == MODEL_NAME else nullcontext():
        try:
            for length in lengths:
                os.truncate(path, length)
                found.check(load_predictor, bundle)
            for extra in EXTRA:
                path.write_bytes(whole + extra)
                found.check(load_predictor, bundle)
        finally:
            path.write_bytes(whole)
    return found


def _choose(size: int, count: int, random: Random) -> Iterable[int]:
    return range(size) if size <= count else random.sample(range(size), count)


@contextmanager
def _sklearn(bundle: Path) -> Iterator[None]:
    """The bundle served by scikit-learn; what would be unpickled raises `Unpickled`."""
    path = bundle / MANIFEST_NAME
    text = path.read_text(encoding="utf-8")
    manifest = replace(read_manifest(bundle), engine="sklearn")
    path.write_text(manifest.to_json(), encoding="utf-8")
    # The versions have nothing to do with the bytes, and take longer than these.
    with (
        patch.object(versions, "check_versions"),
        patch.object(sklearn, "load", side_effect=Unpickled),
    ):
        try:
            yield
        finally:
            path.write_text(text, encoding="utf-8")


def damage_all(bundle: Path, seed: int, findings: Findings) -> dict:
    """Damage of each kind, to copies of a bundle: how often it was refused and taken."""
    found: dict[str, dict] = {}
    for kind, parts in _jobs(bundle, seed).items():
        total = Damage(refused=0, taken=0)
        with ProcessPoolExecutor() as pool, progress(len(parts), kind) as bar:
            for one in pool.map(partial(_on_a_copy, bundle), parts):
                total.update(one)
                bar.update()
        if total["taken"]:
            findings.add(f"{kind}: {total['taken']} taken, seed {seed}")
        found[kind] = dict(total)
    return found


def _jobs(bundle: Path, seed: int) -> dict[str, list[Callable[[Path], Damage]]]:
    """What is done to a bundle: parts that can go side by side."""
    found: dict[str, list[Callable[[Path], Damage]]] = {
        "manifest flips": [flip_manifest],
        "manifest lengths": [partial(resize, name=MANIFEST_NAME, count=EVERY)],
        "joblib flips": [partial(flip_joblib, count=200, seed=seed + part) for part in range(10)],
        "joblib lengths": [partial(resize, name=MODEL_NAME, count=500, seed=seed)],
    }
    pin = read_manifest(bundle).files.get(FROZEN_NAME)
    if pin is None:
        return found
    step = pin.size // 40 + 1
    flips = [(start, min(start + step, pin.size)) for start in range(0, pin.size, step)]
    return found | {
        "frozen flips": [partial(flip_frozen, start=start, stop=stop) for start, stop in flips],
        "frozen lengths": [partial(resize, name=FROZEN_NAME, count=20_000, seed=seed)],
    }


def _on_a_copy(bundle: Path, job: Callable[[Path], Damage]) -> Damage:
    with tempfile.TemporaryDirectory() as folder:
        for name in (MANIFEST_NAME, *read_manifest(bundle).files):
            shutil.copyfile(bundle / name, Path(folder, name))
        return job(Path(folder))

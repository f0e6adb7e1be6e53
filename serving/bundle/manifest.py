"""The manifest: what is said of a model, and the check that the files beside it are that model.

`manifest.json` lies in git; the model files it pins by sha256 come from DVC. Nothing of
model.joblib is interpreted before its bytes have matched. Of model.frozen the sha256 is for those
who fetch it; what serves it checks each block against the pinned root (engines/frozen/file.py).

The manifest ends in a checksum of all that stands before it, so that a change of a byte, by a disk
or by hand, is noticed. Against a change on purpose it is git that vouches for the manifest.
"""

from __future__ import annotations

import json
import os
import sys
from types import SimpleNamespace

from serving.bundle import errors
from serving.bundle.files import HASH, digest, name_command, read_file
from serving.bundle.inputs import check_input

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.bundle.files import Folder

MANIFEST_NAME = "manifest.json"
MODEL_NAME = "model.joblib"
FROZEN_NAME = "model.frozen"
FORMAT = 4
MAX_MANIFEST_BYTES = 4 * 1024 * 1024  # twice what is written
VERSION_DIGITS = 12
SHA256_DIGITS = 64
# Where a model was made whose manifest does not say it: on another, freezing was refused.
PROCESSOR = "x86_64"
HEX = frozenset("0123456789abcdef")
# What stands before and after the checksum, which is the manifest's end.
SEAL, CLOSE = ',\n  "checksum": "', '"\n}\n'


# Namespaces, for importing dataclasses takes longer than the frozen engine needs to start.
class FilePin(SimpleNamespace):
    """A file of the bundle: size in bytes, sha256 in hex."""

    sha256: str
    size: int


class Label(SimpleNamespace):
    """A class of the model and what it means to people, as far as somebody has written it."""

    id: str
    title: str
    description: str | None
    url: str | None


class Manifest(SimpleNamespace):
    """What is known of a model. `version` is the head of model.joblib's sha256.

    Attributes:
        format: Version of the manifest's own form.
        name: The model's name.
        title: The same for people.
        version: First 12 hex digits of the sha256 of model.joblib.
        task: What it answers: "classification" or "regression".
        input: What a request holds; see inputs.py.
        target: What a regression's value is: `title`, `unit`, `description`, each a text or null.
        interval: How a regression's interval is made of the value: `kind`, "difference" (`low` and
            `high` are added to it) or "ratio" (it is multiplied by each), and `coverage`, the share
            of true values that lie within. null where nothing is known of it.
        engine: What serves it: "frozen" or "sklearn".
        files: The pinned files, by name.
        frozen: How freezing went: on what `processor`, and the hash of the frozen file's root and
            what the proof found, or why it was refused.
        versions: Of Python (major.minor) and of the packages whose objects are pickled.
        dataset_sha256: Of the prepared training and test part.
        parameters: The candidate chosen, and each step of the fitted pipeline, with
            its parameters that are not the defaults.
        metrics: Scores on the test part.
        labels: In the order of the classifier's classes; none of a regression.
        golden: Bodies of requests (`input`), each with the `label` and `probability`, or the
            `value`, that it must get.
        profile: What held-out examples look like to the model, for drift.
    """

    format: int
    name: str
    title: str
    version: str
    task: str
    input: dict[str, Any]
    target: dict[str, Any] | None
    interval: dict[str, Any] | None
    engine: str
    files: dict[str, FilePin]
    frozen: dict[str, Any]
    versions: dict[str, str]
    dataset_sha256: str
    parameters: dict[str, Any]
    metrics: dict[str, float]
    labels: tuple[Label, ...]
    golden: tuple[dict[str, Any], ...]
    profile: dict[str, Any]

    @property
    def processor(self) -> str:
        """The kind of processor that the model was made on."""
        return str(self.frozen.get("processor", PROCESSOR))

    def to_json(self) -> str:
        """The text of manifest.json: the same manifest is the same text.

        Raises:
            ValueError: It would be longer than what is read, or has NaN or an infinity in it.
        """
        fields = {name: getattr(self, name) for name in type(self).__annotations__}
        text = json.dumps(fields, default=vars, indent=2, ensure_ascii=False, allow_nan=False)
        if len(text.encode()) > MAX_MANIFEST_BYTES // 2:
            raise ValueError(f"a manifest has at most {MAX_MANIFEST_BYTES // 2:,} bytes")
        return seal(text.removesuffix("\n}"))


def seal(text: str) -> str:
    """The text of a manifest that lacks its end: with the checksum, and closed."""
    text += SEAL
    return text + digest(text.encode()).hex() + CLOSE


def read_manifest(bundle: Folder) -> Manifest:
    """Read the manifest of a bundle.

    Raises:
        BundleMissing: There is none.
        BundleDamaged: It is not what `Manifest.to_json` writes.
        VersionMismatch: Code of another format wrote it.
    """
    path = os.path.join(bundle, MANIFEST_NAME)
    try:
        data, size = read_file(path, MAX_MANIFEST_BYTES)
        if size > MAX_MANIFEST_BYTES:
            raise errors.BundleDamaged(
                f"{path} has {size:,} bytes, which is no manifest: {_tell_write(bundle)}"
            )
        found = _parse(bundle, path, data)
        pins = {name: FilePin(**pin) for name, pin in found.pop("files").items()}
        labels = tuple(Label(**label) for label in found.pop("labels"))
        golden = tuple(found.pop("golden"))
        manifest = Manifest(files=pins, labels=labels, golden=golden, **found)
        _check_types(manifest)
        check_input(manifest.input)
        _check_task(manifest)
    except OSError as error:
        raise errors.BundleMissing(
            f"{path} cannot be read ({error.strerror}): {name_command('train', bundle)} writes it"
        ) from None
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise errors.BundleDamaged(
            f"{path} is not a manifest ({type(error).__name__}): {_tell_write(bundle)}"
        ) from None
    if manifest.version != manifest.files[MODEL_NAME].sha256[:VERSION_DIGITS]:
        raise errors.BundleDamaged(f"{path} gives its model a wrong version: {_tell_write(bundle)}")
    return manifest


def _tell_write(bundle: Folder) -> str:
    return f"take it back with 'git checkout', or {name_command('train', bundle)} writes it again"


def _parse(bundle: Folder, path: str, data: bytes) -> Any:
    """The members of a manifest, from bytes that are as they were written.

    Raises:
        BundleDamaged: They are not.
        VersionMismatch: Code of another format wrote them.
    """
    end = len(data) - len(CLOSE) - 2 * HASH
    sealed = data[end:] == f"{digest(data[:end]).hex()}{CLOSE}".encode()
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    written = found.get("format", FORMAT) if isinstance(found, dict) else FORMAT
    # The first formats had no checksum; where there is one that differs, the number may be damaged.
    if written != FORMAT and (sealed or "checksum" not in found):
        raise errors.VersionMismatch(
            f"{path} has format {written!r:.40}, this code reads {FORMAT}: "
            f"{name_command('train', bundle)} writes it again"
        )
    if not sealed:
        raise errors.BundleDamaged(
            f"{path} is not as it was written: its checksum differs: {_tell_write(bundle)}"
        )
    del found["checksum"]
    return found


def _check_types(manifest: Manifest) -> None:
    """What routes and checks rely on; `Manifest(**…)` takes any value.

    Raises:
        TypeError: A member is missing, of another type, or one too many.
        ValueError: A hash is none.
        KeyError: There is no pin of model.joblib, or of model.frozen where that serves.
    """
    for part in (manifest, *manifest.files.values(), *manifest.labels):
        if vars(part).keys() != type(part).__annotations__.keys():
            raise TypeError
    pins, labels = manifest.files.values(), manifest.labels
    texts = [manifest.name, manifest.title, manifest.version, manifest.task, manifest.engine]
    texts += [manifest.dataset_sha256, manifest.files[MODEL_NAME].sha256]
    texts += [*manifest.versions.values(), *(pin.sha256 for pin in pins)]
    texts += [text for label in labels for text in (label.id, label.title)]
    optional = [text for label in labels for text in (label.description, label.url)]
    numbers = [*manifest.metrics.values()]
    counts = [manifest.format, *(pin.size for pin in pins)]
    objects = [manifest.parameters, manifest.profile, manifest.frozen, manifest.input]
    objects += [*manifest.golden, *(one["input"] for one in manifest.golden)]
    if manifest.engine == "frozen":
        texts += [manifest.files[FROZEN_NAME].sha256, manifest.frozen["root"]]
    if not all(len(pin.sha256) == SHA256_DIGITS and HEX.issuperset(pin.sha256) for pin in pins):
        raise ValueError  # the version, part of one, goes into a header
    rules: list[tuple[list[Any], Any]] = [(texts, str), (optional, (str, type(None)))]
    rules += [(numbers, (int, float)), (counts, int), (objects, dict)]
    for values, kinds in rules:
        if not all(isinstance(value, kinds) and value is not True for value in values):
            raise TypeError


def _check_task(manifest: Manifest) -> None:
    """What of a manifest is one task's alone.

    Raises:
        TypeError, ValueError, KeyError: It is not as the task has it.
    """
    if manifest.task == "classification":
        if manifest.target is not None or manifest.interval is not None:
            raise ValueError
        return
    if manifest.task != "regression" or manifest.labels or manifest.target is None:
        raise ValueError
    if manifest.target.keys() != {"title", "unit", "description"}:
        raise ValueError
    if not all(isinstance(words, str | None) for words in manifest.target.values()):
        raise TypeError
    if manifest.interval is not None:
        _check_interval(**manifest.interval)


def _check_interval(kind: str, low: float, high: float, coverage: float) -> None:
    if kind not in ("difference", "ratio") or not low <= high or not 0 < coverage < 1:
        raise ValueError


def python_version() -> str:
    """Major and minor version of the running Python."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def processor() -> str:
    """The kind of processor that this is, as the kernel calls it: x86_64, aarch64."""
    return os.uname().machine

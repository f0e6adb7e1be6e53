"""The manifest: the model's passport, and the check that the files beside it are that model.

`manifest.json` lies in git; the model files it pins by sha256 come from DVC. Nothing of
model.joblib is interpreted before its bytes have matched. Of model.frozen the sha256 is for those
who fetch it; what serves it checks each block against the pinned root (frozen_file.py).

The manifest ends in a checksum of all that stands before it, so that a change of a byte, by a disk
or by hand, is noticed. Against a change on purpose it is git that vouches for the manifest.
"""

from __future__ import annotations

import json
import os
import sys
from types import SimpleNamespace

from serving.app.errors import BundleDamaged, BundleMissing, VersionMismatch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Folder = str | os.PathLike[str]

try:  # hashlib's own; hashlib itself loads OpenSSL, a tenth of a cold start
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

MANIFEST_NAME = "manifest.json"
MODEL_NAME = "model.joblib"
FROZEN_NAME = "model.frozen"
FORMAT = 3
HASH = 32  # bytes
MAX_MANIFEST_BYTES = 4 * 1024 * 1024
MEND = "'make serve' gets the model of this commit, 'make train' makes it"
VERSION_DIGITS = 12
# Pickles of one minor version of Python load in its patch releases; a package's need not.
PINNED_PACKAGES = ("scikit-learn", "numpy", "scipy", "joblib")


# Namespaces, for importing dataclasses takes longer than the frozen engine needs to start.
class FilePin(SimpleNamespace):
    """A file of the bundle: size in bytes, sha256 in hex."""

    sha256: str
    size: int


class Label(SimpleNamespace):
    """A class of the model and what it means to people."""

    id: str
    title: str
    description: str
    url: str


class Manifest(SimpleNamespace):
    """What is known of a model. `version` is the head of model.joblib's sha256.

    Attributes:
        format: Version of the manifest's own form.
        name: The model's name.
        version: First 12 hex digits of the sha256 of model.joblib.
        input: Kind of input: "text".
        engine: What serves it: "frozen" or "sklearn".
        files: The pinned files, by name.
        frozen: How freezing went: the hash of the frozen file's root and what the proof found, or
            why it was refused.
        versions: Of Python (major.minor) and of the packages whose objects are pickled.
        dataset_sha256: Of the prepared training and test part.
        parameters: What params.yaml said when the model was trained, and the candidate chosen.
        metrics: Scores on the test part.
        labels: In the order of the classifier's classes.
        golden: Texts with the label and probability that they must get.
        profile: What held-out texts look like to the model, for drift.
    """

    format: int
    name: str
    version: str
    input: str
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

    def to_json(self) -> str:
        """The text of manifest.json: the same manifest is the same text."""
        fields = {name: getattr(self, name) for name in type(self).__annotations__}
        text = json.dumps(fields, default=vars, indent=2, ensure_ascii=False, allow_nan=False)
        return seal(text.removesuffix("\n}"))


def seal(text: str) -> str:
    """The text of a manifest that lacks its end: with the checksum, and closed."""
    text += _SEAL
    return text + digest(text.encode()).hex() + _CLOSE


_MEND = "take it back with 'git checkout' or write it with 'make train'"
_SEAL, _CLOSE = ',\n  "checksum": "', '"\n}\n'


def digest(data: bytes) -> bytes:
    """The BLAKE2b-256 hash of bytes."""
    return blake2b(data, digest_size=HASH).digest()


def read_manifest(bundle: Folder) -> Manifest:
    """Read the manifest of a bundle.

    Raises:
        BundleMissing: There is none.
        BundleDamaged: It is not what `Manifest.to_json` writes.
    """
    path = os.path.join(bundle, MANIFEST_NAME)
    try:
        found = _parse(path, _read(path, MAX_MANIFEST_BYTES))
        pins = {name: FilePin(**pin) for name, pin in found.pop("files").items()}
        labels = tuple(Label(**label) for label in found.pop("labels"))
        golden = tuple(found.pop("golden"))
        manifest = Manifest(files=pins, labels=labels, golden=golden, **found)
        _check_types(manifest)
    except OSError as error:
        raise BundleMissing(
            f"{path} cannot be read ({error.strerror}): train the model with 'make train'"
        ) from None
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise BundleDamaged(f"{path} is not a manifest ({type(error).__name__}): {_MEND}") from None
    if manifest.version != manifest.files[MODEL_NAME].sha256[:VERSION_DIGITS]:
        raise BundleDamaged(f"{path} gives its model a wrong version: write it with 'make train'")
    return manifest


def _parse(path: str, data: bytes) -> Any:
    """The members of a manifest, from bytes that are as they were written.

    Raises:
        BundleDamaged: They are not.
        VersionMismatch: Code of another format wrote them.
    """
    end = len(data) - len(_CLOSE) - 2 * HASH
    sealed = data[end:] == f"{digest(data[:end]).hex()}{_CLOSE}".encode()
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    # Before the checksum: another format may have none.
    written = found.get("format", FORMAT) if isinstance(found, dict) else FORMAT
    if written != FORMAT:
        raise VersionMismatch(
            f"{path} has format {written!r}, this code reads {FORMAT}: "
            "write it again with 'make train'"
        )
    if not sealed:
        raise BundleDamaged(f"{path} is not as it was written: its checksum differs: {_MEND}")
    del found["checksum"]
    return found


def _check_types(manifest: Manifest) -> None:
    """What routes and checks rely on; `Manifest(**…)` takes any value.

    Raises:
        TypeError: A member is missing, of another type, or one too many.
        KeyError: There is no pin of model.joblib, or of model.frozen where that serves.
    """
    for part in (manifest, *manifest.files.values(), *manifest.labels):
        if vars(part).keys() != type(part).__annotations__.keys():
            raise TypeError
    pins, labels = manifest.files.values(), manifest.labels
    texts = [manifest.name, manifest.version, manifest.input, manifest.engine]
    texts += [manifest.dataset_sha256, manifest.files[MODEL_NAME].sha256]
    texts += [*manifest.versions.values(), *(pin.sha256 for pin in pins)]
    texts += [text for label in labels for text in vars(label).values()]
    numbers = [*manifest.metrics.values()]
    counts = [manifest.format, *(pin.size for pin in pins)]
    objects = [manifest.parameters, manifest.profile, manifest.frozen, *manifest.golden]
    if manifest.engine == "frozen":
        texts += [manifest.files[FROZEN_NAME].sha256, manifest.frozen["root"]]
    for values, kinds in ((texts, str), (numbers, (int, float)), (counts, int), (objects, dict)):
        if not all(isinstance(value, kinds) and value is not True for value in values):
            raise TypeError


def _read(path: str, limit: int) -> bytes:
    """Read a file, but no more than one byte over the limit.

    Raises:
        OSError: It cannot be read.
    """
    # Not blocking, or a named pipe in the file's place would wait for a writer for ever.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        return file.read(limit + 1) or b""


def read_pinned(bundle: Folder, name: str, pin: FilePin) -> bytes:
    """Read a file of the bundle whole and check these very bytes against the manifest.

    Raises:
        BundleMissing: The file is not there.
        BundleDamaged: Its size or sha256 is not the manifest's.
    """
    import hashlib  # noqa: PLC0415 - loads OpenSSL, which the frozen engine does without

    path = os.path.join(bundle, name)
    try:
        data = _read(path, pin.size)
    except OSError as error:
        raise BundleMissing(f"{path} cannot be read ({error.strerror}): {MEND}") from None
    if len(data) != pin.size:
        size = "more" if len(data) > pin.size else len(data)
        raise BundleDamaged(f"{path} has {size} bytes, the manifest says {pin.size}: {MEND}")
    digest = hashlib.sha256(data).hexdigest()
    if digest != pin.sha256:
        raise BundleDamaged(
            f"{path} has sha256 {digest[:12]}…, the manifest says {pin.sha256[:12]}…: {MEND}"
        )
    return data


def python_version() -> str:
    """Major and minor version of the running Python."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def installed_versions() -> dict[str, str]:
    """Versions of Python (major.minor) and of the packages whose objects a model pickles."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - slow

    versions = {"python": python_version()}
    for package in PINNED_PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def check_versions(manifest: Manifest) -> None:
    """Refuse a model that other versions pickled: scikit-learn itself would only warn.

    Raises:
        VersionMismatch: The message names both versions of each package that differs.
    """
    installed = installed_versions()
    differing = [
        f"{package} {manifest.versions.get(package, 'unknown')} (installed: {found})"
        for package, found in installed.items()
        if manifest.versions.get(package) != found
    ]
    if differing:
        raise VersionMismatch(
            f"the model was trained with {', '.join(differing)}: install the versions of the "
            "locks with 'scripts/install.sh serve train', or train it again with 'make train'"
        )

"""The files of the bundle: read without waiting, and checked before they are interpreted."""

from __future__ import annotations

import os

from serving.bundle import errors

try:  # hashlib's own; hashlib itself loads OpenSSL, a tenth of a cold start
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import SimpleNamespace

    Folder = str | os.PathLike[str]

HASH = 32  # bytes
IN_IMAGE = "data"  # the folder of an image's one model, which does not have its name


def digest(data: bytes) -> bytes:
    """The BLAKE2b-256 hash of bytes."""
    return blake2b(data, digest_size=HASH).digest()


def name_command(target: str, bundle: Folder) -> str:
    """The `make` command for the model of a bundle, as an error quotes it."""
    name = os.path.basename(os.fspath(bundle))
    return f"'make {target} MODEL={'…' if name == IN_IMAGE else name}'"


def tell_mend(bundle: Folder) -> str:
    """What mends a bundle that lacks a file, or has a damaged one."""
    serve, train = name_command("serve", bundle), name_command("train", bundle)
    return f"{serve} gets the model of this commit, {train} makes it"


def open_file(path: str, flags: int = os.O_RDONLY) -> int:
    """A descriptor of a file.

    Not blocking, or a named pipe in the file's place would wait for a writer for ever.

    Raises:
        OSError: It cannot be opened.
    """
    return os.open(path, flags | os.O_NONBLOCK)


def read_file(path: str, limit: int) -> tuple[bytes, int]:
    """Read a file, if it has no more bytes than the limit; its size is given in any case.

    What is no file, such as a pipe, has none.

    Raises:
        OSError: It cannot be read.
    """
    with open(path, "rb", opener=open_file) as file:
        size = os.fstat(file.fileno()).st_size
        return (file.read(size) or b"") if size <= limit else b"", size


def read_pinned(bundle: Folder, name: str, pin: SimpleNamespace) -> bytes:
    """Read a file of the bundle whole and check these very bytes against the manifest.

    Args:
        bundle: Folder that holds it.
        name: The file's.
        pin: The manifest's FilePin of it.

    Raises:
        BundleMissing: The file is not there.
        BundleDamaged: Its size or sha256 is not the manifest's.
    """
    import hashlib  # noqa: PLC0415 - loads OpenSSL, which the frozen engine does without

    path = os.path.join(bundle, name)
    try:
        data, size = read_file(path, pin.size)
    except OSError as error:
        raise errors.BundleMissing(
            f"{path} cannot be read ({error.strerror}): {tell_mend(bundle)}"
        ) from None
    if len(data) != pin.size:
        raise errors.BundleDamaged(
            f"{path} has {size} bytes, the manifest says {pin.size}: {tell_mend(bundle)}"
        )
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != pin.sha256:
        raise errors.BundleDamaged(
            f"{path} has sha256 {sha256[:12]}…, the manifest says {pin.sha256[:12]}…: "
            f"{tell_mend(bundle)}"
        )
    return data

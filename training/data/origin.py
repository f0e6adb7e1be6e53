"""Where a file of data comes from: repository, address or bucket; always pinned by hash."""

import errno
import hashlib
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Annotated, BinaryIO, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from training.console import StepError, progress

TIMEOUT_SECONDS = 60  # of silence
CHUNK = 1 << 20


class Origin(BaseModel):
    """One of `path` (a file of the repository), `url` (https) and `s3` (s3://bucket/key).

    Attributes:
        sha256: Of its bytes, in hex: another file is refused.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str | None = None
    url: Annotated[str, Field(pattern="^https://")] | None = None
    s3: Annotated[str, Field(pattern="^s3://[^/]+/.+")] | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(one is not None for one in (self.path, self.url, self.s3)) != 1:
            raise ValueError("it must have one of path, url and s3")
        if self.path is not None and (
            Path(self.path).is_absolute() or ".." in Path(self.path).parts
        ):
            raise ValueError("path must be in the repository: others have no such file")
        return self

    def __str__(self) -> str:
        return self.path or self.url or self.s3 or ""


def fetch_file(origin: Origin, path: Path) -> None:
    """Put a file into its place, whole or not at all.

    Raises:
        StepError: It cannot be had, or its bytes are not the pinned ones.
        OSError: The disk is full.
    """
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        got = Path(folder, "file")
        if origin.path is not None:
            _copy(Path(origin.path), got)
        elif origin.url is not None:
            _download(origin.url, got)
        else:
            _download_from_bucket(str(origin.s3), got)
        check_hash(origin, hash_file(got))
        got.replace(path)


def check_hash(origin: Origin, found: str) -> None:
    """Hold bytes against their pin.

    Raises:
        StepError: They are others, or none are pinned.
    """
    if origin.sha256 is None:
        raise StepError(
            f"{origin} is not pinned: if you trust it as it is now, write 'sha256: {found}' beside "
            "it in params.yaml"
        )
    if found != origin.sha256:
        raise StepError(
            f"{origin} has sha256 {found}, and params.yaml says {origin.sha256}: take the file "
            "back, or write the new hash there if the data is meant to change"
        )


def hash_file(path: Path) -> str:
    """The sha256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy(source: Path, path: Path) -> None:
    try:
        shutil.copyfile(source, path)
    except OSError as error:
        if not source.exists():
            raise StepError(
                f"{source} is missing: '.venv/bin/dvc pull {source}' gets it from the DVC remote"
            ) from None
        raise StepError(f"{source} cannot be read ({error.strerror})") from None


def _download(url: str, path: Path) -> None:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - https
            size = int(answer.headers.get("Content-Length") or 0)
            with path.open("wb") as file:
                _save(answer.read, file, size, f"fetching {urlsplit(url).path.rpartition('/')[2]}")
        _check_size(path, size)
    except urllib.error.HTTPError as error:
        raise StepError(f"{url} answers {error.code} {error.reason}: check the address") from None
    except (OSError, HTTPException) as error:
        if getattr(error, "errno", None) == errno.ENOSPC:
            raise
        why = getattr(error, "reason", None) or error
        raise StepError(
            f"{url} cannot be fetched ({why}): check the network, then run the same command again"
        ) from None


def _save(read: Callable[[int], bytes], file: BinaryIO, size: int, what: str) -> None:
    """Write what there is to read, with progress where the size is known."""
    chunks = iter(lambda: read(CHUNK), b"")
    file.writelines(progress(chunks, -(-size // CHUNK), what) if size > CHUNK else chunks)


def _check_size(path: Path, size: int) -> None:
    """Look whether all has come: else the hash of a part would be taken for the file's."""
    found = path.stat().st_size
    if found < size:
        raise HTTPException(f"it ended after {found:,} of {size:,} bytes")


def _download_from_bucket(address: str, path: Path) -> None:
    import boto3  # noqa: PLC0415 - takes half a second
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    bucket, _, key = address.removeprefix("s3://").partition("/")
    try:
        body = boto3.client("s3").get_object(Bucket=bucket, Key=key)
        with path.open("wb") as file:
            _save(body["Body"].read, file, body["ContentLength"], f"fetching {address}")
    except (BotoCoreError, ClientError) as error:
        raise StepError(
            f"{address} cannot be fetched ({error}): check it, AWS_PROFILE and AWS_REGION"
        ) from None

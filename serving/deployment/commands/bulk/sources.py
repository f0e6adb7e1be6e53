"""What is put into the input bucket: a file, a folder's files, or objects of another bucket."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from serving.deployment.stack import StackError, tell_errors

S3 = "s3://"
# A key has 1,024 bytes, a file's name 255: so much is left of them with what names an answer.
NAME_BYTES, PART_BYTES = 900, 190
# S3 copies by itself, where larger parts are fewer requests; one request copies up to 5 GB.
COPY_BYTES = 256 * 1024**2
USE = "IN= is a file, a folder, or s3://bucket/prefix"


class Source(NamedTuple):
    """Something to be put.

    Attributes:
        name: What its key is after the run.
        size: In bytes.
        place: The file, or bucket and key of the object.
    """

    name: str
    size: int
    place: Path | tuple[str, str]


def list_sources(client: Any, where: str) -> list[Source]:
    """What IN= names.

    Raises:
        StackError: It is not there, there is nothing in it, or AWS does not answer.
    """
    found = list(_list_objects(client, where) if where.startswith(S3) else _list_files(Path(where)))
    if not found:
        raise StackError(f"there is nothing in {where}: {USE}")
    for one in found:
        if not one.name.isprintable():
            raise StackError(f"{one.name!r} in {where} is no name that S3 lists: rename it")
        parts = one.name.encode().split(b"/")
        if len(b"/".join(parts)) > NAME_BYTES or len(parts[-1]) > PART_BYTES:
            raise StackError(
                f"{one.name!r} in {where} is too long a name for its answer: shorten it"
            )
    return found


def _list_files(path: Path) -> Iterator[Source]:
    if path.is_file():
        yield Source(path.name, path.stat().st_size, path)
        return
    if not path.is_dir():
        raise StackError(f"there is no {path}: {USE}")
    for one in sorted(path.rglob("*")):
        name = one.relative_to(path)
        # What is hidden is an editor's or a desktop's.
        if one.is_file() and not any(part.startswith(".") for part in name.parts):
            yield Source(name.as_posix(), one.stat().st_size, one)


def _list_objects(client: Any, where: str) -> Iterator[Source]:
    """The objects whose keys begin as the address says, named from its last slash on."""
    bucket, _, prefix = where.removeprefix(S3).partition("/")
    folder = prefix[: prefix.rfind("/") + 1]
    with tell_errors(f"list {where}"):
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for one in page.get("Contents", ()):
                key = one["Key"]
                if not key.endswith("/"):  # the console's folders
                    yield Source(key.removeprefix(folder), one["Size"], (bucket, key))


def put(client: Any, bucket: str, key: str, source: Source) -> None:
    """Put one into a bucket.

    Raises:
        StackError: It cannot be read, or AWS does not take it.
    """
    from boto3.s3.transfer import TransferConfig  # noqa: PLC0415

    with tell_errors(f"put {source.name} into {bucket}"):
        if not isinstance(source.place, Path):
            name, old = source.place
            config = TransferConfig(
                multipart_threshold=COPY_BYTES, multipart_chunksize=COPY_BYTES, use_threads=False
            )
            client.copy({"Bucket": name, "Key": old}, bucket, key, Config=config)
            return
        try:
            with source.place.open("rb") as file:
                client.upload_fileobj(file, bucket, key, Config=TransferConfig(use_threads=False))
        except OSError as error:
            raise StackError(f"{source.place} cannot be read ({error.strerror})") from None

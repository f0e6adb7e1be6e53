"""Fetch the model's files from the DVC remote without DVC, for machines that only build.

DVC takes 200 MB and 20 seconds to install. A file that it tracks lies in its remote under the hash
that dvc.lock records: <remote>/files/md5/<first two digits>/<the others> (DVC's documentation,
"Internal directories and files"). md5 finds the file; what vouches for it is the sha256 that the
manifest pins, which is in git.
"""

import argparse
import configparser
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import yaml

from serving.deployment.stack import quote_make

BUNDLES = Path("serving/app/data")
LOCK = Path("dvc.lock")
CONFIGS = (Path(".dvc/config"), Path(".dvc/config.local"))  # the last one counts
CHUNK = 1024 * 1024


class FetchError(Exception):
    """What is wrong, where, and the command that mends it."""


class Wanted(NamedTuple):
    """A file of the bundle: its hashes in hex, its size in bytes."""

    path: Path
    md5: str
    sha256: str
    size: int

    @property
    def mend(self) -> str:
        """What puts it into the remote, as an error ends."""
        model = self.path.parent.name
        train, push = (quote_make(one, f"MODEL={model}") for one in ("train", "push"))
        return f"{train} makes it, then {push} puts it there"


def main() -> None:
    """Fetch a model's files."""
    parser = argparse.ArgumentParser(prog="make model", description=__doc__)
    parser.add_argument("--model", required=True, help="the model's name")
    try:
        fetch_bundle(parser.parse_args().model)
    except FetchError as error:
        sys.exit(f"error: {error}")


def fetch_bundle(model: str) -> None:
    """Fetch what of a model is not here, or not what the manifest pins.

    Raises:
        FetchError: It is not to be had.
    """
    for one in read_wanted(BUNDLES / model):
        if is_here(one):
            say(f"{one.path} is here")
        else:
            fetch(one)


def say(line: str) -> None:
    print(line, file=sys.stderr)


def read_wanted(bundle: Path) -> list[Wanted]:
    """The files that a bundle's manifest pins, with the md5 that DVC stores them by.

    Raises:
        FetchError: Manifest or dvc.lock are not there, or not of one commit.
    """
    manifest = bundle / "manifest.json"
    try:
        pins = json.loads(manifest.read_bytes())["files"]
        stages = yaml.safe_load(LOCK.read_bytes())["stages"]
        outs = {out["path"]: out for stage in stages.values() for out in stage.get("outs", ())}
        found = []
        for name, pin in pins.items():
            path = bundle / name
            out = outs[path.as_posix()]
            if out["size"] != pin["size"]:
                raise FetchError(f"{manifest} and {LOCK} are not of one commit: {path} differs")
            found.append(Wanted(path, str(out["md5"]), pin["sha256"], pin["size"]))
    except OSError as error:
        raise FetchError(
            f"{error.filename} cannot be read ({error.strerror}): take it back with 'git checkout'"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise FetchError(
            f"{manifest} or {LOCK} is damaged ({type(error).__name__}): "
            "take both back with 'git checkout'"
        ) from None
    return found


def is_here(wanted: Wanted) -> bool:
    """Whether the file is there as the manifest pins it."""
    try:
        with wanted.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == wanted.sha256
    except OSError:
        return False


def fetch(wanted: Wanted) -> None:
    """Get a file; in its place it is put whole and checked, or not at all.

    Raises:
        FetchError: It is not to be had, or not what was pushed.
    """
    remote = read_remote()
    say(f"fetching {wanted.path} ({wanted.size / 1e6:.1f} MB) from {remote['url']}")
    with tempfile.NamedTemporaryFile(
        dir=wanted.path.parent, prefix=".fetch-", delete=False
    ) as part:
        try:
            check(wanted, copy(open_object(remote, wanted), part, wanted.size))
            part.close()
            Path(part.name).chmod(0o644)
            Path(part.name).replace(wanted.path)
        finally:
            Path(part.name).unlink(missing_ok=True)


def read_remote() -> dict[str, str]:
    """The settings of DVC's default remote, as `make remote` writes them.

    Raises:
        FetchError: There is none.
    """
    config = configparser.ConfigParser(interpolation=None)
    config.read(CONFIGS, encoding="utf-8")
    name = config.get("core", "remote", fallback="")
    section = f"'remote \"{name}\"'"
    if not config.has_option(section, "url"):
        raise FetchError(
            "there is no DVC remote to fetch from: "
            f"{quote_make('remote', 'URL=s3://bucket/path')} names one"
        )
    return dict(config[section])


def open_object(remote: dict[str, str], wanted: Wanted) -> Iterator[bytes]:
    """The object's bytes, chunk by chunk.

    Raises:
        FetchError: The remote does not have it, or is of another kind than S3 or a folder.
    """
    url, key = remote["url"].rstrip("/"), f"files/md5/{wanted.md5[:2]}/{wanted.md5[2:]}"
    if url.startswith("s3://"):
        return _open_s3(remote, wanted, key)
    if "://" in url:
        raise FetchError(f"{url} is neither s3://… nor a folder: 'dvc pull' knows other remotes")
    # DVC reads a relative path from where the file is that names it.
    return _open_file(Path(CONFIGS[0].parent, url, key), wanted)


def _open_s3(remote: dict[str, str], wanted: Wanted, key: str) -> Iterator[bytes]:
    import boto3  # noqa: PLC0415 - a folder does without
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    bucket, _, prefix = remote["url"].removeprefix("s3://").rstrip("/").partition("/")
    profile, region = remote.get("profile"), remote.get("region")
    try:
        session = boto3.Session(profile_name=profile, region_name=region)
        client: Any = session.client("s3", endpoint_url=remote.get("endpointurl"))
        found = client.get_object(Bucket=bucket, Key=f"{prefix}/{key}".lstrip("/"))
        yield from found["Body"].iter_chunks(CHUNK)
    except (BotoCoreError, ClientError, ValueError) as error:
        raise FetchError(
            f"{remote['url']} does not give {wanted.path} ({error}): {wanted.mend}"
        ) from None


def _open_file(path: Path, wanted: Wanted) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except OSError as error:
        raise FetchError(
            f"{path} cannot be read ({error.strerror}), which is {wanted.path}: {wanted.mend}"
        ) from None


def copy(chunks: Iterator[bytes], part: IO[bytes], size: int) -> tuple[str, str, int]:
    """Copy at most one chunk more than `size` bytes: their md5 and sha256, and their number."""
    md5, sha256, length = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    for chunk in chunks:
        length += len(chunk)
        if length > size:
            break
        md5.update(chunk)
        sha256.update(chunk)
        part.write(chunk)
    return md5.hexdigest(), sha256.hexdigest(), length


def check(wanted: Wanted, found: tuple[str, str, int]) -> None:
    """Hold what came against what was asked for.

    Raises:
        FetchError: It is something else.
    """
    md5, sha256, length = found
    for what, one, other in (
        ("size", length, wanted.size),
        ("md5", md5, wanted.md5),
        ("sha256", sha256, wanted.sha256),
    ):
        if one != other:
            raise FetchError(
                f"what the remote has of {wanted.path} is not what was pushed ({what} {one}, not "
                f"{other}): it was damaged or exchanged there; {wanted.mend}"
            )


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[3])
    main()

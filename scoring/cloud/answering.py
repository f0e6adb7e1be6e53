"""One object of S3 becomes one object of answers."""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import boto3
from botocore.exceptions import ClientError

from scoring.asking import NOTHING, plan_job, read_arguments
from scoring.part import Part
from scoring.plan import hash_manifest, list_added
from scoring.processes import use_processes
from scoring.run import finish, score
from scoring.scorer import load_model
from scoring.writing import write_header
from serving.bulk import TABLES, MessageError, Object, name_answer

type Moved = Callable[[], None]

NOT_FOUND = "404"
# Of an object, by HeadObject, which has no words, and by GetObject; its bucket's being gone is no
# such thing.
GONE = {"404", "NoSuchKey", "NoSuchVersion"}
PREFIX = "quickthaw-bulk-"  # of the folders that an object and its answer lie in


def say_nothing() -> None:
    """For whom nobody waits."""


class Answer(NamedTuple):
    """The result of an object.

    Attributes:
        rows: How many it has; 0 where it was answered before.
        bad: How many of them have an error.
        seconds: How long it took.
        before: Whether the answer was there.
    """

    rows: int
    bad: int
    seconds: float
    before: bool


class Answerer:
    """Answers objects with the model of a folder.

    Args:
        bundle: The model's folder.
        out: The bucket that answers go to.
        client: Of S3.

    Raises:
        ModelError: The model cannot be served.
    """

    def __init__(self, bundle: Path, out: str, client: Any = None) -> None:
        self._bundle, self._out = bundle, out
        self.model = load_model(bundle, hash_manifest(bundle))
        self._client = client or boto3.client("s3", region_name=os.environ.get("AWS_REGION"))

    def answer(self, asked: Object, moved: Moved = say_nothing) -> Answer:
        """Write an object's answer, unless it exists.

        Args:
            asked: The object.
            moved: Is called with each step of the work, also from other threads.

        Raises:
            StepError: It cannot be scored.
            MessageError: It was deleted meanwhile.
            ClientError, Boto3Error: It cannot be read, or the answer not be written.
        """
        began = time.monotonic()
        key = name_answer(self.model.manifest.version, asked.key, asked.version)
        if self._is_there(key):
            return Answer(0, 0, time.monotonic() - began, before=True)
        with TemporaryDirectory(prefix=PREFIX) as folder:
            out = Path(folder, f"answer{PurePosixPath(key).suffix}")
            source = self._fetch(asked, Path(folder, "asked"), moved)
            rows, bad = self._score(source, out, moved)
            # An object is there when it is whole, and not before.
            self._client.upload_file(str(out), self._out, key, Callback=lambda _: moved())
        return Answer(rows, bad, time.monotonic() - began, before=False)

    def _is_there(self, key: str) -> bool:
        try:
            self._client.head_object(Bucket=self._out, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] != NOT_FOUND:
                raise
            return False
        return True

    def _fetch(self, asked: Object, folder: Path, moved: Moved) -> Path:
        """The file, or for a picture its folder; by a name of ours, for a key may be any text."""
        folder.mkdir()
        suffix = PurePosixPath(asked.key).suffix.lower()
        picture = suffix not in TABLES and self.model.manifest.input["kind"] == "image"
        path = folder / f"object{'.png' if picture else suffix}"  # what it is, its bytes say
        try:
            self._client.download_file(
                asked.bucket,
                asked.key,
                str(path),
                ExtraArgs={"VersionId": asked.version},
                Callback=lambda _: moved(),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in GONE:
                raise
            raise MessageError("the object is not there any more") from None
        return folder if picture else path

    def _score(self, source: Path, out: Path, moved: Moved) -> tuple[int, int]:
        """Score as `make score` does, in this process: rows, and bad ones."""
        job = plan_job(self._ask(source, out))
        moved()
        if source.is_file():  # a table, whose paths would be those of this machine
            job = replace(job, plan=replace(job.plan, home=""))
        header = write_header(job.plan, list_added(job.plan.prefix, job.manifest.task))
        with (
            Part(job.out, job.words, header, job.source.start, fresh=True) as part,
            use_processes(job.plan, 0) as submit,
        ):
            score(job, part, submit, 0, lambda *_: moved())
            finish(job, part)
            return part.count, part.bad

    def _ask(self, source: Path, out: Path) -> argparse.Namespace:
        places = (f"--bundle={self._bundle}", f"--in={source}", f"--out={out}")
        # Of a picture the answer's own key says which it is.
        return read_arguments([*places, *((f"--keep={NOTHING}",) if source.is_dir() else ())])

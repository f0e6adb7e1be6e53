"""Where lines come from: CloudWatch or a file, since when, and the pauses between."""

import os
import re
import select
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from serving.deployment.commands.logs.line import SERVER_ERROR, Entry
from serving.deployment.stack import Deployment, quote_make, read_bulk, read_outputs, say

POLL_SECONDS, FILE_SECONDS = 1.5, 0.3
OVERLAP = 60_000  # milliseconds that each poll reads again: lines arrive late, and not in order
MAX_WAIT = 30  # seconds; waits double from one on, and only who follows waits longer
UNITS = {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}
EXPIRED = {"ExpiredTokenException", "ExpiredToken"}  # CloudWatch's word for it, and STS's

MAX_LINE = 1024 * 1024  # bytes, as CloudWatch has it; a longer one comes in pieces


class LogsError(Exception):
    """What is wrong, where, and the command that mends it."""


def parse_since(text: str, now: float) -> float:
    """From when to read, in milliseconds since 1970: "90s", "10m", "2h", "1d" ago, or an ISO time.

    Raises:
        LogsError: It is neither, or in the future.
    """
    try:
        if ago := re.fullmatch(r"([0-9]{1,5})([smhd])", text):
            return max(0.0, now - int(ago[1]) * UNITS[ago[2]]) * 1000
        found = datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise LogsError(
            f"SINCE={text!r} is no time: SINCE=90s, 10m, 2h, 1d, or 2026-11-21T15:00 (local)"
        ) from None
    if found > now:
        raise LogsError(f"SINCE={text} is in the future: SINCE=10m is ten minutes ago")
    return max(0.0, found) * 1000


class Window:
    """What is still to be asked for, from `start` on, and which lines of it are known already."""

    def __init__(self, start: float) -> None:
        self.start = int(start)
        self._seen: dict[str, int] = {}

    def take(self, events: list[dict[str, Any]]) -> list[Entry]:
        """The new ones among a page's events, in order."""
        new = [one for one in events if identify(one) not in self._seen]
        new.sort(key=lambda one: one["timestamp"])
        self._seen |= {identify(one): one["timestamp"] for one in new}
        if new:
            self.start = max(self.start, new[-1]["timestamp"] - OVERLAP)
        self._seen = {key: one for key, one in self._seen.items() if one >= self.start}
        return [Entry(one["message"], one["timestamp"], one["logStreamName"]) for one in new]


def identify(event: dict[str, Any]) -> str:
    """An event's id; a local AWS gives none."""
    return (
        event.get("eventId") or f"{event['logStreamName']} {event['timestamp']} {event['message']}"
    )


class Reader:
    """Reads a log group; one that follows goes on, and waits for AWS as long as it takes."""

    def __init__(self, group: str, since: float, *, follow: bool) -> None:
        self._group, self._follow = group, follow
        self._window = Window(since)
        self._client: Any = None

    def read(self) -> Iterator[Entry]:
        """The lines, oldest first.

        Raises:
            LogsError: AWS refuses, or without `follow` does not answer.
        """
        while True:
            yield from self._read_pages()
            if not self._follow:
                return
            pause(POLL_SECONDS)

    def _read_pages(self) -> Iterator[Entry]:
        # Of all streams in order: the default once was one stream after the other.
        query = {"logGroupName": self._group, "interleaved": True, "startTime": self._window.start}
        while True:
            page = self._ask(query)
            yield from self._window.take(page["events"])
            if not page.get("nextToken"):
                return
            query["nextToken"] = page["nextToken"]

    def _ask(self, query: dict[str, Any]) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - a file does without

        told, wait = "", 1
        while True:
            try:
                self._client = self._client or connect()
                return self._client.filter_log_events(**query)
            except (BotoCoreError, ClientError) as error:
                why = self._explain(error)
            if wait > MAX_WAIT and not self._follow:
                raise LogsError(f"{why}: run it again later")
            if why != told:
                say(f"{why}: trying again")
                told = why
            pause(min(wait, MAX_WAIT))
            wait *= 2

    def _explain(self, error: Any) -> str:
        """Why there is no answer, where there may be one yet."""
        from botocore import exceptions as known  # noqa: PLC0415

        answer = getattr(error, "response", None) or {"Error": {}}
        code = answer["Error"].get("Code")
        if (
            isinstance(error, known.ConnectionError | known.HTTPClientError)
            or code == "ThrottlingException"
            or answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= SERVER_ERROR
        ):
            return f"CloudWatch does not answer ({error})"
        login = (known.SSOError, known.TokenRetrievalError, known.CredentialRetrievalError)
        if self._follow and (code in EXPIRED or isinstance(error, login)):
            self._client = None  # another has the credentials of a new login
            return "the credentials have expired: log in again, in another terminal"
        if code == "ResourceNotFoundException":
            raise LogsError(
                f"there is no log group {self._group}: {quote_make('deploy')}, with MODEL= and "
                "STAGE=, makes it"
            )
        mend = "check AWS_PROFILE and AWS_REGION, and the right logs:FilterLogEvents"
        raise LogsError(f"CloudWatch does not give {self._group} ({error}): {mend}")


def connect() -> Any:
    """A client of CloudWatch Logs. Its session is new: another keeps credentials that expired."""
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    config = Config(retries={"mode": "adaptive", "max_attempts": 3}, connect_timeout=5)
    # boto3 reads AWS_DEFAULT_REGION alone; AWS's other tools, and GitHub's action, AWS_REGION.
    return boto3.Session().client("logs", region_name=os.environ.get("AWS_REGION"), config=config)


def read_deployment(
    deployment: Deployment, since: float, *, follow: bool, bulk: bool = False
) -> Iterator[Entry]:
    """The lines of what answers a deployment's requests, or its bulk.

    Raises:
        StackError: There is no such stack, or AWS does not answer.
        LogsError: There is no log.
    """
    group = read_bulk(deployment).BulkLogs if bulk else read_outputs(deployment).LogGroup
    start = datetime.fromtimestamp(since / 1000).astimezone()
    say(f"{group} since {start:%Y-%m-%d %H:%M:%S}, times are {start:%Z}")
    yield from Reader(group, since, follow=follow).read()


def read_file(name: str, *, follow: bool) -> Iterator[Entry]:
    """The lines of a file, or of standard input ("-"), which ends by itself.

    Raises:
        LogsError: It cannot be read.
    """
    try:
        with sys.stdin.buffer if name == "-" else Path(name).open("rb") as file:
            pieces = iter(lambda: file.readline(MAX_LINE), b"")
            for line in follow_file(file) if follow and name != "-" else pieces:
                yield Entry(line.decode(errors="backslashreplace").rstrip("\r\n"))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise LogsError(
            f"{name} cannot be read ({error.strerror}): 'make serve' writes .local/serve.jsonl, "
            "'make image-run' .local/image-run.log"
        ) from None


def follow_file(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a file that is being written, whole ones only; from its start if it is anew."""
    part = b""
    while True:
        part += file.readline(MAX_LINE)
        if part.endswith(b"\n") or len(part) >= MAX_LINE:
            yield part
        elif os.fstat(file.fileno()).st_size < file.tell():
            file.seek(0)
        else:
            pause(FILE_SECONDS)
            continue
        part = b""


def pause(seconds: float) -> None:
    """Wait.

    Raises:
        BrokenPipeError: Nobody reads any more. Where nothing is printed, nothing else would tell.
    """
    time.sleep(seconds)
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    if any(found & (select.POLLERR | select.POLLHUP) for _, found in poll.poll(0)):
        raise BrokenPipeError

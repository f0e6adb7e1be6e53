"""Read the service's log: one line a request, errors whole. `make logs`.

It comes from CloudWatch, or from a file that `make serve` or `make image-run` has written.
"""

import argparse
import contextlib
import io
import math
import os
import re
import select
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from serving.deployment.logline import (
    REFUSED,
    SERVER_ERROR,
    Entry,
    Kind,
    Line,
    Sorter,
    escape,
    render,
    to_number,
)
from serving.deployment.stack import StackError, read_outputs
from serving.deployment.stages import STAGES

POLL_SECONDS, FILE_SECONDS = 1.5, 0.3
OVERLAP = 60_000  # milliseconds that each poll reads again: lines arrive late, and not in order
MAX_SEEN = 100_000  # lines in the overlap that are known by id: 10 MB
TRIES = 6  # the waits between them double from a second: 31 s in all
MAX_WAIT = 30  # seconds, when following
UNITS = {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}
THROTTLED = {"ThrottlingException", "Throttling", "TooManyRequestsException"}
EXPIRED = {"ExpiredTokenException", "ExpiredToken"}


class LogsError(Exception):
    """What is wrong, where, and the command that mends it."""


class TokenExpired(Exception):
    """CloudWatch does not know the next page any more, as after a laptop's sleep."""


def parse_since(text: str, now: float) -> float:
    """From when to read, in milliseconds since 1970: "90s", "10m", "2h", "1d" ago, or an ISO time.

    Raises:
        LogsError: It is neither, or in the future.
    """
    try:
        if ago := re.fullmatch(r"([0-9]{1,9})([smhd])", text):
            return max(0.0, (now - int(ago[1]) * UNITS[ago[2]]) * 1000)
        found = datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise LogsError(
            f"SINCE={text!r} is no time: SINCE=90s, 10m, 2h, 1d, or 2026-11-21T15:00 (local)"
        ) from None
    if found > now:
        raise LogsError(f"SINCE={text} is in the future: SINCE=10m is ten minutes ago")
    return max(0.0, found * 1000)


class Window:
    """What is still to be asked for, and which lines of it are known already.

    Attributes:
        start: Milliseconds since 1970.
    """

    def __init__(self, start: float) -> None:
        self.start = int(start)
        self._seen: dict[str, int] = {}

    def take(self, events: list[dict[str, Any]], now: float) -> list[Entry]:
        """The new ones among a page's events, in order. `now` is in milliseconds since 1970."""
        new = [one for one in events if one["eventId"] not in self._seen]
        self._seen |= {one["eventId"]: one["timestamp"] for one in new}
        if times := sorted(self._seen.values()):
            # Neither a line from the future nor a clock that is behind moves it too far.
            self.start = max(self.start, int(min(times[-1], now)) - OVERLAP)
            if len(times) > MAX_SEEN:  # rather a shorter overlap than all of the memory
                self.start = max(self.start, times[-MAX_SEEN] + 1)
        self._seen = {key: one for key, one in self._seen.items() if one >= self.start}
        new.sort(key=lambda one: one["timestamp"])
        return [
            Entry(one["message"], one["timestamp"], one.get("logStreamName", "")) for one in new
        ]


class Reader:
    """Reads a log group.

    Args:
        connect: Makes a client of CloudWatch Logs, with the credentials of that moment.
        group: The log group's name.
        since: In milliseconds since 1970.
        follow: Whether to go on when all is read, and to wait for AWS as long as it takes.
    """

    def __init__(
        self, connect: Callable[[], Any], group: str, since: float, *, follow: bool
    ) -> None:
        self._connect, self._group, self._follow = connect, group, follow
        self._window = Window(since)
        self._client: Any = None

    def read(self) -> Iterator[Entry]:
        """The lines, oldest first.

        Raises:
            LogsError: AWS refuses, or without `follow` does not answer.
        """
        while True:
            with contextlib.suppress(TokenExpired):
                yield from self._read_pages()
                if not self._follow:
                    return
            pause(POLL_SECONDS)

    def _read_pages(self) -> Iterator[Entry]:
        # Of all streams in order: the default once was one stream after the other.
        start = self._window.start
        query = {"logGroupName": self._group, "startTime": start, "interleaved": True}
        while True:
            page = self._ask(query)
            yield from self._window.take(page["events"], time.time() * 1000)
            if not page.get("nextToken"):
                return
            query["nextToken"] = page["nextToken"]

    def _ask(self, query: dict[str, Any]) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - a file does without

        told, tries = "", 0
        while True:
            try:
                self._client = self._client or self._connect()
                return self._client.filter_log_events(**query)
            except (BotoCoreError, ClientError) as error:
                why = self._explain(error, query)
                tries += 1
                if tries == TRIES and not self._follow:
                    raise LogsError(f"{why}: run it again later") from None
            if why != told:
                say(f"{why}: trying again")
                told = why
            pause(min(2.0 ** (tries - 1), MAX_WAIT))

    def _explain(self, error: Any, query: dict[str, Any]) -> str:
        """Why there is no answer, where there may be one yet.

        Raises:
            LogsError: There will be none.
            TokenExpired: To this question there will be none.
        """
        from botocore import exceptions as known  # noqa: PLC0415

        if why := explain_outage(error):
            return why
        code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
        if self._follow:
            login = (known.SSOError, known.TokenRetrievalError, known.CredentialRetrievalError)
            if code in EXPIRED or isinstance(error, login):
                self._client = None  # another has the credentials of a new login
                return "the credentials have expired: log in again, in another terminal"
            if code == "InvalidParameterException" and "nextToken" in query:
                raise TokenExpired
        if code == "ResourceNotFoundException":
            raise LogsError(f"there is no log group {self._group}: 'make deploy' makes it")
        mend = "check AWS_PROFILE and AWS_REGION, and the right logs:FilterLogEvents"
        raise LogsError(f"CloudWatch does not give {self._group} ({error}): {mend}")


def explain_outage(error: Any) -> str | None:
    """Why there is no answer, if that is nothing that anybody has to mend here."""
    from botocore import exceptions as known  # noqa: PLC0415

    answer = getattr(error, "response", {})
    code = answer.get("Error", {}).get("Code", "")
    if code in THROTTLED:
        return "CloudWatch wants fewer requests"
    if answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= SERVER_ERROR:
        return f"CloudWatch has a fault of its own ({code})"
    if isinstance(error, known.ConnectionError | known.HTTPClientError):
        return f"CloudWatch cannot be reached ({type(error).__name__})"
    return None


def read_stage(stage: str, since: float, *, follow: bool) -> Iterator[Entry]:
    """The lines of a stage's function.

    Raises:
        StackError: There is no such stack, or AWS does not answer.
        LogsError: There is no log.
    """
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    def connect() -> Any:
        config = Config(retries={"mode": "adaptive", "max_attempts": 3}, connect_timeout=5)
        return boto3.Session().client("logs", config=config)

    group = read_outputs(stage).LogGroup
    start = datetime.fromtimestamp(since / 1000).astimezone()
    say(f"{group} since {start:%Y-%m-%d %H:%M:%S}, times are {start:%Z}")
    yield from Reader(connect, group, since, follow=follow).read()


def read_file(name: str, *, follow: bool) -> Iterator[Entry]:
    """The lines of a file, or of standard input ("-").

    Raises:
        LogsError: It cannot be read.
    """
    try:
        if name == "-":
            yield from map(to_entry, sys.stdin.buffer)
            return
        with Path(name).open("rb") as file:
            yield from map(to_entry, follow_file(file) if follow else file)
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
        part += file.readline()
        if part.endswith(b"\n"):
            yield part
            part = b""
        elif os.fstat(file.fileno()).st_size < file.tell():
            file.seek(0)
            part = b""
        else:
            pause(FILE_SECONDS)


def to_entry(line: bytes) -> Entry:
    return Entry(line.decode(errors="backslashreplace").rstrip("\r\n"))


class Summary:
    """What was shown, in numbers."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(("requests", "refused", "failed", "cold", "errors"), 0)
        self._durations: list[float] = []

    def add(self, line: Line) -> None:
        counts = self._counts
        counts["errors"] += line.kind is Kind.ERROR
        if line.kind is Kind.REQUEST:
            counts["requests"] += 1
            counts["refused"] += REFUSED <= line.status < SERVER_ERROR
            counts["failed"] += line.status >= SERVER_ERROR
            counts["cold"] += line.is_cold
            duration = to_number(line.values.get("predict.duration"))
            self._durations += [] if duration is None else [duration]

    def __str__(self) -> str:
        counts = self._counts
        parts = [
            f"{counts['requests']:,} requests",
            f"{counts['refused']:,} refused (4xx)",
            f"{counts['failed']:,} failed (5xx)",
            f"{counts['cold']:,} cold starts",
            f"{counts['errors']:,} errors logged",
        ]
        if self._durations:
            parts.append(f"p50 {statistics.median(self._durations):.2f} ms")
        return ", ".join(parts)


def is_wanted(line: Line, options: argparse.Namespace) -> bool:
    """Whether the filters, all of them, let a line through."""
    version = line.values.get("modelVersion") if line.kind is Kind.REQUEST else None
    return (
        (options.raw or line.kind is not Kind.ROUTINE)
        and (line.is_error or not options.errors)
        and (line.is_cold or not options.cold)
        and (not options.model or (isinstance(version, str) and version.startswith(options.model)))
    )


def read_wanted(options: argparse.Namespace) -> Iterator[tuple[Entry, Line]]:
    """The lines that are asked for.

    Raises:
        LogsError, StackError: They cannot be read.
    """
    since = parse_since(options.since or "10m", time.time())
    if options.file:
        entries = read_file(options.file, follow=options.follow)
        since = since if options.since else 0
    else:
        entries = read_stage(options.stage, since, follow=options.follow)
    sorter, last = Sorter(), math.inf
    for entry in entries:
        line = sorter.sort(entry)
        # In a file not every line has a time: it is of the one before.
        last = last if line.time is None else line.time
        if last >= since and is_wanted(line, options):
            yield entry, line


def show(options: argparse.Namespace) -> None:
    """Print what is wanted, and on standard error what it amounts to."""
    colours, is_terminal, summary = wants_colours(), sys.stdout.isatty(), Summary()
    for entry, line in read_wanted(options):
        if options.raw:  # to another program as it is
            print(escape(entry.text) if is_terminal else entry.text, flush=True)
        else:
            print(render(line, colours=colours), flush=True)
        if not options.follow:
            summary.add(line)
    if not options.follow:
        say(f"{summary}")


def wants_colours() -> bool:
    """As no-color.org and force-color.org have it."""
    if os.environ.get("NO_COLOR"):
        return False
    is_terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    return bool(os.environ.get("FORCE_COLOR")) or is_terminal


def pause(seconds: float) -> None:
    """Wait.

    Raises:
        BrokenPipeError: Nobody reads any more. Where nothing is printed, nothing else would tell.
    """
    time.sleep(seconds)
    with contextlib.suppress(io.UnsupportedOperation):  # a test's standard output
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        if any(found & (select.POLLERR | select.POLLHUP) for _, found in poll.poll(0)):
            raise BrokenPipeError


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make logs", description=__doc__)
    parser.add_argument("--stage", default="dev", choices=STAGES)
    parser.add_argument("--since", help="90s, 10m (of a stage the default), 2h, 1d or an ISO time")
    parser.add_argument("--follow", action="store_true", help="go on until Ctrl-C")
    parser.add_argument("--errors", action="store_true", help="5xx, error records, failures")
    parser.add_argument("--cold", action="store_true", help="only cold starts")
    parser.add_argument("--model", default="", help="only requests of this version, or its start")
    parser.add_argument("--raw", action="store_true", help="lines as they are stored")
    parser.add_argument("file", nargs="?", help="a file instead of CloudWatch; - is standard input")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Show a log: 0 when it, a signal or a closed pipe ended; 1 when it cannot be shown."""
    options = parse_arguments(argv)
    try:
        show(options)
    except (LogsError, StackError) as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        # The interpreter flushes at its end, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            say(f"error: standard output cannot be written ({error.strerror})")
            return 1
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())

"""What one line of the log is.

The service writes one EMF document an invocation and error records, Python tracebacks, Lambda and
its emulator what becomes of the environment. A line may be anything: nothing here raises.
"""

import json
import math
import re
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NamedTuple

SERVER_ERROR, REFUSED = 500, 400
HEAD = 200  # characters within which a line says what it is

STARTS = "Traceback (most recent call last):"
CHAINS = ("During handling of the above exception", "The above exception was the direct cause")
EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(?:: .*)?")
# The last two are the web process's (serving/hosts/web/supervisor.py).
FAILED = re.compile(
    r"\[(?:ERROR|CRITICAL|FATAL)\]|Task timed out after|Runtime exited|"
    r"\bstatus: (?:error|failure|timeout)|a worker ended \(|workers did not end in",
    re.IGNORECASE,
)
# Lambda Developer Guide, "Lambda function logs"; "(rapid)" lines are the emulator's, whose REPORT
# has an Init Duration, too, but none to rely on: it stands in another place.
ROUTINE = re.compile(
    r"(?:START|END|REPORT) RequestId: |(?:INIT|RESTORE)_(?:START|REPORT)\b|XRAY TraceId: |"
    r"\d+ \w+ \d+ [\d:,]+ \[(?:INFO|DEBUG)\] \(rapid\) "
)
INIT = re.compile(
    r"(?:REPORT RequestId: \S+\s+Duration: .*|(?:INIT|RESTORE)_REPORT .*?)"
    r"\b(Init|Restore) Duration: (\d+(?:\.\d+)?) ms"
    r"|.*\(rapid\) INIT (REPORT)\(durationMs: (\d+(?:\.\d+)?)"
)
# As `aws logs tail` and `docker logs --timestamps` put it before a line: time, then stream.
PREFIX = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?) (?:([^\s[]+\[[^\s[]+\]\w+) )?"
)


class Entry(NamedTuple):
    """A line as it is stored: its time, in milliseconds since 1970, and its log stream if known."""

    text: str
    time: float | None = None
    stream: str = ""


class Kind(Enum):
    REQUEST = "an EMF document"
    ERROR = "an error record, the beginning of a traceback, or a failure that Lambda tells of"
    MORE = "the rest of a traceback"
    INIT = "what Lambda reports of a cold start"
    ROUTINE = "what Lambda says of every invocation"
    OTHER = "any other line"


class Line(NamedTuple):
    """A line and what is known of it; `values` is the JSON object that it is, else empty."""

    kind: Kind
    text: str
    time: float | None
    values: dict[str, Any]

    @property
    def status(self) -> float:
        """The HTTP status of a request, 0 where there is none."""
        return to_number(self.values.get("status")) or 0

    @property
    def is_error(self) -> bool:
        """Whether it is ours: refusals (4xx) are the client's."""
        return self.kind in (Kind.ERROR, Kind.MORE) or (
            self.kind is Kind.REQUEST and self.status >= SERVER_ERROR
        )

    @property
    def is_cold(self) -> bool:
        return self.kind is Kind.INIT or (
            self.kind is Kind.REQUEST and bool(to_number(self.values.get("cold_start")))
        )


class Sorter:
    """Tells what lines are; knows of each log stream whether a traceback is under way."""

    def __init__(self) -> None:
        self._open: set[str] = set()

    def sort(self, entry: Entry) -> Line:
        text, time, stream = entry
        if time is None and (prefix := PREFIX.match(text)):
            text, time, stream = text[prefix.end() :], parse_time(prefix[1]), prefix[2] or stream
        was_open = stream in self._open
        self._open.discard(stream)
        values = parse_object(text)
        kind = sort_object(values) if values else self._sort_text(text, stream, was_open=was_open)
        return Line(kind, text, find_time(values) if time is None else time, values)

    def _sort_text(self, text: str, stream: str, *, was_open: bool) -> Kind:
        is_routine = ROUTINE.match(text)
        if FAILED.search(text, 0, len(text) if is_routine else HEAD):
            return Kind.ERROR
        if STARTS in text[:HEAD]:
            if not re.search(r"[\r\n]", text):  # else it is all here
                self._open.add(stream)
            return Kind.ERROR
        if INIT.match(text):
            return Kind.INIT
        if is_routine:
            return Kind.ROUTINE
        if was_open and (not text or text[0].isspace()):
            self._open.add(stream)
            return Kind.MORE
        closes = was_open and EXCEPTION.fullmatch(text)
        return Kind.MORE if closes or text.startswith(CHAINS) else Kind.OTHER


def sort_object(values: dict[str, Any]) -> Kind:
    # Without "_aws" where the extraction of metrics is switched off.
    if "_aws" in values or {"requestId", "route", "status"} <= values.keys():
        return Kind.REQUEST
    return Kind.ERROR if values.get("level") == "ERROR" else Kind.OTHER


def parse_object(text: str) -> dict[str, Any]:
    """The JSON object that a line is, else an empty one."""
    try:
        found = json.loads(text) if text.startswith("{") else {}
    except (ValueError, RecursionError):
        return {}
    return dict(found)


def find_time(values: dict[str, Any]) -> float | None:
    """When a document or a record says that it was written, in milliseconds since 1970."""
    directive, timestamp = values.get("_aws"), values.get("timestamp")
    if isinstance(directive, dict):
        return to_number(directive.get("Timestamp"))
    return parse_time(timestamp) if isinstance(timestamp, str) else None


def parse_time(text: str) -> float | None:
    """An ISO time, UTC where it names no zone, in milliseconds since 1970."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000
    except ValueError:
        return None


def to_number(value: Any) -> float | None:
    """A finite number, else nothing: JSON knows integers that are no double, Python's also NaN."""
    try:
        found = float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        return None
    return found if math.isfinite(found) else None

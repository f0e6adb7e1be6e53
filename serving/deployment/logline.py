"""One line of the log: what it is, and how a person reads it.

The service writes one EMF document an invocation and error records, Python tracebacks, Lambda and
its emulator what becomes of the environment. A line may be anything: nothing here raises, and
nothing comes out that a terminal would obey.
"""

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NamedTuple

SERVER_ERROR, REFUSED = 500, 400
RED, GREEN, YELLOW, CYAN, DIM = 31, 32, 33, 36, 2
CLOCK = "%m-%d %H:%M:%S"
INDENT = " " * 20  # a time and two blanks: no line of a message begins where a line of ours does
HEAD = 200  # characters within which a line says what it is

# Of a record, ours or, where the log is to be JSON, Lambda's.
SAYS = ("level", "message", "error", "errorType", "errorMessage")
HIDDEN = ("timestamp", "service")
LEVELS = {"ERROR", "CRITICAL", "FATAL"}
STARTS = "Traceback (most recent call last):"
CHAINS = ("During handling of the above exception", "The above exception was the direct cause")
EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(?:: .*)?")
FAILED = re.compile(
    r"\[(?:ERROR|CRITICAL|FATAL)\]|Task timed out after|Runtime exited|"
    r"\bstatus: (?:error|failure|timeout)",
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
BILLED = re.compile(r"Billed Duration: (\d+) ms")
MEMORY = re.compile(r"Memory Size: (\d+) MB\s+Max Memory Used: (\d+) MB")
# As `aws logs tail` and `docker logs --timestamps` put it before a line.
PREFIX = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?) (?:([^\s[]+\[[^\s[]+\]\w+) )?"
)


type Paint = Callable[[int, str], str]


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
        if values := parse_object(text):
            self._open.discard(stream)
            kind = sort_object(values)
        else:
            kind = self._sort_text(text, stream)
        return Line(kind, text, find_time(values) if time is None else time, values)

    def _sort_text(self, text: str, stream: str) -> Kind:
        was_open = stream in self._open
        self._open.discard(stream)
        if FAILED.search(text, 0, HEAD if not ROUTINE.match(text) else len(text)):
            return Kind.ERROR
        if STARTS in text[:HEAD]:
            if not re.search(r"[\r\n]", text):  # else it is all here
                self._open.add(stream)
            return Kind.ERROR
        if INIT.match(text):
            return Kind.INIT
        if ROUTINE.match(text):
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
    level, name, record = (values.get(key) for key in ("level", "type", "record"))
    if (isinstance(level, str) and level in LEVELS) or "errorType" in values:
        return Kind.ERROR
    if isinstance(name, str) and name.startswith("platform."):  # where the log is to be JSON
        status = record.get("status", "success") if isinstance(record, dict) else "success"
        return Kind.ROUTINE if status == "success" else Kind.ERROR
    return Kind.OTHER


def parse_object(text: str) -> dict[str, Any]:
    """The JSON object that a line is, else an empty one."""
    try:
        found = json.loads(text) if text.startswith("{") else None
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


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
    except (ValueError, OverflowError):
        return None


def to_number(value: Any) -> float | None:
    """A finite number, else nothing: JSON knows integers that are no double, Python's also NaN."""
    try:
        found = float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def render(line: Line, *, colours: bool) -> str:
    """The line for a person: of a request one line, of a message as many as it has."""
    paint = paint_in if colours else leave
    start = paint(DIM, render_time(line.time))
    if line.kind is Kind.REQUEST:
        return f"{start}  {render_request(line, paint)}".rstrip()
    if line.kind is Kind.INIT:
        return f"{start}  {paint(CYAN, escape(render_init(line.text)))}"
    parts = list_record(line.values) if line.kind is Kind.ERROR else []
    parts = parts or re.split(r"\r\n|[\r\n]", line.text.rstrip())
    first, *others = map(escape, parts)
    if line.is_error:
        first, *others = (paint(RED, part) for part in (first, *others))
    return "\n".join([f"{start}  {first}".rstrip(), *(f"{INDENT}{part}" for part in others)])


def render_time(milliseconds: float | None) -> str:
    """Month, day and time of this machine's zone; blank where it is not known."""
    try:
        found = datetime.fromtimestamp(
            math.floor(milliseconds or math.nan) / 1000, UTC
        ).astimezone()
    except (ValueError, OverflowError, OSError):
        return " " * (len(INDENT) - 2)
    return f"{found:{CLOCK}}.{found.microsecond // 1000:03}"


def render_request(line: Line, paint: Paint) -> str:
    """Status, route, label, confidence, duration of the prediction, model, what is special."""
    values, status = line.values, line.status
    colour = RED if status >= SERVER_ERROR else YELLOW if status >= REFUSED else GREEN
    texts, load = to_number(values.get("input.num_texts")), values.get("load_model.duration")
    label = values.get("label", "-" if texts is None else f"{texts:.0f} texts")
    cells = [
        paint(colour, fit(values.get("status"), 3)),
        fit(values.get("route"), 14),
        fit(label, 24),
        fit(render_number(values.get("prediction.confidence"), ".3f").rjust(5), 5),
        fit(render_number(values.get("predict.duration"), ".2f", " ms").rjust(11), 11),
        fit(values.get("modelVersion"), 12),
    ]
    if line.is_cold:
        loaded = render_number(load, ".1f", " ms")
        cells.append(paint(CYAN, "cold" if loaded == "-" else f"cold, model loaded in {loaded}"))
    if status >= REFUSED:  # to find its record, or the client's answer, by
        cells.append(f"request {fit(values.get('requestId'), 36)}")
    return "  ".join(cells)


def render_init(text: str) -> str:
    """Duration of an init, and what Lambda has reported with it."""
    found, billed, memory = INIT.match(text), BILLED.search(text), MEMORY.search(text)
    what, duration = [one for one in found.groups() if one] if found else ("", "nan")
    parts = [f"{'restore' if what == 'Restore' else 'init'} {float(duration):.1f} ms"]
    if billed:
        parts.append(f"billed {billed[1]} ms")
    if memory:
        parts.append(f"{memory[2]} of {memory[1]} MB")
    return ", ".join(parts)


def list_record(values: dict[str, Any]) -> list[str]:
    """A record as lines: what it says, then its other values; none where it says nothing."""
    lines = [" ".join(to_text(values[key]) for key in SAYS if values.get(key) is not None)]
    for key, value in values.items():
        if key not in SAYS and key not in HIDDEN and value is not None:
            several = value if isinstance(value, list) else [f"{key}: {to_text(value)}"]
            lines += (part for one in several for part in re.split(r"[\r\n]+", to_text(one)))
    return lines if lines[0] else []


def render_number(value: Any, form: str, unit: str = "") -> str:
    number = to_number(value)
    return "-" if number is None else f"{number:{form}}{unit}"


def fit(value: Any, width: int) -> str:
    """A cell: as wide as its column, whatever is in it."""
    text = "-" if value is None else escape(to_text(value))
    return f"{text if len(text) <= width else text[: width - 1] + '…':<{width}}"


def to_text(value: Any) -> str:
    try:
        return value if isinstance(value, str) else json.dumps(value)
    except (ValueError, RecursionError):
        return "…"


def escape(text: str) -> str:
    """Text that a terminal only shows: no control characters, none that turn the direction."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one == "\t" else one.encode("unicode_escape").decode()
        for one in text
    )


def paint_in(colour: int, text: str) -> str:
    return f"\033[{colour}m{text}\033[0m"


def leave(_colour: int, text: str) -> str:
    return text

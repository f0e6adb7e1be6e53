"""How a person reads a line: of a request one line in columns, of an error all there is.

Nothing here raises, whatever the line, and nothing comes out that a terminal would obey.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from serving.deployment.commands.logs.line import INIT, REFUSED, SERVER_ERROR, Kind, Line, to_number

RED, GREEN, YELLOW, CYAN, DIM = 31, 32, 33, 36, 2
CLOCK = "%m-%d %H:%M:%S"
INDENT = " " * 20  # a time and two blanks: no line of a message begins where a line of ours does
SAYS, HIDDEN = ("level", "message", "error"), ("timestamp", "service")  # of an error record
BILLED = re.compile(r"Billed Duration: (\d+) ms")
MEMORY = re.compile(r"Memory Size: (\d+) MB\s+Max Memory Used: (\d+) MB")


# Of a request's line, after the time: name and width.
COLUMNS = (
    ("status", 6),
    ("route", 14),
    ("label", 24),
    ("conf.", 5),
    ("predict".rjust(11), 11),
    ("model", 12),
)


type Paint = Callable[[int, str], str]


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


def render_header(*, colours: bool) -> str:
    """What the columns of requests are."""
    paint = paint_in if colours else leave
    cells = (f"{name:<{width}}" for name, width in COLUMNS)
    return paint(DIM, "  ".join(["time".ljust(len(INDENT) - 2), *cells]).rstrip())


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
    label = values.get("label", render_count(values))
    shown = (
        values.get("status"),
        values.get("route", "bulk" if "bulk.num_rows" in values else None),
        label,
        render_number(values.get("prediction.confidence"), ".3f").rjust(5),
        render_number(
            values.get("predict.duration", values.get("bulk.duration")), ".2f", " ms"
        ).rjust(11),
        values.get("modelVersion"),
    )
    cells = [fit(value, width) for value, (_, width) in zip(shown, COLUMNS, strict=True)]
    cells[0] = paint(colour, cells[0])
    if line.is_cold:
        loaded = render_number(values.get("load_model.duration"), ".1f", " ms")
        cells.append(paint(CYAN, "cold" if loaded == "-" else f"cold, model loaded in {loaded}"))
    if errors := to_number(values.get("bulk.num_errors")):
        cells.append(paint(YELLOW, f"{errors:,.0f} with an error"))
    if to_number(values.get("bulk.answered_before")):
        cells.append("answered before")
    if status >= REFUSED and "problem" in values:
        cells.append(fit(values["problem"], 22).rstrip())
    if status >= REFUSED:  # to find its record, or the client's answer, by
        cells.append(f"request {fit(values.get('requestId'), 36)}")
    return "  ".join(cells)


def render_count(values: Mapping[str, Any]) -> str:
    """How many inputs a request had."""
    for noun in ("text", "record", "image"):
        if (number := to_number(values.get(f"input.num_{noun}s"))) is not None:
            return count(number, noun)
    rows = to_number(values.get("bulk.num_rows"))
    return "-" if rows is None else count(rows, "row")


def render_init(text: str) -> str:
    """Duration of an init, and what Lambda has reported with it."""
    what, duration = filter(None, INIT.findall(text)[0])
    parts = [f"{'restore' if what == 'Restore' else 'init'} {float(duration):.1f} ms"]
    if billed := BILLED.search(text):
        parts.append(f"billed {billed[1]} ms")
    if memory := MEMORY.search(text):
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


def count(number: float, noun: str) -> str:
    """A number of things: "1 text", "1,000 texts"."""
    return f"{number:,.0f} {noun}{'' if number == 1 else 's'}"


def fit(value: Any, width: int) -> str:
    """A cell: as wide as its column, whatever is in it."""
    text = "-" if value is None else escape(to_text(value))
    return f"{text if len(text) <= width else text[: width - 1] + '…':<{width}}"


def to_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def escape(text: str) -> str:
    """Text that a terminal only shows: no control characters, none that turn the direction."""
    return "".join(
        one if one.isprintable() or one == "\t" else one.encode("unicode_escape").decode()
        for one in text
    )


def paint_in(colour: int, text: str) -> str:
    return f"\033[{colour}m{text}\033[0m"


def leave(_colour: int, text: str) -> str:
    return text

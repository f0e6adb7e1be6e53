"""Read the service's log: one line a request, errors whole. `make logs`.

It comes from CloudWatch, or from a file that `make serve` or `make image-run` has written.
"""

import argparse
import math
import os
import signal
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from serving.deployment.commands.logs.line import (
    REFUSED,
    SERVER_ERROR,
    Entry,
    Kind,
    Line,
    Sorter,
    to_number,
)
from serving.deployment.commands.logs.render import count, escape, render, render_header
from serving.deployment.commands.logs.source import (
    LogsError,
    parse_since,
    read_deployment,
    read_file,
)
from serving.deployment.commands.options import add_deployment
from serving.deployment.stack import Deployment, StackError, say

LOCAL = Path(".local/serve.jsonl")


class Summary:
    """What was shown, in numbers."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._durations: list[float] = []

    def add(self, line: Line) -> None:
        counts = self._counts
        counts["errors"] += line.kind is Kind.ERROR
        if line.kind is Kind.REQUEST:
            counts["objects" if "bulk.num_rows" in line.values else "requests"] += 1
            counts["refused"] += REFUSED <= line.status < SERVER_ERROR
            counts["failed"] += line.status >= SERVER_ERROR
            counts["cold"] += line.is_cold
            duration = to_number(line.values.get("predict.duration"))
            self._durations += [] if duration is None else [duration]

    def __str__(self) -> str:
        counts = self._counts
        requests = [
            count(counts["requests"], "request"),
            f"{counts['refused']:,} refused (4xx)",
            f"{counts['failed']:,} failed (5xx)",
        ]
        parts = [
            *([count(counts["objects"], "object")] if counts["objects"] else requests),
            count(counts["cold"], "cold start"),
            f"{count(counts['errors'], 'error')} logged",
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
        and (
            not options.version
            or (isinstance(version, str) and version.startswith(options.version))
        )
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
        deployment = Deployment(options.model, options.stage)
        entries = read_deployment(deployment, since, follow=options.follow, bulk=options.bulk)
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
    header = f"{render_header(colours=colours)}\n"
    for entry, line in read_wanted(options):
        if options.raw:  # to another program as it is
            print(escape(entry.text) if is_terminal else entry.text, flush=True)
        elif line.kind is Kind.REQUEST:
            print(f"{header}{render(line, colours=colours)}", flush=True)
            header = ""
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


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make logs", description=__doc__)
    add_deployment(parser)
    parser.add_argument("--since", help="90s, 10m (of a stage the default), 2h, 1d or an ISO time")
    parser.add_argument("--follow", action="store_true", help="go on until Ctrl-C")
    parser.add_argument("--errors", action="store_true", help="5xx, error records, failures")
    parser.add_argument("--cold", action="store_true", help="only cold starts")
    parser.add_argument("--version", default="", help="only requests of this version, or its start")
    parser.add_argument("--bulk", action="store_true", help="of bulk: a line an object")
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
        if not options.file and LOCAL.exists():
            say(f"what 'make serve' has written on this machine: 'make logs FILE={LOCAL}'")
        return 1
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        # The interpreter flushes at its end, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())

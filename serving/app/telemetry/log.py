"""Log records: one JSON object a line, so that no logged value can forge a line of its own.

They go to standard error; standard output is for the metrics. Lambda collects both. Not through
Powertools' logger or the standard library's: a record must come out where these cannot be loaded,
or where Lambda's own handler, which writes to standard output, fails.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_PLACES = 20


def log_failure(
    error: BaseException, request_id: str | None = None, message: str = "failed"
) -> None:
    """Log an error by its type and the places it passed. Raises nothing.

    Its message is left out: it may hold text of a request, which is never logged.
    """
    with contextlib.suppress(Exception, SystemExit):
        import traceback  # noqa: PLC0415

        # The innermost: a recursion passes thousands.
        frames = traceback.extract_tb(error.__traceback__, limit=-MAX_PLACES)
        places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        _log(message, error=type(error).__name__, request_id=request_id, places=places)


def log_unservable(error: Exception, request_id: str | None = None) -> None:
    """Log why no model can be served, in the error's own words: no request has a part in it."""
    with contextlib.suppress(Exception, SystemExit):
        reason = str(error)
        _log("no model to serve", error=type(error).__name__, request_id=request_id, reason=reason)


def _log(message: str, **values: Any) -> None:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    record = {"level": "ERROR", "timestamp": now, "service": "quickthaw", "message": message}
    sys.stderr.write(json.dumps(record | values) + "\n")
    sys.stderr.flush()

"""Log records: one JSON object a line, so that no logged value can forge a line of its own.

They go to standard error; standard output is for the metrics. Lambda collects both.
"""

from __future__ import annotations

import contextlib
import json
import sys
from functools import cache

SERVICE = "quickthaw"
MAX_PLACES = 20

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from aws_lambda_powertools import Logger


def log_failure(
    error: BaseException, request_id: str | None = None, message: str = "failed"
) -> None:
    """Log an error by its type and the places it passed.

    Its message is left out: it may hold text of a request, which is never logged.
    """
    import traceback  # noqa: PLC0415

    # The innermost: a recursion passes thousands.
    frames = traceback.extract_tb(error.__traceback__)[-MAX_PLACES:]
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    _log(message, error=type(error).__name__, request_id=request_id, places=places)


def log_unservable(error: Exception) -> None:
    """Log why no model can be served, in the error's own words: no request has a part in it."""
    _log("no model to serve", error=type(error).__name__, reason=str(error))


def _log(message: str, **values: Any) -> None:
    try:
        _logger().error(message, stacklevel=4, **values)  # where it went wrong, not here
    except Exception:  # noqa: BLE001 - it may be Powertools that fails
        record = {"level": "ERROR", "message": message, "service": SERVICE, **values}
        with contextlib.suppress(OSError, ValueError, AttributeError):  # standard error is closed
            sys.stderr.write(json.dumps(record) + "\n")


@cache
def _logger() -> Logger:
    # Only here: where all goes well nothing is logged, and Powertools takes long to load.
    from aws_lambda_powertools import Logger  # noqa: PLC0415

    return Logger(service=SERVICE, stream=sys.stderr)

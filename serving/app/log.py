"""Log records: one JSON object a line, so that no logged value can forge a line of its own.

They go to standard error; standard output is for the metrics. Lambda collects both.
"""

from __future__ import annotations

import sys
from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aws_lambda_powertools import Logger


def log_failure(error: BaseException, request_id: str | None = None) -> None:
    """Log an error by its type and the places it passed.

    Its message is left out: it may hold text of a request, which is never logged.
    """
    import traceback  # noqa: PLC0415

    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    _logger().error("failed", error=type(error).__name__, request_id=request_id, places=places)


def log_unservable(error: Exception) -> None:
    """Log why no model can be served, in the error's own words: no request has a part in it."""
    _logger().error("no model to serve", error=type(error).__name__, reason=str(error))


@cache
def _logger() -> Logger:
    # Only here: where all goes well nothing is logged, and Powertools takes long to load.
    from aws_lambda_powertools import Logger  # noqa: PLC0415

    return Logger(service="quickthaw", stream=sys.stderr)

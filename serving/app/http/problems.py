"""Errors as problem documents (RFC 9457), which contain nothing of the request."""

from __future__ import annotations

from serving.app.errors import InternalError, NotServable, ServiceError
from serving.app.request.strict_json import to_json
from serving.app.telemetry.log import log_failure
from serving.bundle.errors import ModelError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from serving.app.telemetry.metrics import Measurements

PROBLEM_JSON = "application/problem+json"


def problem(
    error: BaseException, request_id: str, measurements: Measurements
) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of an error's answer; one of ours, a bug, is logged."""
    if isinstance(error, ModelError):
        error = NotServable(error)
    if not isinstance(error, ServiceError):
        log_failure(error, request_id)
        error = InternalError()
    measurements.properties["problem"] = error.kind
    headers = {"Content-Type": PROBLEM_JSON} | error.headers()
    return error.status, headers, to_json(error.problem() | {"request_id": request_id})


def respond(error: BaseException, request_id: str, measurements: Measurements) -> dict[str, Any]:
    """An error's answer as an API Gateway proxy response."""
    status, headers, body = problem(error, request_id, measurements)
    return {
        "statusCode": status,
        "body": body,
        "isBase64Encoded": False,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
    }


def broken_rule(error: Mapping[str, Any]) -> tuple[str, str]:
    """Place and rule of one of pydantic's errors, which are of the query alone."""
    return ".".join(error["loc"][:2]), error["msg"]

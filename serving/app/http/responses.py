"""What OpenAPI says of the answers of a route."""

from typing import Any

from pydantic import BaseModel

from serving.app.errors import (
    InternalError,
    Invalid,
    Malformed,
    NotServable,
    RequestError,
    ServiceError,
    TooLarge,
    UnsupportedMedia,
)
from serving.app.http import schema
from serving.app.http.problems import PROBLEM_JSON


def _header(description: str, kind: str = "string", *, required: bool = True) -> dict[str, Any]:
    return {"description": description, "required": required, "schema": {"type": kind}}


_HEADERS = {
    "X-Request-Id": _header("The id under which the service logged the request"),
    "X-Model-Version": _header("First 12 hex digits of the sha256 of model.joblib, or none"),
    "Server-Timing": _header(
        "cold, with the first answer of a process; not there with later ones",
        required=False,
    ),
}
_RETRY = {"Retry-After": _header("Seconds to wait", "integer")}


def list_responses(success: type[BaseModel] | None, *errors: type[ServiceError]) -> dict[int, Any]:
    """The good answer and the errors; None leaves the good one to document.py."""
    content = {PROBLEM_JSON: {"model": schema.Problem}}
    good = {"application/json": {"model": success}} if success else {}
    return {
        200: {"description": "OK", "headers": _HEADERS, "content": good},
        **{
            error.status: {
                "description": error.title,
                "headers": _HEADERS | (_RETRY if error is NotServable else {}),
                "content": content,
            }
            for error in errors
        },
    }


READ_ERRORS = (RequestError, InternalError, NotServable)
# The last one of a status describes it.
PREDICT_ERRORS = (*READ_ERRORS, Malformed, TooLarge, UnsupportedMedia, Invalid)

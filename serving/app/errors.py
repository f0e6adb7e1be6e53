"""The errors that a caller or an operator of the service can meet.

    ServiceError
    ├── RequestError            the caller's to mend
    │   ├── Malformed           400
    │   ├── NotFound            404
    │   ├── MethodNotAllowed    405
    │   ├── TooLarge            413
    │   ├── UnsupportedMedia    415
    │   └── Invalid             422
    ├── NotServable             503, the operator's to mend: a ModelError of serving.bundle
    └── InternalError           500, ours

Each class is one problem type of RFC 9457. A message never holds text of a request: messages
go into answers and logs, and a lone surrogate in one ends the Lambda runtime's process.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing would cost a tenth of a cold start
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from serving.bundle.errors import ModelError

MAX_LISTED_ERRORS = 10


class ServiceError(Exception):
    """An error with an HTTP status; its message is the problem's `detail`."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    kind: ClassVar[str] = "internal"

    def problem(self) -> dict[str, Any]:
        """The members of the problem document, without those of one occurrence (RFC 9457, 3.1)."""
        return {
            "type": f"urn:quickthaw:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": str(self),
        }

    def headers(self) -> dict[str, str]:
        """Headers that this error's status asks for."""
        return {}


class RequestError(ServiceError):
    status = 400
    title = "Bad request"
    kind = "bad-request"


class Malformed(RequestError):
    title = "Malformed body"
    kind = "malformed"


class NotFound(RequestError):
    status = 404
    title = "No such path"
    kind = "not-found"


class MethodNotAllowed(RequestError):
    status = 405
    title = "Method not allowed"
    kind = "method-not-allowed"

    def __init__(self, allowed: str) -> None:
        super().__init__(f"This path answers {allowed} only.")
        self.allowed = allowed

    def headers(self) -> dict[str, str]:
        return {"Allow": self.allowed}


class TooLarge(RequestError):
    status = 413
    title = "Body too large"
    kind = "too-large"


class UnsupportedMedia(RequestError):
    status = 415
    title = "Unsupported media type"
    kind = "unsupported-media-type"


class Invalid(RequestError):
    """The request was read but breaks a rule of the schema.

    Args:
        errors: Pairs of place ("body.texts[3]", "query.top") and rule. The first
            `MAX_LISTED_ERRORS` are listed: a hostile body can break thousands.
    """

    status = 422
    title = "Invalid request"
    kind = "invalid"

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        shown = errors[:MAX_LISTED_ERRORS]
        listed = "" if len(shown) == len(errors) else f"; the first {len(shown)} are listed"
        rules = "1 rule is" if len(errors) == 1 else f"{len(errors)} rules are"
        super().__init__(f"{rules} broken{listed}.")
        self.rules = errors
        self.errors = [{"place": place, "rule": rule} for place, rule in shown]

    def problem(self) -> dict[str, Any]:
        return {**super().problem(), "errors": self.errors}


class NotServable(ServiceError):
    """The bundle cannot be served.

    Args:
        error: Why not. Its own words are for the log; the caller is told less.
    """

    status = 503
    title = "Model not servable"
    kind = "model-not-servable"

    def __init__(self, error: ModelError) -> None:
        super().__init__(f"The service {error.told}. Its log says more.")

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "60"}


class InternalError(ServiceError):
    def __init__(self) -> None:
        super().__init__("An error of ours. Its log record carries the request id of this answer.")


class SettingsError(Exception):
    """An environment variable has a value that it cannot have. Ends init: see settings.py."""

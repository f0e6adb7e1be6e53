"""The errors, which errors.py imports when it is first asked for one: most starts meet none."""

from __future__ import annotations

from serving.app.errors import INTERNAL, INTERNAL_KIND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from serving.bundle.errors import ModelError

MAX_LISTED_ERRORS = 10


class ServiceError(Exception):
    """An error with an HTTP status; its message is the problem's `detail`."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    kind: ClassVar[str] = INTERNAL_KIND

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


class InternalError(ServiceError):
    def __init__(self) -> None:
        super().__init__(INTERNAL["detail"])


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


class SettingsError(Exception):
    """An environment variable has a value that it cannot have. Ends init: see settings.py."""

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

    from serving.app.error_kinds import (
        Invalid,
        Malformed,
        MethodNotAllowed,
        NotFound,
        NotServable,
        SettingsError,
        TooLarge,
        UnsupportedMedia,
    )

__all__ = [
    "InternalError",
    "Invalid",
    "Malformed",
    "MethodNotAllowed",
    "NotFound",
    "NotServable",
    "RequestError",
    "ServiceError",
    "SettingsError",
    "TooLarge",
    "UnsupportedMedia",
]


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


class InternalError(ServiceError):
    def __init__(self) -> None:
        super().__init__("An error of ours. Its log record carries the request id of this answer.")


if not TYPE_CHECKING:  # or mypy would take any name for one of the errors

    def __getattr__(name: str) -> Any:
        """One of the other errors: to make a class takes as long as to read a small module."""
        if name.startswith("_"):  # Python's own questions to each module
            raise AttributeError(name)
        from serving.app import error_kinds  # noqa: PLC0415 - few starts need it

        return getattr(error_kinds, name)

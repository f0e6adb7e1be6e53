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
    from typing import Any

    from serving.app.error_kinds import (
        InternalError,
        Invalid,
        Malformed,
        MethodNotAllowed,
        NotFound,
        NotServable,
        RequestError,
        ServiceError,
        SettingsError,
        TooLarge,
        UnsupportedMedia,
    )

__all__ = [
    "INTERNAL",
    "INTERNAL_KIND",
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


# What is answered where not even a class can be loaded: no file can be opened any more, no memory
# is left. InternalError says the same.
INTERNAL_KIND = "internal"
INTERNAL = {
    "type": f"urn:quickthaw:problem:{INTERNAL_KIND}",
    "title": "Internal error",
    "status": 500,
    "detail": "An error of ours. Its log record carries the request id of this answer.",
}

if not TYPE_CHECKING:  # or mypy would take any name for one of the errors

    def __getattr__(name: str) -> Any:
        """One of the errors: to make a class takes as long as to read a small module."""
        if name.startswith("_"):  # Python's own questions to each module
            raise AttributeError(name)
        from serving.app import error_kinds  # noqa: PLC0415 - few starts need it

        return getattr(error_kinds, name)

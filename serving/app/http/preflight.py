"""Answers a browser that asks whether a page of another origin may send a request.

That is a preflight (Fetch Standard, "CORS-preflight request"). API Gateway and a function URL
answer it themselves where a stage allows an origin; in front of a web process nobody does.
"""

from __future__ import annotations

from serving.app.request import reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ROUTE = "preflight"
_HEADERS = {
    "Access-Control-Allow-Headers": ["Content-Type, X-Api-Key"],
    "Access-Control-Allow-Methods": ["GET, HEAD, POST"],
    "Access-Control-Max-Age": ["600"],  # seconds
    "Content-Type": ["text/plain; charset=utf-8"],
}


def respond(event: Any) -> dict[str, Any] | None:
    """The answer to a preflight request, for any path.

    If the path does not exist, the request that follows says so. None if this is no preflight.

    Raises:
        RequestError: It has more headers, or longer ones, than any client sends.
    """
    if not isinstance(event, dict) or event.get("httpMethod") != "OPTIONS":
        return None
    reader.check_headers(event)
    if not all(reader.header(event, name) for name in ("origin", "access-control-request-method")):
        return None
    return {
        "statusCode": 200,
        "body": "",
        "isBase64Encoded": False,
        "multiValueHeaders": dict(_HEADERS),
    }

"""The plain event: what routing needs of an event, each value of the type that it should have."""

from __future__ import annotations

from serving.app.errors import RequestError
from serving.app.limits import MAX_HEADER_CHARS, MAX_PARAMETERS
from serving.app.request.reader import are_more

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def plain_event(event: Any) -> dict[str, Any]:
    """What routing needs of an event.

    The body is a placeholder: `reader.read_body` reads the real one where a route wants it.

    Raises:
        RequestError: It is not a REST API's proxy event (payload 1.0; shapes.py makes one of the
            others), or its query has more than `MAX_PARAMETERS`.
    """
    if not isinstance(event, dict):
        raise RequestError("The event is not a request of API Gateway or a load balancer.")
    method, path = event.get("httpMethod"), event.get("path")
    if not isinstance(method, str) or not isinstance(path, str):
        raise RequestError("The event is no request in a shape that is read here.")
    about = event.get("requestContext")
    about = about if isinstance(about, dict) else {}
    return {
        "httpMethod": method,
        "path": path,
        "headers": {"content-type": "application/json"},
        "multiValueQueryStringParameters": _read_query(event),
        "requestContext": {
            key: about[key] if isinstance(about.get(key), str) else "" for key in ("path", "stage")
        },
        "body": "{}",
        "isBase64Encoded": False,
    }


def _read_query(event: Mapping[str, Any]) -> dict[str, list[str]]:
    """The query's names and values, of the multi-valued form where there is one."""
    query = event.get("multiValueQueryStringParameters") or {
        name: [value] for name, value in _check_query(event.get("queryStringParameters")).items()
    }
    return {name: _to_texts(values) for name, values in _check_query(query).items()}


def _check_query(query: Any) -> dict[str, Any]:
    """One form of the query, where it is one.

    Raises:
        RequestError: It is no object, or has more than `MAX_PARAMETERS`.
    """
    query = query or {}
    if not isinstance(query, dict):
        raise RequestError(
            f"The query of the event is not an object, or has more than {MAX_HEADER_CHARS:,} "
            "characters."
        )
    if are_more(query, MAX_PARAMETERS):
        raise RequestError(f"The query has more than {MAX_PARAMETERS} parameters.")
    return query


def _to_texts(values: Any) -> list[str]:
    """The values of a name; what is no text becomes an empty one, which every parameter refuses."""
    if not isinstance(values, list) or not values:
        return [""]
    return [value if isinstance(value, str) else "" for value in values]

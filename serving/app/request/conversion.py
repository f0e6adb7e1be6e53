"""Between a REST API's events and answers and those of other callers.

Sources: Amazon API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs";
AWS Lambda Developer Guide, "Invoking Lambda function URLs"; Elastic Load Balancing, Application
Load Balancers, "Use Lambda functions as targets". An event may hold anything: what is not of the
type that it should have is passed on, and `events.py` or `reader.py` refuses it.
"""

from __future__ import annotations

from serving.app.limits import MAX_HEADER_CHARS, MAX_PARAMETERS
from serving.app.request.reader import are_more

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DEFAULT_STAGE = "$default"  # of an HTTP API; its URL does not name it, and a function URL has none


def from_http(event: dict[str, Any]) -> dict[str, Any]:
    """An event of payload 2.0, in which the query is as it was sent, and a stage is in the path."""
    about, path = event["requestContext"], event.get("rawPath")
    http, stage = about["http"], about.get("stage")
    bare = path
    if isinstance(path, str) and isinstance(stage, str) and stage not in ("", _DEFAULT_STAGE):
        bare = path.removeprefix(f"/{stage}") if f"{path}/".startswith(f"/{stage}/") else path
    return {
        "httpMethod": http.get("method") if isinstance(http, dict) else None,
        "path": bare or "/",
        "headers": event.get("headers"),
        "multiValueQueryStringParameters": _parse(event.get("rawQueryString")),
        "requestContext": {"path": path, "stage": stage},
        "body": event.get("body"),
        "isBase64Encoded": event.get("isBase64Encoded"),
    }


def from_balancer(event: dict[str, Any]) -> dict[str, Any]:
    """An event of a load balancer, in which names and values of the query are as they were sent."""
    query = event.get("multiValueQueryStringParameters")
    single = event.get("queryStringParameters")
    if not query and isinstance(single, dict) and not are_more(single, MAX_PARAMETERS):
        query = {name: [value] for name, value in single.items()}
    return event | {
        "multiValueQueryStringParameters": _decode(query or single),
        "queryStringParameters": None,
        "requestContext": {"path": event.get("path"), "stage": ""},
    }


def to_answer(answer: dict[str, Any], *, single: bool, described: bool) -> dict[str, Any]:
    """An answer with one value a header, or with the status in words, as a balancer takes it."""
    found = dict(answer)
    if single:
        headers = found.pop("multiValueHeaders")
        found["headers"] = {name: ", ".join(values) for name, values in headers.items()}
    if described:
        from http import HTTPStatus  # noqa: PLC0415 - a balancer's alone

        status = HTTPStatus(found["statusCode"])
        found["statusDescription"] = f"{status.value} {status.phrase}"
    return found


def _parse(raw: Any) -> Any:
    """The values by name in a query. A query that is too long is returned unchanged."""
    if not raw or not isinstance(raw, str) or len(raw) > MAX_HEADER_CHARS:
        return raw or None
    from urllib.parse import parse_qsl  # noqa: PLC0415 - most requests have no query

    # One more than there may be: the reader counts them.
    parts = [part for part in raw.split("&") if part][: MAX_PARAMETERS + 1]
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl("&".join(parts), keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return found or None


def _decode(query: Any) -> Any:
    """A query with its percent-encoding removed. One of too many names is returned unchanged."""
    if not query or not isinstance(query, dict) or are_more(query, MAX_PARAMETERS):
        return query or None
    found: dict[str, Any] = {}
    for name, values in query.items():
        plain = _unquote(name)
        if isinstance(values, list) and isinstance(found.get(plain, []), list):
            found[plain] = [*found.get(plain, []), *map(_unquote, values)]
        else:
            found[plain] = values
    return found


def _unquote(text: Any) -> Any:
    # Longer ones are no parameter of ours, and would take their time.
    if not isinstance(text, str) or len(text) > MAX_HEADER_CHARS:
        return text
    if "%" not in text and "+" not in text:
        return text
    from urllib.parse import unquote_plus  # noqa: PLC0415 - most requests have no query

    return unquote_plus(text)

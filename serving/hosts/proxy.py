"""Between HTTP (ASGI) and the proxy events and responses of an API Gateway REST API.

Sources: Amazon API Gateway Developer Guide ("Lambda proxy integrations", "Important notes",
"Gateway response types") and AWS Lambda Developer Guide ("Lambda quotas"). Known differences:
header names are lower-case in events; a body is base64 when its type is one of the stack's binary
media types, as in API Gateway, and also when it is no UTF-8 or has a Content-Encoding; base64 in a
response is decoded whatever Accept says.
"""

import base64
import contextlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from typing import Any
from urllib.parse import parse_qsl, quote
from uuid import uuid4

from serving.app.limits import LAMBDA_BYTES
from serving.bundle.inputs import BINARY_MEDIA

# "Important notes", header restrictions: what describes the connection does not leave it.
DROPPED = re.compile("connection|content-length|expect|te|trailer|transfer-encoding|upgrade")
BODILESS = (204, 304)  # RFC 9110, 15.3.5 and 15.4.5
REMAPPED = {"connection", "content-length", "date", "server"}
HEADER = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+\n[\t -~\x80-\xff]*")  # RFC 9110, 5.1 and 5.5
ABSOLUTE = re.compile(r"^https?://[^/]*", re.IGNORECASE)  # RFC 9112, 3.2.2: sent to proxies
PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))

type Scope = dict[str, Any]
type Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Response:
    """`reason` is for the log alone and never holds text of a request."""

    status: int
    headers: Pairs
    body: bytes
    reason: str = ""


class GatewayError(Exception):
    """Ends a request with an answer of API Gateway's own ("Gateway response types")."""

    def __init__(self, status: int, message: str, reason: str = "") -> None:
        super().__init__(message)
        body = json.dumps({"message": message}).encode()
        self.response = Response(status, [("content-type", "application/json")], body, reason)


def bad_gateway(reason: str) -> GatewayError:
    return GatewayError(502, "Internal server error", reason)


def path_of(scope: Scope) -> str:
    """The path as it was sent, percent-encoded, in printable ASCII."""
    sent = quote(scope.get("raw_path") or quote(scope["path"]), safe=PRINTABLE)
    return ABSOLUTE.sub("", sent) or "/"


def proxy_event(scope: Scope, body: bytes, stage: str, prefix: str) -> dict[str, Any]:
    """The event of a request. A REST API decodes the query but leaves the path as it was sent."""
    requested = path_of(scope)
    path = "/" + requested.removeprefix(prefix).lstrip("/") if prefix else requested
    proxy = path.strip("/")  # the root is a resource of its own: "/{proxy+}" does not match it
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    headers = grouped(pair for pair in pairs if not DROPPED.fullmatch(pair[0]))
    query = grouped(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    text, encoded = body_members(body, binary=is_binary(headers))
    return {
        "resource": "/{proxy+}" if proxy else "/",
        "path": path,
        "httpMethod": scope["method"],
        "headers": last_of(headers),
        "multiValueHeaders": headers or None,
        "queryStringParameters": last_of(query),
        "multiValueQueryStringParameters": query or None,
        "pathParameters": {"proxy": proxy} if proxy else None,
        "stageVariables": None,
        "requestContext": request_context(scope, last_of(headers) or {}, stage),
        "body": text,
        "isBase64Encoded": encoded,
    }


def request_context(scope: Scope, headers: dict[str, str], stage: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    source = scope["client"][0] if scope.get("client") else "127.0.0.1"
    return {
        "accountId": "123456789012",
        "apiId": "local",
        "domainName": headers.get("host", "localhost"),
        "httpMethod": scope["method"],
        "identity": {"sourceIp": source, "userAgent": headers.get("user-agent")},
        "path": path_of(scope),
        "protocol": f"HTTP/{scope['http_version']}",
        "requestId": str(uuid4()),
        "requestTime": f"{now:%d/%b/%Y:%H:%M:%S %z}",
        "requestTimeEpoch": int(now.timestamp() * 1000),
        "resourceId": "local",
        "stage": stage,
    }


def grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name, value in pairs:
        groups.setdefault(name, []).append(value)
    return groups


def last_of(groups: dict[str, list[str]]) -> dict[str, str] | None:
    return {name: values[-1] for name, values in groups.items()} or None


def is_binary(headers: dict[str, list[str]]) -> bool:
    """Whether a body goes into its event in base64, whatever it is."""
    (*_, media_type) = headers.get("content-type", [""])
    name = media_type.partition(";")[0].strip().lower()
    return "content-encoding" in headers or any(fnmatch(name, one) for one in BINARY_MEDIA)


def body_members(body: bytes, *, binary: bool) -> tuple[str | None, bool]:
    with contextlib.suppress(UnicodeDecodeError):
        if not (body and binary):
            return body.decode() or None, False
    return base64.b64encode(body).decode(), True


def to_json(value: object) -> bytes:
    """Serialise as Lambda's runtime does; NaN, which is not JSON, raises."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def to_response(result: object) -> Response:
    """Read a handler's result as API Gateway does: after its way through JSON.

    Raises:
        GatewayError: 502. It is not a proxy response, or larger than Lambda returns.
    """
    try:
        payload = to_json(result)
        result = json.loads(payload)
    except (TypeError, ValueError, RecursionError) as error:
        raise bad_gateway(f"{type(error).__name__}: the response is not JSON") from None
    if len(payload) > LAMBDA_BYTES:
        raise bad_gateway(f"the response exceeded {LAMBDA_BYTES} bytes")
    if not isinstance(result, dict):
        raise bad_gateway("the response is not an object")
    status, headers = result.get("statusCode"), response_headers(result)
    if not isinstance(status, int) or not 200 <= status <= 599:  # noqa: PLR2004 - final statuses
        raise bad_gateway("statusCode is not an integer from 200 to 599")
    return Response(status, headers, b"" if status in BODILESS else response_body(result))


def response_headers(result: dict[str, Any]) -> Pairs:
    """Both members merged, each pair once, multiValueHeaders first."""
    members = (result.get("headers"), result.get("multiValueHeaders"))
    single, multi = ({} if member is None else member for member in members)
    if not isinstance(single, dict) or not isinstance(multi, dict):
        raise bad_gateway("headers or multiValueHeaders is not an object")
    if not all(isinstance(values, list) for values in multi.values()):
        raise bad_gateway("a value in multiValueHeaders is not a list")
    pairs = [(name, value) for name, values in multi.items() for value in values]
    pairs += [pair for pair in single.items() if pair not in pairs]
    if not all(isinstance(value, str) and HEADER.fullmatch(f"{n}\n{value}") for n, value in pairs):
        raise bad_gateway("a header is not a name and a text that HTTP can carry")
    sent = [(name.lower(), value.strip(" \t")) for name, value in pairs]
    if "content-type" not in dict(sent):
        sent.append(("content-type", "application/json"))
    return [
        (f"x-amzn-remapped-{name}" if name in REMAPPED else name, value)
        for name, value in sent
        if name != "transfer-encoding"
    ]


def response_body(result: dict[str, Any]) -> bytes:
    body = result.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise bad_gateway("body is not a string")
    if result.get("isBase64Encoded") is not True:
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        raise bad_gateway("body is not base64") from None

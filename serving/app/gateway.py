"""HTTP in front of `lambda_handler`: API Gateway (REST API, proxy events) and one environment.

Sources: Amazon API Gateway Developer Guide ("Lambda proxy integrations", "Important notes",
"Quotas for configuring and running a REST API", "Gateway response types") and AWS Lambda
Developer Guide ("Lambda quotas"). Known differences: header names are lower-case in events; a
body is text when it is UTF-8 without Content-Encoding, else base64, where API Gateway goes by
its list of binary media types; base64 in a response is decoded whatever Accept says.
"""

import argparse
import asyncio
import base64
import contextlib
import errno
import ipaddress
import json
import os
import re
import signal
import socket
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote
from uuid import uuid4

import uvicorn

from serving.app.errors import SettingsError

REQUEST_BYTES = 10 * 1024 * 1024  # API Gateway, "Payload size"
HEADER_BYTES = 10 * 1024  # API Gateway, "Total combined size of request line and header values"
LAMBDA_BYTES = 6 * 1024 * 1024  # Lambda, "Invocation payload": request and response each
INTEGRATION_SECONDS = 29.0  # API Gateway, "Integration timeout"
GRACE_SECONDS = 5  # for requests under way at a stop: process managers grant 10 s or more
KEEP_ALIVE_SECONDS = 65  # over a load balancer's 60 s: it must not meet a connection just closed
MAX_CONNECTIONS = 256  # each may hold a request of 10 MB
PATH_CHARS = 80

METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}  # "ANY"
# "Important notes", header restrictions: what describes the connection does not leave it.
DROPPED = re.compile("connection|content-length|expect|te|trailer|transfer-encoding|upgrade")
BODILESS = (204, 304)  # RFC 9110, 15.3.5 and 15.4.5
REMAPPED = {"connection", "content-length", "date", "server"}
HEADER = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+\n[\t -~\x80-\xff]*")  # RFC 9110, 5.1 and 5.5
PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))

type Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
type Scope = dict[str, Any]
type Receive = Callable[[], Awaitable[dict[str, Any]]]
type Send = Callable[[dict[str, Any]], Awaitable[None]]
type Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class LambdaContext:
    """What a handler gets beside the event; `deadline` is in seconds of `time.monotonic()`."""

    aws_request_id: str
    deadline: float
    function_name: str = "quickthaw"
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "1024"  # a string, as in Lambda's own context
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:quickthaw"
    log_group_name: str = "/aws/lambda/quickthaw"
    log_stream_name: str = "local"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - time.monotonic()) * 1000))


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


class Gateway:
    """An ASGI application that answers through a handler, one event at a time.

    Args:
        handler: What Lambda would call.
        stage: The stage's name where no prefix gives it.
        prefix: "" as behind a custom domain, "/<stage>" as behind an execute-api URL.

    Attributes:
        busy: Whether the handler is running.
    """

    def __init__(self, handler: Handler, *, stage: str = "local", prefix: str = "") -> None:
        self.busy = False
        self._handler = handler
        self._prefix = prefix
        self._stage = prefix.strip("/") or stage
        # A request that times out leaves the thread occupied, as it does an environment.
        self._environment = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lambda")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await send({"type": "websocket.close"})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        # A second Ctrl-C cancels the wait for the shutdown event: no reason for a traceback.
        with contextlib.suppress(asyncio.CancelledError):
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.monotonic()
        try:
            response = await self._respond(scope, receive)
        except GatewayError as error:
            response = error.response
        except asyncio.CancelledError:  # the server stops and has waited long enough
            response = GatewayError(503, "Service Unavailable").response
        body = b"" if scope["method"] == "HEAD" else response.body
        headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
        if response.status not in BODILESS:
            headers.append((b"content-length", str(len(response.body)).encode()))
        start = {"type": "http.response.start", "status": response.status, "headers": headers}
        with contextlib.suppress(OSError):  # the client may be gone
            await send(start)
            await send({"type": "http.response.body", "body": body})
        log_request(scope, response, (time.monotonic() - started) * 1000, len(body))

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        check_request(scope, self._prefix)
        event = proxy_event(scope, await read_body(scope, receive), self._stage, self._prefix)
        if len(to_json(event)) > LAMBDA_BYTES:
            raise GatewayError(413, "Request Too Long")
        context = LambdaContext(str(uuid4()), time.monotonic() + INTEGRATION_SECONDS)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(INTEGRATION_SECONDS):
                return await loop.run_in_executor(self._environment, self._invoke, event, context)
        except TimeoutError:
            raise GatewayError(504, "Endpoint request timed out") from None

    def _invoke(self, event: dict[str, Any], context: LambdaContext) -> Response:
        self.busy = True
        try:
            return to_response(self._handler(event, context))
        except GatewayError:
            raise
        except BaseException as error:  # noqa: BLE001 - SystemExit, too, ends only the invocation
            place = traceback.extract_tb(error.__traceback__, limit=-1)[0]
            where = f"{Path(place.filename).name}:{place.lineno}"
            raise bad_gateway(f"{type(error).__name__} in the handler, {where}") from None
        finally:
            self.busy = False


def check_request(scope: Scope, prefix: str) -> None:
    """Refuse what API Gateway refuses before it reads a body."""
    path = path_of(scope)
    line = len(scope["method"]) + len(path) + len(scope["query_string"])
    if line + sum(len(value) for _, value in scope["headers"]) > HEADER_BYTES:
        raise GatewayError(431, f"Request line and header values exceeded {HEADER_BYTES} bytes.")
    if scope["method"] not in METHODS or not f"{path}/".startswith(f"{prefix}/"):
        raise GatewayError(403, "Missing Authentication Token")


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """Read the body, holding no more of it than API Gateway takes."""
    too_long = GatewayError(413, f"HTTP content length exceeded {REQUEST_BYTES} bytes.")
    declared = dict(scope["headers"]).get(b"content-length", b"").lstrip(b"0")
    limit = str(REQUEST_BYTES).encode()
    if (len(declared), declared) > (len(limit), limit):  # int() refuses thousands of digits
        raise too_long
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise GatewayError(400, "Bad Request", "the client left before its body was whole")
        if len(body) + len(message.get("body", b"")) > REQUEST_BYTES:
            raise too_long
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


def path_of(scope: Scope) -> str:
    """The path as it was sent, percent-encoded, in printable ASCII."""
    return quote(scope.get("raw_path") or quote(scope["path"]), safe=PRINTABLE)


def proxy_event(scope: Scope, body: bytes, stage: str, prefix: str) -> dict[str, Any]:
    """The event of a request. A REST API decodes the query but leaves the path as it was sent."""
    requested = path_of(scope)
    path = "/" + requested.removeprefix(prefix).lstrip("/") if prefix else requested
    proxy = path.strip("/")  # the root is a resource of its own: "/{proxy+}" does not match it
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    headers = grouped(pair for pair in pairs if not DROPPED.fullmatch(pair[0]))
    query = grouped(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    text, encoded = body_members(body, binary="content-encoding" in headers)
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


def say(line: str) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # closed: costs no answer
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def log_request(scope: Scope, response: Response, milliseconds: float, size: int) -> None:
    """One line a request; of the client's text only the method and the path, made harmless."""
    path = path_of(scope)
    path = path if len(path) <= PATH_CHARS else f"{path[: PATH_CHARS - 3]}..."
    method = scope["method"] if scope["method"] in METHODS else "?"
    colour = {2: 32, 3: 36, 4: 33}.get(response.status // 100, 31)
    status = f"{response.status}"
    if sys.stderr.isatty() and not os.environ.get("NO_COLOR"):
        status = f"\033[{colour}m{status}\033[0m"
    clock = datetime.now().astimezone().strftime("%H:%M:%S")
    line = f"{clock}  {f'{method} {path}':<24}  {status}  {milliseconds:8.1f} ms  {size:>9,} B"
    say(f"{line}  {response.reason}".rstrip())


class StartError(Exception):
    """The server cannot start; the message says why, and the mend."""


def listen(host: str, port: str) -> socket.socket:
    """Bind and listen: from here on connections are taken.

    Raises:
        StartError: The port is invalid, taken, or not ours to take; or there is no such host.
    """
    if not (port.isdecimal() and len(port) <= 5 and int(port) < 2**16):  # noqa: PLR2004 - digits
        raise StartError(f"port {port!r} is not a number from 0 to 65535: make serve PORT=8000")
    another = f"make serve PORT={min(max(int(port), 7999) + 1, 65534)}"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, int(port)), family=family)
    except OSError as error:
        why, _, _ = str(error.strerror).partition(" (while")
        mends = {
            errno.EADDRINUSE: f"is taken by another program: stop it, or choose another: {another}",
            errno.EACCES: f"is for administrators only: choose one from 1024 up: {another}",
        }
        reason = f"cannot listen on {host!r}, port {port}: {why}"
        if error.errno in mends:
            reason = f"port {port} {mends[error.errno]}"
        raise StartError(reason) from None


def banner(listener: socket.socket, prefix: str) -> str:
    host, port = listener.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = "localhost"
    url = f"http://[{host}]:{port}{prefix}" if ":" in host else f"http://{host}:{port}{prefix}"
    body = '{"text":"The goalie made 35 saves and the Bruins won in overtime"}'
    return (
        f"Serving on {url}\n\n"
        f"  curl -d '{body}' -H 'content-type: application/json' {url}/predict\n\n"
        f"  docs: {url}/docs\n  Ctrl-C stops it\n"
    )


def run(listener: socket.socket, prefix: str) -> None:
    """Serve until SIGINT or SIGTERM ends it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    from serving.app.handler import lambda_handler  # noqa: PLC0415 - loads the model

    gateway = Gateway(lambda_handler, prefix=prefix)
    config = uvicorn.Config(
        gateway,
        http="h11",
        ws="none",
        lifespan="on",
        workers=1,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=64 * 1024,
    )
    say(banner(listener, prefix))
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:  # uvicorn ends in order, then raises the signal once more
        if gateway.busy:  # the interpreter would wait for a handler that may never return
            say("\nstopped")
            sys.stdout.flush()
            os._exit(0)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve `lambda_handler`: 0 when a signal ended it, 1 when it could not start."""
    parser = argparse.ArgumentParser(prog="python -m serving.app.gateway")
    # PORT is how process managers (Heroku's, foreman) hand a port to a web process.
    parser.add_argument("--port", default=os.environ.get("PORT") or "8000")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--stage-prefix", default="", help="as behind an execute-api URL: /prod")
    options = parser.parse_args(argv)
    stage = options.stage_prefix.strip("/")
    try:
        with listen(options.host, options.port) as listener:
            run(listener, f"/{stage}" if stage else "")
    except (StartError, SettingsError) as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:  # before uvicorn listened to signals
        pass
    say("\nstopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""An ASGI application in the place of API Gateway: proxy events to `lambda_handler` and back.

Limits and their answers are those of API Gateway ("Quotas for configuring and running a REST
API", "Gateway response types") in front of one Lambda environment.
"""

import asyncio
import contextlib
import os
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from serving.app.limits import LAMBDA_BYTES
from serving.hosts.proxy import (
    BODILESS,
    GatewayError,
    Response,
    Scope,
    bad_gateway,
    path_of,
    proxy_event,
    to_json,
    to_response,
)
from serving.hosts.upload import Receive, Upload

HEADER_BYTES = 10 * 1024  # API Gateway, "Total combined size of request line and header values"
INTEGRATION_SECONDS = 29.0  # API Gateway, "Integration timeout"
PATH_CHARS = 80

METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}  # "ANY"

type Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
type Send = Callable[[dict[str, Any]], Awaitable[None]]


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


class Overdue(BaseException):
    """An answer takes too long: raised into the handler, and no `Exception` that it would take."""


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
        upload = self.make_upload(scope, receive)
        try:
            response = await self._respond(scope, upload)
        except GatewayError as error:
            response = error.response
        except asyncio.CancelledError:  # the server stops and has waited long enough
            response = GatewayError(503, "Service Unavailable").response
        early = upload.is_coming
        size = await send_response(send, scope["method"], response, more=early)
        self.log(scope, response, (time.monotonic() - started) * 1000, size)
        if early:
            await upload.discard()
            await send({"type": "http.response.body"})

    def make_upload(self, scope: Scope, receive: Receive) -> Upload:
        return Upload(scope["headers"], receive)

    def log(self, scope: Scope, response: Response, milliseconds: float, size: int) -> None:
        log_request(scope, response, milliseconds, size)

    async def _respond(self, scope: Scope, upload: Upload) -> Response:
        check_request(scope, self._prefix)
        event = proxy_event(scope, await upload.read(), self._stage, self._prefix)
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
        except (GatewayError, Overdue):
            raise
        except BaseException as error:  # noqa: BLE001 - SystemExit, too, ends only the invocation
            place = traceback.extract_tb(error.__traceback__, limit=-1)[0]
            where = f"{Path(place.filename).name}:{place.lineno}"
            raise bad_gateway(f"{type(error).__name__} in the handler, {where}") from None
        finally:
            self.busy = False


async def send_response(send: Send, method: str, response: Response, *, more: bool) -> int:
    """Send all of an answer, and say how many bytes its body had.

    Args:
        send: ASGI's.
        method: The request's.
        response: The answer.
        more: Whether it goes out while the request still comes in: the connection ends with it.
    """
    body = b"" if method == "HEAD" else response.body
    headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
    # Of a body that the handler left out, nobody knows the length (RFC 9110, 8.6).
    if response.status not in BODILESS and (response.body or method != "HEAD"):
        headers.append((b"content-length", str(len(response.body)).encode()))
    if more:
        headers.append((b"connection", b"close"))
    with contextlib.suppress(OSError):  # the client may be gone
        start = {"type": "http.response.start", "status": response.status, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": body, "more_body": more})
    return len(body)


def check_request(scope: Scope, prefix: str) -> None:
    """Refuse what API Gateway refuses before it reads a body."""
    path = path_of(scope)
    line = len(scope["method"]) + len(path) + len(scope["query_string"])
    if line + sum(len(value) for _, value in scope["headers"]) > HEADER_BYTES:
        raise GatewayError(431, f"Request line and header values exceeded {HEADER_BYTES} bytes.")
    if scope["method"] not in METHODS or not f"{path}/".startswith(f"{prefix}/"):
        raise GatewayError(403, "Missing Authentication Token")


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

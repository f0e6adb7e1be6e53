"""The application of a worker of the web process: the handler, called in the event loop."""

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from uuid import uuid4

from serving.hosts.gateway import Gateway, Handler, LambdaContext, Overdue, check_request
from serving.hosts.proxy import GatewayError, Response, Scope, proxy_event
from serving.hosts.upload import Receive, Room, Upload

ANSWER_SECONDS = 29.0  # as behind API Gateway
HELD_BYTES = 64 * 1024**2  # of bodies that are still coming in, in one worker
PREFIX = re.compile(r"(/[\w.~-]{1,128}){0,8}", re.ASCII)  # as the docs page takes one


class Web(Gateway):
    """The gateway of a worker.

    A thread for the handler would cost each request a third more, and while it runs nothing else
    could be answered anyway: Powertools keeps a request's context in its module.

    Args:
        handler: What Lambda would call.
        trust: Whether a proxy is in front that sets `X-Forwarded-Prefix`, whatever a client sent.

    Attributes:
        draining: Whether the worker was told to stop: each answer ends its connection then.
    """

    def __init__(self, handler: Handler, *, trust: bool = False) -> None:
        super().__init__(handler, stage="web")
        self.draining = False
        self._trust = trust
        self._room = Room(HELD_BYTES)

    def make_upload(self, scope: Scope, receive: Receive) -> Upload:
        return Upload(scope["headers"], receive, self._room)

    def log(self, *_: object) -> None:
        """Log nothing: each request has its EMF document."""

    async def _respond(self, scope: Scope, upload: Upload) -> Response:
        check_request(scope, "")
        event = proxy_event(scope, await upload.read(), self._stage, "")
        if self._trust:
            event["requestContext"]["path"] = f"{read_prefix(scope)}{event['path']}"
        context = LambdaContext(str(uuid4()), time.monotonic() + ANSWER_SECONDS)
        try:
            with deadline(ANSWER_SECONDS):
                response = self._invoke(event, context)
        except Overdue:
            # What it has left behind is not known: another worker is to take this one's place.
            os.kill(os.getpid(), signal.SIGTERM)
            raise GatewayError(504, "Endpoint request timed out") from None
        if self.draining:
            response.headers.append(("connection", "close"))
        return response


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise `Overdue` in what takes longer. For the main thread alone, and one at a time."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def end_overdue(_number: int, _frame: FrameType | None) -> None:
    """What SIGALRM calls in a worker."""
    raise Overdue


def read_prefix(scope: Scope) -> str:
    """What a proxy has taken off the path; "" where it names nothing that could be a prefix."""
    values = [value for name, value in scope["headers"] if name == b"x-forwarded-prefix"]
    prefix = b"".join(values[-1:]).decode("latin-1").rstrip("/")
    return prefix if PREFIX.fullmatch(prefix) else ""

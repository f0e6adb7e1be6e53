"""The body of a request: read up to API Gateway's limit, in bounded time; the rest is discarded."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from serving.hosts.proxy import GatewayError

REQUEST_BYTES = 10 * 1024 * 1024  # API Gateway, "Payload size"
UPLOAD_SECONDS = 60.0  # for all of a body, what is discarded included: 10 MB at 1.4 Mbit/s

type Receive = Callable[[], Awaitable[dict[str, Any]]]


class Room:
    """What the bodies that one process takes at once may hold together, in bytes."""

    def __init__(self, size: int) -> None:
        self._free = size

    def take(self, size: int) -> None:
        """Take some, or give it back where `size` is negative.

        Raises:
            GatewayError: 503, there is not so much left.
        """
        if size > self._free:
            raise GatewayError(503, "Service Unavailable", "too many bodies at once")
        self._free -= size


class Upload:
    """What follows the headers of a request.

    Args:
        headers: As in an ASGI scope.
        receive: ASGI's.
        room: What it shares with others; where there is none, its own limit is all that holds.
    """

    def __init__(
        self, headers: list[tuple[bytes, bytes]], receive: Receive, room: Room | None = None
    ) -> None:
        self._room = room or Room(REQUEST_BYTES)
        fields = dict(headers)
        self._declared = fields.get(b"content-length", b"").lstrip(b"0")
        self._receive = receive
        # RFC 9112, 6.3: one of these two says that there is a body.
        self._announced = bool(self._declared) or b"transfer-encoding" in fields
        self._deadline = asyncio.get_running_loop().time() + UPLOAD_SECONDS
        self._ended = False

    @property
    def is_coming(self) -> bool:
        """Whether the client has not sent all yet."""
        return self._announced and not self._ended

    async def read(self) -> bytes:
        """The whole body; no more of it is held than API Gateway takes.

        Raises:
            GatewayError: 413, it is larger; 408, it took too long; 400, it ended too early; 503,
                too much is held already.
        """
        too_long = GatewayError(413, f"HTTP content length exceeded {REQUEST_BYTES} bytes.")
        limit = str(REQUEST_BYTES).encode()
        # int() refuses thousands of digits.
        if (len(self._declared), self._declared) > (len(limit), limit):
            raise too_long
        body = bytearray()
        try:
            async with asyncio.timeout_at(self._deadline):
                while not self._ended:
                    chunk = await self._next()
                    if len(body) + len(chunk) > REQUEST_BYTES:
                        raise too_long
                    self._room.take(len(chunk))
                    body += chunk
        except TimeoutError:
            raise GatewayError(408, "Request Timeout", "its body did not arrive in time") from None
        finally:
            self._room.take(-len(body))
        return bytes(body)

    async def discard(self) -> None:
        """Take what still comes, until it ends or the time is over.

        Many clients (http.client, urllib) read no answer before they have sent all, and a
        connection that is closed with bytes unread is reset: the answer would be lost.
        """
        # Cancelled when the server stops.
        with contextlib.suppress(TimeoutError, GatewayError, asyncio.CancelledError):
            async with asyncio.timeout_at(self._deadline):
                while not self._ended:
                    await self._next()

    async def _next(self) -> bytes:
        message = await self._receive()
        self._ended = not message.get("more_body", False)
        if message["type"] == "http.disconnect":
            raise GatewayError(400, "Bad Request", "the client left before its body was whole")
        chunk: bytes = message.get("body", b"")
        return chunk

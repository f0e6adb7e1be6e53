"""A connection of `make serve`: uvicorn's, made for clients that are slow, odd or only half there.

What is no HTTP request never reaches the gateway, and is answered with a problem document of the
type `about:blank` (RFC 9457, 4.2.1).
"""

import asyncio
import json
import sys
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from serving.app.http.problems import PROBLEM_JSON
from serving.hosts.gateway import log_request
from serving.hosts.proxy import Response

MAX_CONNECTIONS = 256  # each may hold a request of 10 MB
HEADERS_SECONDS = 30.0  # for a request's line and headers
LINGER_SECONDS = 5.0  # for a client to read why it is refused
INCOMPLETE_BYTES = 64 * 1024  # of a line and headers; API Gateway's own limit is in gateway.py
UNREADABLE = {
    431: f"Request line and headers exceeded {INCOMPLETE_BYTES} bytes.",
    501: "No transfer coding but chunked is taken.",
}
NO_REQUEST = {"type": "http", "method": "", "path": "-"}  # for the log


class Connection(H11Protocol):
    """One client's connection. uvicorn calls these methods, most of them for asyncio."""

    _timer: asyncio.TimerHandle | None = None
    _half_closed = False
    _lingering = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._allow(HEADERS_SECONDS)
        if len(self.connections) > MAX_CONNECTIONS:
            self._refuse(503, f"There are {MAX_CONNECTIONS} connections already.")

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._lingering:
            super().data_received(data)
            self._time_headers()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep open what a client has closed for its part: it may wait for answers."""
        self._half_closed = True
        if self._owes_answer():
            return True
        self._end()
        return False

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's, the same for all
        """Answer what h11 could not read, while its error is handled."""
        error = sys.exception()
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        self._refuse(status, UNREADABLE.get(status, "This is no request of HTTP/1.1."))

    def on_response_complete(self) -> None:
        super().on_response_complete()  # turns to the next request, if it is there
        if self._half_closed and not self._owes_answer():
            self._end()
        if self.transport.is_closing():
            self._allow(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self.transport.abort()  # an answer that was not read by now

    def _owes_answer(self) -> bool:
        answering = self.conn.our_state in (h11.SEND_RESPONSE, h11.SEND_BODY)
        return answering and self.conn.their_state is not h11.SEND_BODY

    def _end(self) -> None:
        is_cut_off = self.conn.their_state is h11.SEND_BODY or self.conn.trailing_data[0]
        if is_cut_off and not self._lingering:
            self.conn.receive_data(b"")
            self.handle_events()  # sees it, and answers
        self.transport.close()

    def _time_headers(self) -> None:
        if self._lingering:
            return
        if self.conn.their_state is not h11.IDLE:
            self._stop_timer()
        elif self._timer is None:
            self._allow(HEADERS_SECONDS)

    def _allow(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, self._time_out)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _time_out(self) -> None:
        if self.conn.trailing_data[0] and not self._lingering:
            self._refuse(408, f"The headers took more than {HEADERS_SECONDS:.0f} s.")
        else:
            self.transport.abort()

    def _refuse(self, status: int, detail: str) -> None:
        """Answer, where nothing else has been, and close when the client has had time to read."""
        response = to_problem(status, detail)
        if self.conn.our_state is h11.IDLE:  # else the gateway logs the request
            log_request(NO_REQUEST, response, 0, len(response.body))
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            for event in to_events(response):
                self.transport.write(self.conn.send(event) or b"")
        if self.cycle is not None:  # may wait for more of the request, and must not answer any more
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        # To close at once with bytes unread would be a reset, which takes the answer along.
        self._lingering = True
        self.transport.write_eof()
        self.flow.resume_reading()
        self._allow(LINGER_SECONDS)


def to_problem(status: int, detail: str) -> Response:
    document = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    body = json.dumps(document | {"detail": detail}).encode()
    return Response(status, [("content-type", PROBLEM_JSON)], body)


def to_events(response: Response) -> list[Any]:
    """The last answer of a connection, as h11 sends it."""
    own = [("content-length", str(len(response.body))), ("connection", "close")]
    head = h11.Response(
        status_code=response.status,
        reason=HTTPStatus(response.status).phrase,
        headers=[*response.headers, *own],
    )
    return [head, h11.Data(data=response.body), h11.EndOfMessage()]

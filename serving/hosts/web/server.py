"""A worker's server: uvicorn's, which stops without losing a request that a client has sent."""

import asyncio
import os
import signal
import socket
import sys
from contextlib import suppress
from types import FrameType
from typing import Any

import uvicorn

from serving.hosts.connection import INCOMPLETE_BYTES, Connection
from serving.hosts.serve import KEEP_ALIVE_SECONDS
from serving.hosts.web.app import Web, end_overdue

DRAIN_SECONDS = 8  # for requests under way at a stop: platforms grant 10 s before they kill
LAST_SECONDS = 1.0  # for a client that keeps its connection to send one more request, and be told


class LastingConnection(Connection):
    """A connection that a stop does not close under a client that is about to ask.

    Who keeps a connection learns from an answer that it ends (RFC 9112, 9.6). Who sends nothing for
    `LAST_SECONDS` is closed then.
    """

    def shutdown(self) -> None:
        if bool(self.cycle) and not self.cycle.response_complete:
            super().shutdown()
        else:
            self.loop.call_later(LAST_SECONDS, super().shutdown)


class LastingServer(uvicorn.Server):
    """Serves until it is told to stop, or the process that started it is gone.

    Args:
        app: What answers.
        parent: The process id of who started it.
    """

    def __init__(self, app: Web, parent: int) -> None:
        super().__init__(configure(app))
        self._app, self._parent = app, parent

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._app.draining = True
        super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        if os.getppid() != self._parent:
            self._app.draining = self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop, but first take those who have connected and wait to be accepted.

        uvicorn closes the listener under them: the kernel would reset them, and asyncio those whom
        it has accepted and not yet given to their protocol.
        """
        loop = asyncio.get_running_loop()
        for listener in sockets or []:
            loop.remove_reader(listener)
        for _ in range(2):  # until those whom asyncio has accepted have their protocol
            await asyncio.sleep(0)
        waiting = [one for listener in sockets or [] for one in accept_all(listener)]
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for one in waiting:
            with suppress(OSError):  # it has left meanwhile
                await loop.connect_accepted_socket(self._make_protocol, one)
        await super().shutdown(sockets)

    def _make_protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol


def accept_all(listener: socket.socket) -> list[socket.socket]:
    """Those who wait to be accepted at a listener that does not block."""
    found = []
    with suppress(OSError):  # BlockingIOError: there is none any more
        while True:
            found.append(listener.accept()[0])
            found[-1].setblocking(False)  # noqa: FBT003 - its own
    return found


def configure(app: Web) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=LastingConnection,
        ws="none",
        lifespan="on",
        log_level="error",  # what it warns of is the client's, and answered
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        h11_max_incomplete_event_size=INCOMPLETE_BYTES,
    )


def work(app: Web, listener: socket.socket, parent: int) -> None:
    """Serve in this process until a signal ends it, or `parent` has ended."""
    # A line is written before its answer, in one piece: a kill takes none along, workers mix none.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    signal.signal(signal.SIGALRM, end_overdue)
    LastingServer(app, parent).run(sockets=[listener])

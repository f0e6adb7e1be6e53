"""A worker's server: uvicorn's, which stops without losing a request that a client has sent."""

import asyncio
import ctypes
import os
import signal
import socket
import struct
import sys
from contextlib import suppress
from types import FrameType
from typing import Any

import uvicorn

from serving.hosts.connection import Connection
from serving.hosts.serve import configure
from serving.hosts.web.app import Web, end_overdue

DRAIN_SECONDS = 8  # for requests under way at a stop: platforms grant 10 s before they kill
SO_ATTACH_FILTER = 26  # <asm-generic/socket.h>; Python's socket has no name for it
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
        super().__init__(configure(app, LastingConnection, DRAIN_SECONDS))
        self._app, self._parent = app, parent

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig != signal.SIGINT:  # a terminal's, to all: the supervisor has it, and sends SIGTERM
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


def end_listening(listener: socket.socket) -> None:
    """Let nobody connect any more, and close the listener for this process.

    Those who have connected are left to whoever has the listener, too. Without the filter some
    would come between the last that is accepted and the close, which resets them; with it the
    kernel drops who comes, and refuses them once the last one has closed. Linux alone has filters
    (socket(7), SO_ATTACH_FILTER; struct sock_fprog of <linux/filter.h>).
    """
    if sys.platform == "linux":
        drop = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF_RET, 0 bytes
        program = struct.pack("HP", 1, ctypes.addressof(drop))
        with suppress(OSError):  # a sandbox that has none
            listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    listener.close()


def accept_all(listener: socket.socket) -> list[socket.socket]:
    """Those who wait to be accepted at a listener that does not block."""
    found = []
    with suppress(OSError):  # BlockingIOError: there is none any more
        while True:
            found.append(listener.accept()[0])
            found[-1].setblocking(False)  # noqa: FBT003 - its own
    return found


def work(app: Web, listener: socket.socket, parent: int) -> None:
    """Serve in this process until a signal ends it, or `parent` has ended."""
    # A line is written before its answer, in one piece: a kill takes none along, workers mix none.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    signal.signal(signal.SIGALRM, end_overdue)
    LastingServer(app, parent).run(sockets=[listener])

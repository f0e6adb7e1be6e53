"""Lambda's Runtime API on loopback, with the real awslambdaric as its client.

The protocol is the one of AWS's documentation ("Using the Lambda runtime API"). One thread and
bare sockets, so that what is timed is the client.
"""

import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

ROOT = Path(__file__).parents[1]
DEADLINE_MS = 60_000
PATIENCE = 120.0  # seconds: a quarter of a processor, and a slow disk
ARN = "arn:aws:lambda:eu-west-1:000000000000:function:quickthaw"
# Lambda sends one with each event, whether X-Ray is on or not; here it is not.
TRACE = "Root=1-6743a1b2-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=0"


class Invocation(NamedTuple):
    """What came of an event.

    Attributes:
        kind: "response" or "error"; "init" where the handler's module could not be imported.
        body: What was posted, as bytes.
        seconds: From sending the event to receiving all of what was posted.
    """

    kind: str
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class RuntimeDied(Exception):
    """The runtime's process ended."""


class Runtime:
    """An execution environment: awslambdaric in a process of its own.

    Args:
        handler: "module.function", from the repository's root.
        environ: Its environment variables, added to this process's PATH alone.
        python: Arguments of the interpreter, such as -X importtime.
        interpreter: The interpreter itself, and what starts it.
        root: The folder that the handler's module is in, if not the repository's root.
    """

    def __init__(
        self,
        handler: str,
        environ: Mapping[str, str] | None = None,
        python: tuple[str, ...] = (),
        interpreter: Sequence[str | Path] = (sys.executable,),
        root: Path = ROOT,
    ) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        host, port = self._listener.getsockname()
        self._connections: dict[socket.socket, bytearray] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._count = 0
        # Files, for a pipe that nobody reads stops its writer.
        self._streams = [tempfile.TemporaryFile("a+b") for _ in range(2)]  # noqa: SIM115 - stop()
        self._places = [0, 0]
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [*interpreter, *python, "-m", "awslambdaric", handler],
            cwd=root,
            env={
                "PATH": os.environ["PATH"],
                "AWS_LAMBDA_RUNTIME_API": f"{host}:{port}",
                "AWS_LAMBDA_FUNCTION_NAME": "quickthaw",
                **(environ or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=self._streams[0],
            stderr=self._streams[1],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def invoke(self, event: Any) -> Invocation:
        """Send an event, when the runtime asks for one, and wait for what it posts.

        Args:
            event: What JSON can hold, or bytes that are sent as they are.

        Raises:
            RuntimeDied: The process ended instead.
        """
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()
        connection, path, body = self._receive()
        if path.endswith("/init/error"):
            self._send(connection, 202, b"{}")
            return Invocation("init", body, 0.0)
        self._count += 1
        start = time.perf_counter()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": f"request-{self._count}",
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + DEADLINE_MS),
            "Lambda-Runtime-Invoked-Function-Arn": ARN,
            "Lambda-Runtime-Trace-Id": TRACE,
            "Content-Type": "application/json",
        }
        self._send(connection, 200, payload, headers)
        connection, path, body = self._receive()
        seconds = time.perf_counter() - start
        self._send(connection, 202, b"{}")
        return Invocation(path.rsplit("/", 1)[1], body, seconds)

    def wait(self) -> None:
        """Wait until the runtime asks for an event, which it then does not get."""
        self._receive()

    def output(self) -> tuple[bytes, bytes]:
        """What the process has written to standard output and standard error since last asked."""
        found = []
        for index, stream in enumerate(self._streams):
            stream.seek(self._places[index])
            found.append(stream.read())
            self._places[index] += len(found[-1])
        return found[0], found[1]

    def stop(self) -> int:
        """End the process.

        Returns:
            The most memory that it had, in bytes; 0 where that cannot be told.
        """
        peak = 0
        if self.process.returncode is None:
            peak = read_peak(self.process.pid)
            self.process.kill()
            self.process.wait()
        self._selector.close()
        for connection in (self._listener, *self._connections):
            connection.close()
        for stream in self._streams:
            stream.close()
        return peak

    def _receive(self) -> tuple[socket.socket, str, bytes]:
        """The next whole request: where it came from, its path, its body."""
        until = time.monotonic() + PATIENCE
        while True:
            ready = self._selector.select(0.5)
            for key, _ in ready:
                one: Any = key.fileobj
                if one is self._listener:
                    accepted, _ = one.accept()
                    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._connections[accepted] = bytearray()
                    self._selector.register(accepted, selectors.EVENT_READ)
                elif found := self._read(one):
                    return one, *found
            if not ready and (self.process.poll() is not None or time.monotonic() > until):
                raise RuntimeDied(self.output()[1].decode(errors="replace")[-2000:])

    def _read(self, connection: socket.socket) -> tuple[str, bytes] | None:
        received = self._connections[connection]
        try:
            data = connection.recv(1 << 20)
        except ConnectionError:  # the process ended with bytes unread
            data = b""
        if not data:
            del self._connections[connection]
            self._selector.unregister(connection)
            connection.close()
            return None
        received += data
        head, separator, body = bytes(received).partition(b"\r\n\r\n")
        if not separator:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        if "100-continue" in headers.get("expect", "") and not body:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if headers.get("transfer-encoding") == "chunked":
            if not body.endswith(b"0\r\n\r\n"):
                return None
            body = _join_chunks(body)
        elif len(body) < int(headers.get("content-length", 0)):
            return None
        received.clear()
        return first.split(" ")[1], body

    @staticmethod
    def _send(
        connection: socket.socket,
        status: int,
        body: bytes,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        lines = [f"HTTP/1.1 {status} OK", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)


def read_peak(pid: int) -> int:
    """The most memory that a process had resident, in bytes; 0 without Linux's /proc."""
    return read_memory(pid, "VmHWM:")


def read_memory(pid: int, member: str = "VmRSS:") -> int:
    """The memory that a process has resident, in bytes; 0 without Linux's /proc."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    _, found, rest = status.partition(member)  # a process that has ended has none
    return int(rest.split()[0]) * 1024 if found else 0


def _join_chunks(data: bytes) -> bytes:
    body = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        if not int(size, 16):
            return body
        body, data = body + data[: int(size, 16)], data[int(size, 16) + 2 :]

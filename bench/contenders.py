"""Those that are measured, each as a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from bench.environment import Place, copy_app, copy_plain, has_kernel, make_environment, merge
from bench.footprint import BASE_IMAGE, FULL_APP, list_stack
from bench.inputs import Request
from serving.bundle.manifest import MODEL_NAME, read_manifest
from tools.runtime_api import PATIENCE, Runtime, RuntimeDied
from training.console import StepError

HANDLER = "serving.app.handler.lambda_handler"
NAIVE = "bench.naive.handler"
EMF = {"AWS_EMF_ENVIRONMENT": "Lambda"}  # said, or the library opens sockets to find out


class Failed(Exception):
    """A contender did not answer; the message says what it said instead."""


class Answer(NamedTuple):
    """An answer.

    Attributes:
        seconds: From sending the request to having received all of it.
        at: When that was, in time.perf_counter's seconds.
        value: Its body, parsed.
    """

    seconds: float
    at: float
    value: Any


class Running(Protocol):
    """A contender's process; `started` is when it was, in time.perf_counter's seconds.

    `tell_kernel` says what does the frozen engine's arithmetic, by what the process itself says in
    its metrics: "native" or "python"; None of another engine.
    """

    process: subprocess.Popen[bytes]
    started: float

    def send(self, request: Request) -> Answer: ...

    def tell_kernel(self) -> str | None: ...

    def stop(self) -> object: ...


@dataclass(frozen=True)
class Contender:
    """Who takes part.

    Attributes:
        name: Short, for tables and JSON.
        title: For people who do not know the names.
        start: Starts its process.
        slow: It takes part in some rounds only.
    """

    name: str
    title: str
    start: Callable[[], Running]
    slow: bool = False


class LambdaProcess:
    """A handler in the real awslambdaric."""

    def __init__(self, handler: str, place: Place, environ: Mapping[str, str]) -> None:
        self._runtime = Runtime(
            handler, {**EMF, **environ}, interpreter=(place.python,), root=place.root
        )
        self.process, self.started = self._runtime.process, self._runtime.started

    def send(self, request: Request) -> Answer:
        found = self._runtime.invoke(request.event)
        at = time.perf_counter()
        if found.kind != "response" or found.json.get("statusCode") != 200:  # noqa: PLR2004
            raise Failed(f"{found.kind}: {found.body[:2000].decode(errors='replace')}")
        return Answer(found.seconds, at, json.loads(found.json["body"]))

    def tell_kernel(self) -> str | None:
        return read_kernel(self._runtime.output()[0])

    def stop(self) -> object:
        return self._runtime.stop()


class WebProcess:
    """A web server, asked over one connection that is kept alive."""

    def __init__(self, place: Place, model: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._connection = socket.create_connection(listener.getsockname(), PATIENCE)
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
            self.started = time.perf_counter()
            self.process = subprocess.Popen(
                [place.python, "-m", "bench.fastapi_app", str(listener.fileno())],
                cwd=place.root,
                env={**kept, "MODEL_PATH": model},
                pass_fds=[listener.fileno()],
                stdin=subprocess.DEVNULL,
            )

    def send(self, request: Request) -> Answer:
        head = (
            f"POST {request.path} HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(request.body)}\r\n\r\n"
        )
        start = time.perf_counter()
        self._connection.sendall(head.encode() + request.body)
        status, body = self._receive()
        at = time.perf_counter()
        if status != b"200":
            raise Failed(f"HTTP {status.decode()}: {body[:2000].decode(errors='replace')}")
        return Answer(at - start, at, json.loads(body))

    def _receive(self) -> tuple[bytes, bytes]:
        data = b""
        while True:
            head, separator, body = data.partition(b"\r\n\r\n")
            if separator:
                length = head.lower().partition(b"content-length:")[2].split()[0]
                if len(body) >= int(length):
                    return head.split()[1], body
            received = self._connection.recv(1 << 20)
            if not received:
                raise Failed("the server closed the connection")
            data += received

    def tell_kernel(self) -> str | None:
        return None

    def stop(self) -> object:
        self._connection.close()
        self.process.kill()
        return self.process.wait()


@contextmanager
def measuring() -> Iterator[None]:
    """Contenders are started within.

    Raises:
        StepError: One of them does not answer.
    """
    # So that the processes that were started, one of them perhaps stopped, are ended here, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    except (Failed, RuntimeDied, ConnectionError, TimeoutError) as error:
        raise StepError(f"a contender does not answer: {error}") from None


def read_kernel(output: bytes) -> str | None:
    """What the last document of metrics says of the frozen engine's arithmetic."""
    documents = [json.loads(line) for line in output.splitlines() if line.startswith(b"{")]
    kernel: str | None = documents[-1].get("kernel") if documents else None
    return kernel


def on_lambda(
    name: str, title: str, handler: str, place: Place, *, slow: bool = False, **env: str
) -> Contender:
    return Contender(name, title, lambda: LambdaProcess(handler, place, env), slow)


class Places(NamedTuple):
    """Where the contenders run, all of them without the .pth files of a developer's environment.

    Attributes:
        plain: What is no part of the service, and what scikit-learn serves: without the kernel, by
            which pictures would be read.
        frozen: A copy of what the image of a frozen model holds, with the kernel if it was built.
        pure: The same without the kernel; None where the other one has none.
    """

    plain: Place
    frozen: Place
    pure: Place | None


def find_places(folder: Path, bundle: Path) -> Places:
    """Make the environment of a bundle's kind of input, and the copies of the app, in a folder."""
    kind = read_manifest(bundle).input["kind"]
    web = ("fastapi", "uvicorn") if find_spec("fastapi") else ()
    packages = (*BASE_IMAGE, *FULL_APP, *list_stack(kind), *web)
    python = make_environment(folder / "environment", packages)
    plain = Place(python, copy_plain(folder / "plain"))
    pure = Place(python, copy_app(folder / "pure", kernel=False))
    merge(pure.root, python, bundle)
    if not has_kernel():
        return Places(plain, pure, None)
    native = Place(python, copy_app(folder / "native", kernel=True))
    merge(native.root, python, bundle)
    return Places(plain, native, pure)


def enter_quick(frozen: Path, places: Places) -> list[Contender]:
    """The empty handler, and the frozen model of a bundle."""
    bundle = str(frozen)
    return [
        on_lambda("empty", "Empty handler", "bench.empty.handler", places.plain),
        on_lambda("frozen", "Quickthaw, frozen", HANDLER, places.frozen, QUICKTHAW_BUNDLE=bundle),
    ]


def enter(frozen: Path, sklearn: Path, places: Places) -> list[Contender]:
    """Everyone who can take part here, with the bundles of the same model for both engines."""
    model = str(frozen / MODEL_NAME)
    everyone = enter_quick(frozen, places)
    if places.pure:
        title = "Quickthaw, frozen, without the kernel"
        pure = on_lambda(
            "frozen, python", title, HANDLER, places.pure, QUICKTHAW_BUNDLE=str(frozen)
        )
        everyone.append(pure)
    everyone += [
        on_lambda(
            *("sklearn", "Quickthaw, sklearn engine", HANDLER, places.plain),
            slow=True,
            QUICKTHAW_BUNDLE=str(sklearn),
        ),
        on_lambda(
            *("naive", "scikit-learn, the plain way", NAIVE, places.plain),
            slow=True,
            MODEL_PATH=model,
        ),
    ]
    if find_spec("fastapi"):
        server = Contender(
            "fastapi", "FastAPI server", lambda: WebProcess(places.plain, model), slow=True
        )
        everyone.append(server)
    return everyone

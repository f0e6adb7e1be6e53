"""`make serve`: `lambda_handler` behind the gateway, on a port of this machine."""

import argparse
import errno
import ipaddress
import json
import os
import shlex
import signal
import socket
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import uvicorn

from serving.app.errors import SettingsError
from serving.app.settings import read_settings
from serving.bundle.errors import ModelError
from serving.bundle.inputs import make_example
from serving.bundle.manifest import read_manifest
from serving.hosts.connection import INCOMPLETE_BYTES, Connection
from serving.hosts.gateway import Gateway, Handler, say

GRACE_SECONDS = 5  # for requests under way at a stop: process managers grant 10 s or more
JSON_TYPE = "-H 'content-type: application/json'"
KEEP_ALIVE_SECONDS = 65  # over a load balancer's 60 s: it must not meet a connection just closed


type Start = Callable[[], AbstractContextManager[Handler]]


class StartError(Exception):
    """The server cannot start; the message says why, and the mend."""


def listen(host: str, port: str, command: str = "make serve") -> socket.socket:
    """Bind and listen: from here on connections are taken. An error names the command anew.

    Raises:
        StartError: The port is invalid, taken, or not ours to take; or there is no such host.
    """
    if not (port.isdecimal() and len(port) <= 5 and int(port) < 2**16):  # noqa: PLR2004 - digits
        raise StartError(f"port {port!r} is not a number from 0 to 65535: {command} PORT=8000")
    another = f"{command} PORT={min(max(int(port), 7999) + 1, 65534)}"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, int(port)), family=family)
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
    # asyncio sets it on sockets that it made itself; without, a client waits 40 ms for the body.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def find_example() -> str:
    """What makes curl post a body of `POST /predict` for the model in the bundle.

    A picture goes into a file in .local, for a line of base64 says nothing to a reader.
    """
    try:
        manifest = read_manifest(read_settings().bundle)
    except ModelError:  # the service answers why; its docs are there
        return f"-d '…' {JSON_TYPE}"
    bodies = [*(one["input"] for one in manifest.golden), make_example(manifest.input)]
    if manifest.input["kind"] == "image":
        path = Path(".local", f"{manifest.name}.png")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b64decode(bodies[0]["image"].rpartition(",")[2]))
        return f"--data-binary @{path} -H 'content-type: image/png'"
    text = json.dumps(bodies[0], ensure_ascii=False, separators=(",", ":"))
    return f"-d {shlex.quote(text)} {JSON_TYPE}"


def banner(listener: socket.socket, prefix: str, example: str) -> str:
    host, port = listener.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = "localhost"
    url = f"http://[{host}]:{port}{prefix}" if ":" in host else f"http://{host}:{port}{prefix}"
    return (
        f"Serving on {url}\n\n"
        f"  curl {example} {url}/predict\n\n"
        f"  in a browser: {url}/\n  docs: {url}/docs\n  Ctrl-C stops it\n"
    )


@contextmanager
def import_handler() -> Iterator[Handler]:
    """The handler of this process."""
    from serving.app.handler import lambda_handler  # noqa: PLC0415 - loads the model

    yield lambda_handler


def run(listener: socket.socket, prefix: str, start: Start) -> None:
    """Serve until SIGINT, SIGTERM or, unless it is ignored (nohup), SIGHUP ends it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    with start() as handler:
        gateway = Gateway(handler, prefix=prefix)
        serve(gateway, listener, prefix)
    if gateway.busy:  # the interpreter would wait for a handler that may never return
        say("\nstopped")
        sys.stdout.flush()
        os._exit(0)


def configure(
    gateway: Gateway, connection: type[Connection] = Connection, grace: int | None = None
) -> uvicorn.Config:
    """Settings of uvicorn. `grace` are the seconds for requests under way at a stop."""
    return uvicorn.Config(
        gateway,
        http=connection,
        ws="none",
        lifespan="on",
        workers=1,
        log_level="error",  # what it warns of is the client's, and answered
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS if grace is None else grace,
        h11_max_incomplete_event_size=INCOMPLETE_BYTES,
    )


def serve(gateway: Gateway, listener: socket.socket, prefix: str) -> None:
    say(banner(listener, prefix, find_example()))
    # uvicorn ends in order, then raises the signal once more.
    with suppress(KeyboardInterrupt):
        uvicorn.Server(configure(gateway)).run(sockets=[listener])


def main(argv: Sequence[str] | None = None, start: Start = import_handler) -> int:
    """Serve a handler: 0 when a signal ended it, 1 when it could not start.

    Args:
        argv: The command line.
        start: What gives the handler, and ends what it needs when the server has stopped.
    """
    parser = argparse.ArgumentParser(prog="python -m serving.hosts.serve")
    # PORT is how process managers (Heroku's, foreman) hand a port to a web process.
    parser.add_argument("--port", default=os.environ.get("PORT") or "8000")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--stage-prefix", default="", help="as behind an execute-api URL: /prod")
    parser.add_argument("--check", action="store_true", help="only see whether the port is free")
    options = parser.parse_args(argv)
    stage = options.stage_prefix.strip("/")
    try:
        with listen(options.host, options.port) as listener:
            if options.check:
                return 0
            run(listener, f"/{stage}" if stage else "", start)
    except (StartError, SettingsError) as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:  # before uvicorn listened to signals
        pass
    say("\nstopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Moto's server for tests that need their own AWS."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen

from moto.server import ThreadedMotoServer


@contextmanager
def serve_moto() -> Iterator[int]:
    """Give the port of an AWS with nothing in it.

    All of moto's servers in a process share what is stored, also one after the other. Without the
    reset, a test would find what a test before it left, or not, by who ran first.
    """
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        reset = Request(f"http://127.0.0.1:{port}/moto-api/reset", method="POST")
        urlopen(reset, timeout=10).close()  # noqa: S310 - loopback
        yield port
    finally:
        server.stop()

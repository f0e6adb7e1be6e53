"""What a load test is aimed at: a server of this machine, a deployed stage, or an address."""

import ipaddress
import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from serving.deployment.stack import Deployment

ADDRESS = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")


class TargetError(Exception):
    """It cannot be aimed at; the message says why, and the mend."""


class Target(NamedTuple):
    """A service.

    Attributes:
        url: What a person calls it.
        address: Where requests go, with a slash at its end: of a local AWS not the same.
        sign: The headers of a request, of its method, address and body.
        limit: Requests a second that its stage lets through, and how many at once.
        start: What starts it, where nothing listens.
    """

    url: str
    address: str
    sign: Callable[[str, str, bytes], dict[str, str]]
    limit: tuple[int, int] | None
    start: str

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine."""
        host = urlsplit(self.address).hostname or ""
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:  # a name, whatever it resolves to
            return False


def find_server(port: str, model: str) -> Target:
    """What listens on a port of this machine: `make serve` or `make image-run`."""
    if not (port.isdecimal() and 0 < int(port) < 2**16):
        raise TargetError(f"port {port!r} is not a number from 1 to 65535: PORT=8000")
    start = f"run 'make serve MODEL={model} PORT={port}' (or image-run) in another terminal"
    return _find(f"http://127.0.0.1:{port}/", start)


def find_address(url: str) -> Target:
    """Any address, of a service that wants no key.

    Raises:
        TargetError: It is none.
    """
    if not ADDRESS.fullmatch(url) or not urlsplit(url).hostname:
        raise TargetError(f"{url!r} is no address: URL=http://host:port, or PORT= of this machine")
    return _find(f"{url.rstrip('/')}/", "start it, or mend URL=")


def _find(url: str, start: str) -> Target:
    return Target(url, url, make_headers, None, start)


def make_headers(_method: str, _url: str, body: bytes) -> dict[str, str]:
    """The headers of a request to a service that wants neither key nor signature."""
    return {"Content-Type": "application/json"} if body else {}


def find_stage(deployment: Deployment) -> Target:
    """A deployed model, found as `make smoke` does: by its stack, with its key or a signature.

    Raises:
        StackError: It is not there.
    """
    # boto3 is not there where nothing is deployed.
    from serving.deployment.commands.smoke import Api  # noqa: PLC0415

    api = Api(deployment)
    rate, burst = api.stage.rate_per_second, api.stage.burst
    limit = (rate, burst) if rate and burst else None  # a function URL has none
    return Target(api.url, api.address, api.make_headers, limit, deployment.make("deploy"))

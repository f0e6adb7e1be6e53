"""ministack, whose tasks of Fargate run as their definitions say, and which answers this machine.

By itself it leaves out a container's entry point, its user and its read-only root, and tells tasks
an address by a name, of which boto3 would make a name for each bucket. On the bridge of Docker's
containers another machine could reach it that sends packets for the bridge here, for Linux takes
what is for any of its addresses; so who calls is looked at, too.
"""

import os
import socket
from functools import lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import ministack.app
from ministack.services import ecs

TASK_ENDPOINT = "QUICKTHAW_TASK_ENDPOINT"  # where tasks find AWS
CALLERS = "QUICKTHAW_LOCAL_CALLERS"  # the network whose addresses are answered, too
TASK_ACCOUNT = "MINISTACK_ACCOUNT_ID"
ANY_ADDRESS = Path("/proc/sys/net/ipv4/ip_nonlocal_bind")
_build = ecs._build_run_kwargs


def build(container: dict[str, Any], *rest: Any) -> dict[str, Any]:
    """What Docker is told of a container, with what ministack leaves out."""
    told: dict[str, Any] = _build(container, *rest)
    told["entrypoint"] = container.get("entryPoint")
    told["user"] = container.get("user")
    told["read_only"] = bool(container.get("readonlyRootFilesystem"))
    told["environment"] |= {
        "AWS_ENDPOINT_URL": os.environ[TASK_ENDPOINT],
        # Its own credentials are at an address that boto3 does not trust.
        "AWS_ACCESS_KEY_ID": os.environ[TASK_ACCOUNT],
        "AWS_SECRET_ACCESS_KEY": "local",
    }
    return told


@lru_cache(maxsize=64)
def is_ours(address: str) -> bool:
    """Whether an address is one of this machine's: it may call itself by any of them.

    Where Linux lets programs take any address (net.ipv4.ip_nonlocal_bind), none is known as one.
    """
    if ANY_ADDRESS.read_text().strip() != "0":
        return False
    with socket.socket() as one:
        try:
            one.bind((address, 0))
        except OSError:
            return False
    return True


def close(app: Any, callers: str) -> Any:
    """An ASGI application that answers this machine, and the addresses of a network, alone."""
    network = ip_network(callers)

    def knows(address: str) -> bool:
        return ip_address(address) in network or is_ours(address)

    async def answer(scope: dict[str, Any], receive: Any, send: Any) -> None:
        client = scope.get("client")
        if scope["type"] == "lifespan" or (client and knows(client[0])):
            await app(scope, receive, send)
        elif scope["type"] == "http":
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            await send({"type": "websocket.close"})

    return answer


if __name__ == "__main__":
    ecs._build_run_kwargs = build
    ministack.app.app = close(ministack.app.app, os.environ[CALLERS])
    try:
        ministack.app.main()
    finally:
        ecs.reset()  # it would leave the containers of tasks

"""A local AWS (ministack) for this machine alone, whose functions run in Docker's containers.

What it ignores or refuses, docs/guides/aws.md lists, and the tests read in the templates instead.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_network
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
ACCOUNT = "000000000000"
REGION = "eu-central-1"
OTHERS = {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"}
LOOPBACK = "127.0.0.1"
PATIENCE = 60  # seconds for it to answer


def list_variables(port: int, host: str = LOOPBACK) -> dict[str, str]:
    """What makes AWS's tools talk to it, and to no other."""
    return {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCOUNT,  # it takes the account from there
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def forget_others() -> None:
    """Drop what would win over these variables: a profile, a session, an endpoint of a service."""
    for name in list(os.environ):
        if name in OTHERS or name.startswith("AWS_ENDPOINT_URL_"):
            del os.environ[name]


def find_port(host: str = LOOPBACK) -> int:
    """A port that is free."""
    with socket.create_server((host, 0)) as listener:
        return int(listener.getsockname()[1])


def find_bridge() -> str:
    """This machine's address in the network of Docker's containers."""
    config = _read_bridge()
    return config.get("Gateway") or str(next(ip_network(config["Subnet"]).hosts()))


def _read_bridge() -> dict[str, str]:
    command = ["docker", "network", "inspect", "bridge"]
    (network,) = json.loads(subprocess.check_output(command))
    config: dict[str, str]
    config, *_ = network["IPAM"]["Config"]  # of IPv4, the first
    return config


def find_callers(host: str) -> str:
    """The network that is answered where it listens at an address."""
    return "127.0.0.0/8" if host == LOOPBACK else _read_bridge()["Subnet"]


def choose_host() -> str:
    """Where it listens: on the bridge, so that containers call it, too; on loopback where Docker
    has no bridge on this machine.
    """
    host = find_bridge()
    try:
        socket.create_server((host, 0)).close()
    except OSError:
        return LOOPBACK
    return host


def start(
    port: int, folder: Path, *, enforce: bool = False, host: str = LOOPBACK
) -> subprocess.Popen[bytes]:
    """Start it, and wait until it answers.

    Args:
        port: Where it listens.
        folder: For its log and its state.
        enforce: Whether it heeds IAM's policies.
        host: Where it listens: on the bridge, containers can call AWS in their turn.

    Raises:
        RuntimeError: It does not answer, or another program has the port.
    """
    check_port(port, host)
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "BIND_HOST": host,
        "GATEWAY_PORT": str(port),
        "LAMBDA_EXECUTOR": "docker",
        "IOT_MTLS_ENABLED": "0",
        # An address, not a name: of that, boto3 would make a name for each bucket.
        "LAMBDA_DOCKER_FLAGS": f"--env AWS_ENDPOINT_URL=http://{host}:{port}",
        "QUICKTHAW_LOCAL_CALLERS": find_callers(host),
        "QUICKTHAW_TASK_ENDPOINT": f"http://{host}:{port}",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "STATE_DIR": str(folder / "state"),
        "AUTH": str(enforce).lower(),
    }
    log = folder / "ministack.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "tools.cloud.ministack"],
            cwd=ROOT,
            env=os.environ | settings,
            stdout=file,
            stderr=file,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        return wait(process, port, log, host)
    except BaseException:
        stop(process.pid)
        raise


@contextmanager
def run(folder: Path, *, enforce: bool = False, host: str = LOOPBACK) -> Iterator[dict[str, str]]:
    """One of its own, as long as it is needed: gives the variables that make tools talk to it."""
    port = find_port(host)
    process = start(port, folder / "aws", enforce=enforce, host=host)
    try:
        yield list_variables(port, host)
    finally:
        stop(process.pid)
        process.wait(60)


def wait(
    process: subprocess.Popen[bytes], port: int, log: Path, host: str = LOOPBACK
) -> subprocess.Popen[bytes]:
    """Wait until it answers.

    Raises:
        RuntimeError: It does not; the message says what it said last.
    """
    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        with suppress(httpx.HTTPError):
            if httpx.get(f"http://{host}:{port}/_ministack/health").is_success:
                return process
        time.sleep(0.2)
    raise RuntimeError(f"the local AWS does not start:\n{log.read_text()[-1000:]}")


def check_port(port: int, host: str = LOOPBACK) -> None:
    """See whether a port is free.

    Raises:
        RuntimeError: It is not.
    """
    try:
        socket.create_server((host, port)).close()
    except (OSError, OverflowError):
        raise RuntimeError(
            f"port {port} is not to be had: choose another, 'CLOUD_PORT=4667 make cloud-local'"
        ) from None


def stop(pid: int) -> None:
    """End it: it removes the containers of its functions and tasks."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)

"""A local AWS (ministack) on loopback, whose functions run in Docker's containers.

What it ignores or refuses, the README lists, and the tests read in the templates instead.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[3]
ACCOUNT = "000000000000"
REGION = "eu-central-1"
PATIENCE = 60  # seconds for it to answer


def list_variables(port: int) -> dict[str, str]:
    """What makes AWS's tools talk to it, and to no other."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCOUNT,  # it takes the account from there
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def find_port() -> int:
    """A port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def start(port: int, folder: Path, *, enforce: bool = False) -> subprocess.Popen[bytes]:
    """Start it, and wait until it answers.

    Args:
        port: On loopback.
        folder: For its log and its state.
        enforce: Whether it heeds IAM's policies.

    Raises:
        RuntimeError: It does not answer; the message says what it said last.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "LAMBDA_EXECUTOR": "docker",
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "STATE_DIR": str(folder / "state"),
        "AUTH": str(enforce).lower(),
    }
    log = folder / "ministack.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("ministack")],
            env=os.environ | settings,
            stdout=file,
            stderr=file,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        with suppress(httpx.HTTPError):
            httpx.get(f"http://127.0.0.1:{port}/_ministack/health")
            return process
        time.sleep(0.2)
    stop(process.pid)
    raise RuntimeError(f"the local AWS does not start:\n{log.read_text()[-1000:]}")


def stop(pid: int) -> None:
    """End it: it removes its functions' containers."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)

"""`make cloud-local`: the account's and the service's stacks on a local AWS; and its end."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from serving.bundle.inputs import make_example
from serving.bundle.manifest import read_manifest
from serving.deployment.stack import (
    LOCAL,
    Deployment,
    StackError,
    locate,
    read_key,
    read_outputs,
    say,
)
from tools.cloud import local

FOLDER = local.ROOT / ".local/cloud"
ENV, PID = FOLDER / "env", FOLDER / "pid"
PORT = 4566


def main() -> int:
    """Start it with a model, or end it."""
    commands = {"up": up, "down": down}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        commands[sys.argv[1]](*sys.argv[2:])
    except (RuntimeError, StackError, OSError) as error:
        say(f"error: {error}")
        return 1
    except subprocess.CalledProcessError as error:
        say(f"error: {' '.join(map(str, error.cmd))} failed (see above)")
        return 1
    except KeyboardInterrupt:
        say("interrupted: 'make cloud-local' goes on, 'make cloud-local-down' ends it")
        return 1
    return 0


def up(model: str) -> None:
    """Start it where it does not run, deploy a model beside the others, say how to call its API.

    Raises:
        RuntimeError: It does not start.
        subprocess.CalledProcessError: A deployment failed.
    """
    variables = start()
    started = time.monotonic()
    make("bootstrap", "GITHUB=owner/name", "PROVIDER=false", "YES=1")
    make("deploy", f"MODEL={model}", "STAGE=dev", "YES=1")
    say(f"deployed in {time.monotonic() - started:.0f} s")
    local.forget_others()
    os.environ |= variables | {LOCAL: "1"}
    more = f"LOCAL=1 MODEL={model}"
    sys.stdout.write(
        f"\n  {write_call(model)}\n\n"
        f"  make smoke {more}      make logs {more} FOLLOW=1      make rollback {more}\n"
        "  make cloud-local-down ends it\n"
    )


def start() -> dict[str, str]:
    """Start it where it does not run: what makes tools talk to it.

    Raises:
        RuntimeError: It does not start.
    """
    if is_running():
        say("the local AWS runs")
        return dict(line.split("=", 1) for line in ENV.read_text().splitlines())
    host = local.choose_host()
    variables = local.list_variables(read_port(), host)
    say(f"starting a local AWS at {variables['AWS_ENDPOINT_URL']}")
    if host == local.LOOPBACK:
        say("note: Docker has no bridge here, so containers cannot call it: bulk does not work")
    process = local.start(read_port(), FOLDER, host=host)
    PID.write_text(str(process.pid))
    ENV.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    return variables


def write_call(model: str) -> str:
    """The command that asks a model of stage dev for the example of its manifest."""
    outputs = read_outputs(Deployment(model, "dev"))
    address, headers = locate(outputs.Url)
    if key := read_key(outputs):
        headers["x-api-key"] = key
    headers["content-type"] = "application/json"
    flags = [f"-H '{name}: {value}'" for name, value in headers.items()]
    example = make_example(read_manifest(local.ROOT / "serving/app/data" / model).input)
    body = shlex.quote(json.dumps(example, ensure_ascii=False))
    return " ".join([f"curl {address}predict", *flags, "-d", body])


def read_port() -> int:
    """CLOUD_PORT, where another program has the usual one.

    Raises:
        RuntimeError: It is no port.
    """
    found = os.environ.get("CLOUD_PORT") or str(PORT)
    if not (found.isdecimal() and 0 < int(found) < 2**16):
        raise RuntimeError(f"CLOUD_PORT={found} is no port: from 1 to 65535")
    return int(found)


def make(*arguments: str) -> None:
    """Run a target on the local AWS; what it says goes to standard error."""
    subprocess.run(["make", *arguments, "LOCAL=1"], cwd=local.ROOT, stdout=sys.stderr, check=True)


def is_running() -> bool:
    """Whether the one that was started runs."""
    try:
        command = Path(f"/proc/{int(PID.read_text())}/cmdline").read_bytes()
    except (OSError, ValueError):
        return False
    return b"ministack" in command


def down() -> None:
    """End it, where it runs, and forget it."""
    if is_running():
        pid = int(PID.read_text())
        local.stop(pid)
        while is_running():
            time.sleep(0.1)
        say("the local AWS has ended")
    else:
        say("no local AWS runs")
    with suppress(FileNotFoundError):
        shutil.rmtree(FOLDER)


if __name__ == "__main__":
    sys.exit(main())

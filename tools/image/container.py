"""A container of the image, shut in as Lambda does it, and events to it.

It has no network, so no port of it can be published: a second container in the same namespace
(relay.py) takes the events to the runtime interface emulator.
"""

import json
import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self
from uuid import uuid4

RELAY = Path(__file__).with_name("relay.py").read_text(encoding="utf-8")
VCPU_MB = 1769  # AWS Lambda Developer Guide, "Configuring function memory": so many are one vCPU
GRACE = 5  # seconds for the emulator to end what takes too long
PERIOD = 20_000  # microseconds over which the share is given, as on Lambda; Docker's own is 100 ms
# No writing but in /tmp, no privileges, no network, no shared memory, a user of no name.
HARDENED = (
    *("--user", "993:990", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--ipc", "none", "--read-only"),
    *("--tmpfs", "/tmp:size=64m,mode=1777"),  # noqa: S108 - the container's
)


def share_of(memory_mb: int) -> float:
    """The share of a processor that Lambda gives with so much memory."""
    return memory_mb / VCPU_MB


class ContainerDied(Exception):
    """The container ended, or its emulator answers no more; the message says what it said last."""


class Invocation(NamedTuple):
    """What came of an event.

    Attributes:
        seconds: From sending it to having received all of the answer, within the container's
            network; the first one's include the init.
        answer: What the handler returned, parsed; of an invocation that failed or took too long,
            an object with "errorMessage", as Lambda has it.
    """

    seconds: float
    answer: Any


class Container:
    """A started container of an image, its emulator listening. Init is with the first event.

    Args:
        image: Its name.
        memory_mb: As configured for a function.
        seconds: What an invocation may take.
        vcpu: Its share of processors; as Lambda's, where not given.

    Raises:
        ContainerDied: It did not start.
    """

    def __init__(
        self,
        image: str,
        memory_mb: int,
        *,
        seconds: int = 28,
        vcpu: float | None = None,
    ) -> None:
        share = share_of(memory_mb) if vcpu is None else vcpu
        variables = {
            "AWS_LAMBDA_FUNCTION_NAME": "quickthaw",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": memory_mb,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": seconds,
        }
        # Named beforehand: whatever interrupts the start knows what to remove.
        self.id = f"quickthaw-{os.getpid()}-{uuid4().hex[:12]}"
        self._relay: subprocess.Popen[bytes] | None = None
        try:
            docker(
                *("run", "--detach", "--name", self.id, *HARDENED, "--network", "none"),
                *("--cpu-period", str(PERIOD), "--cpu-quota", str(round(share * PERIOD))),
                *("--memory", f"{memory_mb}m", "--memory-swap", f"{memory_mb}m"),
                *(f"--env={name}={value}" for name, value in variables.items()),
                image,
            )
            self._relay = subprocess.Popen(
                [
                    *("docker", "run", "--rm", "--interactive", *HARDENED),
                    *("--network", f"container:{self.id}", "--entrypoint", "python3"),
                    *(image, "-c", RELAY, str(seconds + GRACE)),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the server, which ends its requests first
            )
            self._read()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def invoke(self, event: Any) -> Invocation:
        """Send an event.

        Raises:
            ContainerDied: No answer came.
        """
        assert self._relay
        assert self._relay.stdin
        try:
            self._relay.stdin.write(json.dumps(event).encode() + b"\n")
            self._relay.stdin.flush()
        except OSError:
            raise ContainerDied(self._last_words()) from None
        seconds, _, answer = self._read().partition(b" ")
        try:
            return Invocation(float(seconds), json.loads(answer))
        except ValueError:  # of a time-out the emulator tells in plain words
            message = answer.decode(errors="replace").strip()
            return Invocation(float(seconds), {"errorMessage": message})

    def _read(self) -> bytes:
        assert self._relay
        assert self._relay.stdout
        line = self._relay.stdout.readline()
        if not line.endswith(b"\n"):
            raise ContainerDied(self._last_words())
        return line

    def _last_words(self) -> str:
        return self.read_log()[-1000:].strip() or "it said nothing"

    def read_log(self) -> str:
        """All that the function and its emulator have written."""
        return docker("logs", self.id)

    def close(self) -> None:
        """Remove the container, and the relay with it."""
        docker("rm", "--force", self.id)
        if not self._relay:
            return
        assert self._relay.stdin
        assert self._relay.stdout
        with suppress(OSError):  # what was not sent any more
            self._relay.stdin.close()
        self._relay.stdout.close()
        self._relay.wait()


def docker(*arguments: str) -> str:
    """What a command of Docker's prints, errors included.

    A signal does not end it midway: what it starts is there, or is not.

    Raises:
        ContainerDied: It failed.
    """
    with subprocess.Popen(
        ["docker", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate()
        except BaseException:
            process.wait()
            raise
    if process.returncode:
        raise ContainerDied(f"docker {arguments[0]}: {said.strip()}")
    return said

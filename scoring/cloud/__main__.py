"""Processes messages until it is stopped: `python -m scoring.cloud`, for any container platform.

It takes one message at a time, and keeps it from others while its work moves. SIGTERM lets it
answer what it has; when it is killed, its message comes back to the queue in minutes. A file that
it touches says that it lives: while it waits, and while its work moves.
"""

import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from scoring.cloud.protection import Protection
from scoring.cloud.taking import RETRY_SECONDS, Taker, read_queue
from serving.app.errors import SettingsError
from serving.app.telemetry.log import log_failure
from serving.bundle.errors import ModelError

HOLD = "QUICKTHAW_BULK_HOLD"
# An alarm leaves these records out (serving/deployment/stacks/bulk.py).
NO_QUEUE = "the queue does not answer"
PAUSE_SECONDS = 5  # till the queue is asked again that did not answer
WAIT_SECONDS = 20  # for a message: the longest that SQS waits
# A container's health check looks how old it is (serving/deployment/stacks/fargate/worker.py).
ALIVE = Path(tempfile.gettempdir(), "quickthaw-worker")
# Work that has not moved for so long hangs. It moves with each piece of an object that is read or
# written and with each chunk of rows, which take seconds; reading through a table before its first
# row, and making Parquet of the answers, are a step each, of minutes for what a task's disk holds.
STILL_SECONDS = 30 * 60
HOLD_SECONDS = range(2, 43_200 + 1)  # SQS's longest visibility time-out


class Ended(BaseException):
    """A signal ends the process while it waits."""


class Worker:
    """Takes messages of a queue until a signal ends it.

    Args:
        taker: What answers them.
        queue: The queue's address.
        hold: For how many seconds at a time a message is kept from others.
        client: Of SQS.
    """

    def __init__(self, taker: Taker, queue: str, hold: int, client: Any = None) -> None:
        self._taker, self._queue, self._hold = taker, queue, hold
        self._client = client or boto3.client("sqs", region_name=os.environ.get("AWS_REGION"))
        self._protection = Protection()
        self._waiting = self._ended = False
        self._moved = time.monotonic()

    def run(self) -> None:
        """Take messages."""
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, self._end)
        with suppress(Ended):
            while not self._ended:
                show_life()
                try:
                    for message in self._receive():
                        self._take(message)
                except (BotoCoreError, ClientError) as error:
                    log_failure(error, message=NO_QUEUE)
                    self._pause()

    def _end(self, _: int, __: FrameType | None) -> None:
        self._ended = True
        if self._waiting:
            raise Ended

    def _pause(self) -> None:
        self._waiting = True
        if not self._ended:
            time.sleep(PAUSE_SECONDS)
        self._waiting = False

    def _receive(self) -> list[dict[str, Any]]:
        self._waiting = True
        if self._ended:  # by a signal since the last look
            raise Ended
        found = self._client.receive_message(
            QueueUrl=self._queue,
            MaxNumberOfMessages=1,
            WaitTimeSeconds=WAIT_SECONDS,
            VisibilityTimeout=self._hold,
        )
        self._waiting = False
        messages: list[dict[str, Any]] = found.get("Messages", [])
        return messages

    def _take(self, message: dict[str, Any]) -> None:
        handle = {"QueueUrl": self._queue, "ReceiptHandle": message["ReceiptHandle"]}
        done = threading.Event()
        self._move()
        keeper = threading.Thread(target=self._keep, args=(handle, done), daemon=True)
        keeper.start()
        try:
            answered = self._taker.take(message["MessageId"], message["Body"], self._move)
        finally:
            done.set()
            keeper.join()
        if answered:
            self._client.delete_message(**handle)
        else:
            self._hold_for(handle, min(RETRY_SECONDS, self._hold))

    def _move(self) -> None:
        self._moved = time.monotonic()

    def _keep(self, handle: dict[str, str], done: threading.Event) -> None:
        """Keep a message from others, for as long as the work on it moves.

        Where it does not, the message comes back to the queue, and who looks at the file ends this
        process: a thread cannot end the other one.
        """
        # The first time after a third of the hold: what takes no longer has an end in the time that
        # ECS gives a task which it stops, and its ten thousand need not ask for protection each.
        while not done.wait(self._hold / 3):
            if time.monotonic() - self._moved > STILL_SECONDS:
                log_failure(TimeoutError(), message="the work on an object stands still")
                break
            show_life()
            self._hold_for(handle, self._hold)
            self._protection.ask()
        self._protection.release()

    def _hold_for(self, handle: dict[str, str], seconds: int) -> None:
        # If it fails and the message is taken twice, both write the same.
        with suppress(ClientError, BotoCoreError):
            self._client.change_message_visibility(**handle, VisibilityTimeout=seconds)


def show_life() -> None:
    """Touch the file; a disk that is full is no reason to end."""
    with suppress(OSError):
        ALIVE.touch()


def read_hold(environ: Mapping[str, str]) -> int:
    """How long a message is hidden from other consumers.

    Raises:
        SettingsError: It is no number of seconds that SQS knows.
    """
    found = environ.get(HOLD, "300")
    if not (found.isascii() and found.isdecimal() and int(found[:9]) in HOLD_SECONDS):
        raise SettingsError(f"{HOLD} must be from {HOLD_SECONDS[0]} to {HOLD_SECONDS[-1]} seconds")
    return int(found)


def start() -> Worker:
    """A worker by the settings.

    Raises:
        SettingsError: One is missing, or is none.
        ModelError: The model cannot be served.
    """
    queue, hold = read_queue(os.environ), read_hold(os.environ)
    return Worker(Taker(), queue, hold)


def tell(line: str) -> None:
    """Say something; standard output is for the metrics."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def main() -> int:
    """Take messages: 0 when a signal ends it, 1 where it cannot start."""
    # Else a worker that is killed takes the metrics of what it has answered with it.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        worker = start()
    except (SettingsError, ModelError, BotoCoreError) as error:  # the last: no region, say
        tell(f"error: {error}")
        log_failure(error, message="the worker does not start")  # an alarm counts such records
        return 1
    tell("taking messages")
    worker.run()
    tell("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())

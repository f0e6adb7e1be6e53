"""A message is taken: each of its objects is answered, measured, or logged as a failure."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scoring.cloud.answering import Answer, Answerer, Moved, say_nothing
from serving.app.errors import SettingsError
from serving.app.settings import Settings, read_settings
from serving.app.telemetry import emf
from serving.app.telemetry.log import log_failure
from serving.bulk import read_objects

OUT = "QUICKTHAW_BULK_OUT"
QUEUE = "QUICKTHAW_BULK_QUEUE"
RETRY_SECONDS = 60  # till a message that was not answered is tried again
UNITS = {
    "bulk.answered_before": "Count",
    "bulk.duration": "Milliseconds",
    "bulk.num_errors": "Count",
    "bulk.num_objects": "Count",
    "bulk.num_rows": "Count",
}


def read_queue(environ: Mapping[str, str]) -> str:
    """The address of the queue.

    Raises:
        SettingsError: It is missing.
    """
    found = environ.get(QUEUE, "")
    if not found:
        raise SettingsError(f"{QUEUE} must be the address of the queue to take messages from")
    return found


class Taker:
    """Takes messages.

    Args:
        environ: The settings.

    Raises:
        SettingsError: One is missing, or is none.
        ModelError: The model cannot be served.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._settings: Settings = read_settings(environ)
        out = environ.get(OUT, "")
        if not out:
            raise SettingsError(f"{OUT} must be the bucket that answers go to")
        self._answerer = Answerer(Path(self._settings.bundle), out)

    def take(self, message_id: str, body: str, moved: Moved = say_nothing) -> bool:
        """Answer a message's objects; return whether all have an answer. Raises nothing.

        `moved` is called with each step of the work, also from other threads.

        What went wrong is logged by its type and places alone: a message may quote the object.
        """
        try:
            for asked in read_objects(body):
                answer = self._answerer.answer(asked, moved)
                self._measure(message_id, answer)
        except Exception as error:  # noqa: BLE001 - one message does not end the others
            log_failure(error, message_id, "an object was not answered")
            return False
        return True

    def _measure(self, message_id: str, answer: Answer) -> None:
        manifest = self._answerer.model.manifest
        properties: dict[str, Any] = {
            "engine": manifest.engine,
            "messageId": message_id,
            "modelVersion": manifest.version,
        }
        metrics = {
            "bulk.answered_before": float(answer.before),
            "bulk.duration": answer.seconds * 1000,
            "bulk.num_errors": answer.bad,
            "bulk.num_objects": 1,
            "bulk.num_rows": answer.rows,
        }
        try:
            emf.write(self._settings, properties, metrics, UNITS)
        except Exception as error:  # noqa: BLE001 - the answer is there all the same
            log_failure(error, message_id, "the metrics of an object were not written")

"""Lambda's entry point for messages of SQS."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from scoring.cloud.answering import PREFIX
from scoring.cloud.taking import RETRY_SECONDS, Taker, read_queue

# An invocation that took too long has left its folder: Lambda starts anew beside it.
for _left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
    shutil.rmtree(_left, ignore_errors=True)
# The model loads here, once an environment.
_taker, _queue = Taker(), read_queue(os.environ)
_sqs = boto3.client("sqs", region_name=os.environ.get("AWS_REGION"))


def lambda_handler(event: dict[str, Any], _: object) -> dict[str, list[dict[str, str]]]:
    """Answer the objects of a batch of messages.

    Returns:
        The messages that are to come back ("Using Lambda with Amazon SQS", "Implementing partial
        batch responses"): the others go from the queue.
    """
    failed = [one for one in event["Records"] if not _taker.take(one["messageId"], one["body"])]
    for one in failed:
        _hurry(one["receiptHandle"])
    return {"batchItemFailures": [{"itemIdentifier": one["messageId"]} for one in failed]}


def _hurry(handle: str) -> None:
    """Let a message come back soon: the queue keeps it for as long as an invocation may take."""
    with suppress(BotoCoreError, ClientError):  # then it comes back later
        _sqs.change_message_visibility(
            QueueUrl=_queue,
            ReceiptHandle=handle,
            VisibilityTimeout=RETRY_SECONDS,
        )

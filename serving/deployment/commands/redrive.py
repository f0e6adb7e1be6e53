"""Have a model's dead messages tried once more: `make redrive MODEL=houses STAGE=prod`.

SQS moves them from the dead-letter queue back to the queue that they came from.
"""

import argparse
import sys
import time
from typing import Any

from serving.deployment.commands.bulk.queues import count_messages
from serving.deployment.commands.logs.render import count
from serving.deployment.commands.options import add_deployment
from serving.deployment.stack import (
    Deployment,
    StackError,
    confirm,
    make_client,
    quote_make,
    read_bulk,
    say,
    tell_errors,
)

POLL_SECONDS = 2
PATIENCE_SECONDS = 10 * 60  # in which not one message was moved
# What an AWS says that has no such action.
UNKNOWN = {"InvalidAction", "UnknownOperationException"}
RUNNING = {"RUNNING", "CANCELLING"}


def redrive(deployment: Deployment, *, yes: bool = False) -> int:
    """Move the dead messages back, and wait until all are.

    Returns:
        How many were moved, as SQS counts them.

    Raises:
        StackError: The stage has no bulk, nobody agreed, or AWS does not do it.
    """
    client, url = make_client("sqs"), read_bulk(deployment).BulkDead
    dead = count_messages(client, url).total
    if not dead:
        say(f"{deployment.dead}: nothing is dead")
        return 0
    with tell_errors(f"find the queue {deployment.dead}"):
        found = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = found["Attributes"]["QueueArn"]
    last = find_task(client, arn)
    if last.get("Status") in RUNNING:
        say(f"{deployment.dead}: its messages are being moved already")
        return follow(client, arn, 0)
    confirm(
        f"{count(dead, 'message')} from {deployment.dead} back to {deployment.bulk}: each is tried "
        "again, and AWS bills for that",
        yes=yes,
    )
    with tell_errors(f"move the messages of {deployment.dead}"):
        client.start_message_move_task(SourceArn=arn)
    moved = follow(client, arn, last.get("StartedTimestamp", 0))
    if moved < dead:
        say(
            f"about {count(dead - moved, 'message')} were not moved: somebody looks at them just "
            f"now. {deployment.make('redrive')} again, in two minutes"
        )
    return moved


def find_task(client: Any, arn: str) -> dict[str, Any]:
    """The last task that moved a queue's messages; empty where there was none.

    Raises:
        StackError: AWS does not tell.
    """
    try:
        with tell_errors("see how far the messages are moved"):
            tasks = client.list_message_move_tasks(SourceArn=arn, MaxResults=1).get("Results", ())
    except StackError as error:
        if error.code not in UNKNOWN:
            raise
        raise StackError(
            "this AWS, a local one, moves no messages: have the objects put once more with "
            + quote_make("bulk", "…", "IN=")
        ) from None
    return dict(tasks[0]) if tasks else {}


def follow(client: Any, arn: str, before: int) -> int:
    """Wait for the end of a task that started later than `before`; how many messages it moved.

    Raises:
        StackError: It failed, or gets nowhere.
    """
    moved, news = -1, time.monotonic()
    while time.monotonic() - news < PATIENCE_SECONDS:
        task = find_task(client, arn)
        if task.get("StartedTimestamp", 0) > before:
            done = int(task.get("ApproximateNumberOfMessagesMoved", 0))
            if task["Status"] == "COMPLETED":
                return done
            if task["Status"] not in RUNNING:
                why = task.get("FailureReason", task["Status"])
                raise StackError(f"SQS has moved {count(done, 'message')}, and no more ({why})")
            if done != moved:
                say(f"{done:,} moved")
                moved, news = done, time.monotonic()
        pause(POLL_SECONDS)
    raise StackError("SQS moves nothing: run it again later, which goes on with what is left")


def pause(seconds: float) -> None:
    time.sleep(seconds)


def main() -> None:
    """Move the dead messages back, and say what was done."""
    parser = argparse.ArgumentParser(prog="make redrive", description=__doc__)
    add_deployment(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args()
    try:
        deployment = Deployment(options.model, options.stage)
        moved = redrive(deployment, yes=options.yes)
    except StackError as error:
        sys.exit(f"error: {error}")
    if moved:
        say(f"done: {count(moved, 'message')} moved back; {deployment.make('bulk')} says how far")


if __name__ == "__main__":
    main()

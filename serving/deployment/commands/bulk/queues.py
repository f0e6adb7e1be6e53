"""The queues of a model's bulk: how many messages they have, and which objects are dead."""

from contextlib import suppress
from typing import Any, NamedTuple

from serving.bulk import MessageError, Object, read_objects
from serving.deployment.stack import tell_errors

# Messages that are looked at are hidden from others, until they are shown again, or this is over.
HIDDEN_SECONDS = 120
WAIT_SECONDS = 1  # without, SQS asks some of its machines alone
PAGE = 10  # SQS's ReceiveMessage gives so many
MOST_PAGES = 1_000


class Counts(NamedTuple):
    """How many messages a queue has, as SQS knows it: about, and some seconds ago."""

    waiting: int
    under_way: int

    @property
    def total(self) -> int:
        return self.waiting + self.under_way

    def __str__(self) -> str:
        return f"{self.waiting:,} waiting, {self.under_way:,} under way"


def count_messages(client: Any, url: str) -> Counts:
    """Count a queue's messages.

    Raises:
        StackError: There is no such queue, or AWS does not answer.
    """
    names = ("", "NotVisible", "Delayed")
    asked = [f"ApproximateNumberOfMessages{name}" for name in names]
    with tell_errors(f"count the messages of {url}"):
        found = client.get_queue_attributes(QueueUrl=url, AttributeNames=asked)["Attributes"]
    visible, hidden, delayed = (int(found.get(name, 0)) for name in asked)
    return Counts(visible + delayed, hidden)


def read_dead(client: Any, url: str) -> set[Object]:
    """The objects whose messages are in the dead-letter queue; the messages stay there.

    SQS has no list of a queue: each message is received, and then shown to all again.

    Raises:
        StackError: AWS does not answer.
    """
    found: set[Object] = set()
    handles: list[str] = []
    with tell_errors(f"look into {url}"):
        try:
            for _ in range(MOST_PAGES):
                answer = client.receive_message(
                    QueueUrl=url,
                    MaxNumberOfMessages=PAGE,
                    VisibilityTimeout=HIDDEN_SECONDS,
                    WaitTimeSeconds=WAIT_SECONDS,
                )
                messages = answer.get("Messages", ())
                handles += [one["ReceiptHandle"] for one in messages]
                for one in messages:
                    with suppress(MessageError):  # it is counted all the same
                        found.update(read_objects(one["Body"]))
                if not messages:
                    break
        finally:
            show_again(client, url, handles)
    return found


def show_again(client: Any, url: str, handles: list[str]) -> None:
    """End the time for which messages are hidden."""
    for start in range(0, len(handles), PAGE):
        client.change_message_visibility_batch(
            QueueUrl=url,
            Entries=[
                {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                for number, handle in enumerate(handles[start : start + PAGE])
            ],
        )

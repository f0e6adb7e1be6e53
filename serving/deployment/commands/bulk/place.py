"""Where a deployment's bulk is: its buckets and queues, and clients for them."""

from collections.abc import Iterator
from typing import Any

from serving.bulk import Object
from serving.deployment.commands.bulk.queues import Counts, count_messages, read_dead
from serving.deployment.stack import Deployment, make_client, read_bulk, tell_errors


class Bulk:
    """The bulk of a deployment. Each of its methods raises a StackError where AWS does not answer.

    Raises:
        StackError: The stage has none.
    """

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.outputs = read_bulk(deployment)
        self.s3: Any = make_client("s3")
        self._sqs = make_client("sqs")

    @property
    def tell_logs(self) -> str:
        """The command that shows what bulk says, as a message quotes it."""
        return self.deployment.make("logs", "BULK=1", "SINCE=1d")

    def count_waiting(self) -> Counts:
        """The messages of the queue."""
        return count_messages(self._sqs, self.outputs.BulkQueue)

    def count_dead(self) -> int:
        """The messages of the dead-letter queue, whatever they are about."""
        return count_messages(self._sqs, self.outputs.BulkDead).total

    def read_dead(self) -> set[Object]:
        """The objects whose messages are in the dead-letter queue."""
        return read_dead(self._sqs, self.outputs.BulkDead) if self.count_dead() else set()

    def list_objects(self, run: str) -> set[Object]:
        """What the input bucket has of a run."""
        bucket = self.outputs.BulkIn
        with tell_errors(f"list {bucket}"):
            pages = self.s3.get_paginator("list_object_versions")
            found = [
                one
                for page in pages.paginate(Bucket=bucket, Prefix=f"{run}/")
                for one in page.get("Versions", ())
            ]
        return {Object(bucket, one["Key"], one["VersionId"]) for one in found}

    def list_models(self) -> list[str]:
        """The versions of models that have answered anything: the output bucket's folders."""
        return [one["Prefix"].rstrip("/") for one in self._list("CommonPrefixes", Delimiter="/")]

    def list_answers(self, model: str, run: str) -> set[str]:
        """The keys of the answers of a model's version to a run."""
        return {one["Key"] for one in self._list("Contents", Prefix=f"{model}/{run}/")}

    def _list(self, what: str, **asked: str) -> Iterator[Any]:
        bucket = self.outputs.BulkOut
        with tell_errors(f"list {bucket}"):
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, **asked)
            for page in pages:
                yield from page.get(what, ())

"""What the cloud's bulk is about, for those who answer objects and those who look: messages, names.

The form of messages is that of "Event message structure", Amazon S3 User Guide.
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

# Tables, which are answered in their own format; what is none is a picture, answered by a line.
TABLES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".parquet")


def name_answer(model_version: str, key: str, object_version: str) -> str:
    """The key of the answers.

    It follows from what was asked of which model alone: whoever answers again writes to the same
    place, with the same code the same bytes, and the answers of two models never mix.

    Args:
        model_version: Of the model that answers.
        key: Of the object.
        object_version: Of the object, as S3 names versions.
    """
    suffix = PurePosixPath(key).suffix.lower()
    return f"{model_version}/{key}.{object_version}{suffix if suffix in TABLES else '.jsonl'}"


class MessageError(ValueError):
    """A message is none of S3 about a new object, or its object is gone; nothing of it is said."""


class Object(NamedTuple):
    """An object that waits for its answer.

    Attributes:
        bucket: Where it is.
        key: Its name there.
        version: Of its bytes, as the bucket names versions.
    """

    bucket: str
    key: str
    version: str


def read_objects(body: str) -> list[Object]:
    """The objects that a message is about.

    None is in the message that S3 sends when a bucket is connected; nor is a folder that the
    console makes, an object without bytes whose key ends in a slash.

    Raises:
        MessageError: It is none of S3, or of a bucket without versions.
    """
    try:
        found = json.loads(body)
        if found.get("Event") == "s3:TestEvent":
            return []
        named = [_read_object(one) for one in found["Records"]]
    except MessageError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise MessageError("the message is none of S3 about a new object") from None
    return [one for one in named if not one.key.endswith("/")]


def _read_object(record: dict[str, Any]) -> Object:
    if not record["eventName"].startswith("ObjectCreated:"):
        raise MessageError("the event is none of a new object")
    told = record["s3"]["object"]
    if not told.get("versionId"):  # then a second object of the same name could take its answer
        raise MessageError("the bucket keeps no versions")
    return Object(record["s3"]["bucket"]["name"], unquote_plus(told["key"]), told["versionId"])

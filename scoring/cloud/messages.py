"""Messages of S3, as SQS has them.

The form is that of "Event message structure", Amazon S3 User Guide.
"""

import json
from typing import Any, NamedTuple
from urllib.parse import unquote_plus


class MessageError(ValueError):
    """A message is none of S3 about a new object; nothing of it is said."""


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

"""What a request holds, as the manifest describes it.

A description is of one of three kinds:

    {"kind": "text", "example": "…"}
    {"kind": "record", "fields": [{"name", "type", "nullable", "example"}, …]}
    {"kind": "image", "width": 28, "height": 28, "preparation": "ink", "example": "<base64>"}

A field may say more: `title`, `unit` and `description` for people; `values`, the categories seen in
training, or `range`, the lowest and the highest number seen there. Of an image, width and height
are of what the model sees, in pixels, and `preparation` says how a picture of any size becomes that
(serving/app/pictures/prepare.py).
"""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_TEXT_CHARS = 50_000  # some 8,000 words: a long article
MAX_BATCH = 1_000
MAX_FIELDS = 200
MAX_NAME_CHARS = 100  # an error names ten fields at most
MAX_INTEGER = 2**53 - 1  # what every JSON reader holds exactly (RFC 7493, 2.2)
MAX_NUMBER = 3.4028234663852886e38  # float32's largest: scikit-learn's trees take no more
TYPES = ("number", "integer", "boolean", "text", "category")  # of fields
MAX_IMAGE_SIDE = 512  # pixels of what a model sees: a quarter of a million features
MAX_PICTURE_BYTES = 4 * 1024 * 1024  # 5.6 MB in base64: an event of Lambda holds 6 MiB
MAX_PICTURE_CHARS = MAX_PICTURE_BYTES // 3 * 4 + 128  # in base64, as a data URL
PREPARATIONS = ("ink", "resize")
# Media types whose bodies API Gateway passes on in base64, as they are.
BINARY_MEDIA = ("application/octet-stream", "image/*", "multipart/form-data")
_FIELD = {"name": str, "type": str, "nullable": bool}
_WORDS = ("title", "unit", "description")
_MEMBERS = {*_FIELD, *_WORDS, "values", "range", "example"}


def check_input(found: Any) -> None:
    """Look whether this is a description as above.

    Raises:
        TypeError, ValueError, KeyError: It is not.
    """
    if found["kind"] == "text":
        if found.keys() != {"kind", "example"} or not isinstance(found["example"], str):
            raise TypeError
        return
    if found["kind"] == "image":
        _check_image(**found)
        return
    if found["kind"] != "record" or found.keys() != {"kind", "fields"}:
        raise ValueError
    names = [_check_field(one) for one in found["fields"]]
    if not 0 < len(names) <= MAX_FIELDS or len(set(names)) < len(names):
        raise ValueError


def _check_image(*, kind: str, width: int, height: int, preparation: str, example: str) -> None:
    sides = type(width) is type(height) is int and min(width, height) > 0
    if not sides or max(width, height) > MAX_IMAGE_SIDE or preparation not in PREPARATIONS:
        raise ValueError(kind)
    if not isinstance(example, str):
        raise TypeError


def _check_field(field: dict[str, Any]) -> str:
    """The name of a field that is as it should be."""
    members_fit = all(type(field[name]) is kind for name, kind in _FIELD.items())
    words_fit = all(isinstance(field.get(word), str | None) for word in _WORDS)
    if not members_fit or not words_fit or "example" not in field or field["type"] not in TYPES:
        raise TypeError
    name: str = field["name"]
    if not field.keys() <= _MEMBERS or not 0 < len(name) <= MAX_NAME_CHARS:
        raise ValueError
    if not name.isprintable():  # it stands in errors
        raise ValueError
    if not all(type(value) in (str, int) for value in field.get("values", ())):
        raise TypeError
    low, high = field.get("range", (0, 0))
    if not all(type(end) in (int, float) and math.isfinite(end) for end in (low, high)):
        raise TypeError
    if low > high:
        raise ValueError
    return name


def make_example(found: dict[str, Any]) -> Any:
    """A body of `POST /predict`."""
    if found["kind"] == "text":
        return {"text": found["example"]}
    if found["kind"] == "image":
        return {"image": found["example"]}
    return {field["name"]: field["example"] for field in found["fields"]}


def make_batch(found: dict[str, Any], examples: list[Any]) -> Any:
    """A body of `POST /predict/batch`, of bodies of `POST /predict`."""
    if found["kind"] == "text":
        return {"texts": [one["text"] for one in examples]}
    if found["kind"] == "image":
        return {"images": [one["image"] for one in examples]}
    return {"records": examples}


def list_columns(found: dict[str, Any]) -> list[str]:
    """What the columns are called of the table, or the array of pixels, that a pipeline takes."""
    if found["kind"] == "image":
        return [str(number) for number in range(found["width"] * found["height"])]
    return [field["name"] for field in found["fields"]]

"""The JSON Schema of a request's body, by the manifest's description of the input (inputs.py).

OpenAPI and API Gateway's request models are made of the same schemas (JSON Schema, 2020-12).
"""

from __future__ import annotations

from serving.bundle.inputs import (
    MAX_BATCH,
    MAX_INTEGER,
    MAX_NUMBER,
    MAX_PICTURE_CHARS,
    MAX_TEXT_CHARS,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SCHEMAS: dict[str, dict[str, Any]] = {
    "number": {"type": "number", "minimum": -MAX_NUMBER, "maximum": MAX_NUMBER},
    "integer": {"type": "integer", "minimum": -MAX_INTEGER, "maximum": MAX_INTEGER},
    "boolean": {"type": "boolean"},
    "text": {"type": "string", "maxLength": MAX_TEXT_CHARS},
    "category": {"type": "string", "maxLength": MAX_TEXT_CHARS},
}


def describe_one(found: dict[str, Any]) -> dict[str, Any]:
    """The schema of a body of `POST /predict`."""
    if found["kind"] == "text":
        return _object({"text": _TEXT | {"examples": [found["example"]]}})
    if found["kind"] == "image":
        return _object({"image": _IMAGE | {"examples": [found["example"]]}})
    return _object({field["name"]: _describe_field(field) for field in found["fields"]})


def describe_many(found: dict[str, Any]) -> dict[str, Any]:
    """The schema of a body of `POST /predict/batch`."""
    if found["kind"] == "text":
        return _object({"texts": _list(_TEXT | {"examples": [found["example"]]})})
    if found["kind"] == "image":
        return _object({"images": _list(_IMAGE | {"examples": [found["example"]]})})
    records = _list(describe_one(found))
    return {"anyOf": [_object({"records": records}), records]}


_TEXT = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_TEXT_CHARS,
    "description": "A text of the kind that the model was trained on",
}

_IMAGE = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_PICTURE_CHARS,
    "contentEncoding": "base64",
    "description": "A picture, PNG or JPEG, in base64 or as a data URL",
}


def _describe_field(field: dict[str, Any]) -> dict[str, Any]:
    schema = SCHEMAS[field["type"]]
    if field["nullable"]:
        schema = {"anyOf": [schema, {"type": "null"}]}
    words = {"title": field.get("title"), "description": _describe_in_words(field)}
    written = {name: value for name, value in words.items() if value}
    return {**schema, **written, "examples": [field["example"]]}


def _describe_in_words(field: dict[str, Any]) -> str:
    sentences = [field.get("description") or ""]
    if unit := field.get("unit"):
        sentences.append(f"Unit: {unit}")
    if "range" in field:
        sentences.append("Seen in training: {} to {}".format(*field["range"]))
    if "values" in field:
        sentences.append(f"Seen in training: {', '.join(map(str, field['values']))}")
    return ". ".join(filter(None, sentences))


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": MAX_BATCH}

"""What API Gateway lets through to the POST routes, as JSON Schema draft 4, which it reads.

It saves the invocations of what cannot be right. It is never stricter than the service itself
(a test holds both together): lengths are counted in UTF-16 there, so they are doubled here.
"""

from typing import Any

_UTF16 = 2
_TEXT = {"type": "string", "minLength": 1, "maxLength": 50_000 * _UTF16}

PREDICT: dict[str, Any] = {
    "type": "object",
    "properties": {"text": _TEXT},
    "required": ["text"],
    "additionalProperties": False,
}
BATCH: dict[str, Any] = {
    "type": "object",
    "properties": {"texts": {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 1_000}},
    "required": ["texts"],
    "additionalProperties": False,
}

"""What API Gateway lets through to the POST routes, as JSON Schema draft 4, which it reads.

It saves the invocations of what cannot be right. It is never stricter than the service itself
(a test holds both together): lengths are counted in UTF-16 there, so they are doubled here, and
5.0 is no integer there.
"""

from collections.abc import Mapping
from typing import Any

from serving.bundle.schemas import describe_many, describe_one

_UTF16 = 2
_ANNOTATIONS = {"title", "description", "examples", "contentEncoding"}


def make_models(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The request models of the routes `predict` and `batch`.

    Args:
        described: The input, as the model's manifest describes it.
    """
    schemas = {"predict": describe_one(described), "batch": describe_many(described)}
    return {route: _to_draft_4(schema) for route, schema in schemas.items()}


def _to_draft_4(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        keyword: _convert(keyword, value)
        for keyword, value in schema.items()
        if keyword not in _ANNOTATIONS
    }


def _convert(keyword: str, value: Any) -> Any:
    if keyword == "properties":  # names of fields, which can be those of keywords
        return {name: _to_draft_4(one) for name, one in value.items()}
    if keyword == "anyOf":
        return [_to_draft_4(one) for one in value]
    if keyword == "items":
        return _to_draft_4(value)
    if keyword == "maxLength":
        return value * _UTF16
    return "number" if value == "integer" else value

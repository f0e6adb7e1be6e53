"""The model's part of the OpenAPI document: requests, answers, title.

All of it is in the manifest. Without a model the document has what all models have in common.
"""

from typing import Any

from aws_lambda_powertools.event_handler.openapi.models import (
    Example,
    MediaType,
    OpenAPI,
    Operation,
    Reference,
    RequestBody,
    Schema,
)
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from serving.app.http import schema
from serving.app.limits import (
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_HEADERS,
    MAX_PARAMETERS,
    MAX_PIXELS,
    Bounds,
)
from serving.bundle.inputs import MAX_PICTURE_BYTES, make_batch, make_example
from serving.bundle.manifest import Manifest
from serving.bundle.schemas import describe_many, describe_one

JSON = "application/json"
SCHEMAS = "#/components/schemas/"
# By task and kind of input: what is answered to one input, and to many.
ANSWERS: dict[tuple[str, str], tuple[type[BaseModel], type[BaseModel]]] = {
    ("classification", "text"): (schema.PredictResponse, schema.BatchResponse),
    ("classification", "record"): (schema.RecordPredictResponse, schema.BatchResponse),
    ("classification", "image"): (schema.ImagePredictResponse, schema.BatchResponse),
    ("regression", "text"): (schema.ValueResponse, schema.ValueBatchResponse),
    ("regression", "record"): (schema.RecordValueResponse, schema.ValueBatchResponse),
    ("regression", "image"): (schema.ImageValueResponse, schema.ValueBatchResponse),
}
PICTURES = (
    f" A picture has at most {MAX_PICTURE_BYTES:,} bytes and {MAX_PIXELS:,} pixels; those of a "
    "batch have no more pixels together."
)
BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
FORM: dict[str, Any] = {"type": "object", "properties": {"file": BINARY}, "required": ["file"]}
EXAMPLES = 6  # of a body, at most
THOUSAND = 1_000
SUMMARIES = {"classification": "Label", "regression": "Estimate"}


def describe_service(bounds: Bounds) -> str:
    """The limits of every route, in words."""
    return (
        f"A body is strict JSON in UTF-8 (RFC 7493) of at most {bounds.body_bytes:,} bytes and "
        f"{bounds.values:,} values, {bounds.names} names an object, {MAX_DEPTH} deep, its integers "
        f"of at most {MAX_DIGITS} digits. A request has at most {MAX_HEADERS} headers, and "
        f"{MAX_PARAMETERS} parameters in its query." + PICTURES * bounds.pictures
    )


def add_model(document: OpenAPI, manifest: Manifest, bounds: Bounds) -> None:
    """Complete a document with what a manifest says."""
    document.info.title = manifest.title
    document.info.description = f"{_describe_model(manifest)}\n\n{describe_service(bounds)}"
    single, batch = ANSWERS[manifest.task, manifest.input["kind"]]
    schemas = _describe_answers(single, batch)
    schemas["PredictRequest"] = describe_one(manifest.input)
    schemas["BatchRequest"] = describe_many(manifest.input)
    found = {name: Schema.model_validate(one) for name, one in schemas.items()}
    document.components.schemas.update(found)  # type: ignore[union-attr]
    examples = [one["input"] for one in manifest.golden] or [make_example(manifest.input)]
    batches = [make_batch(manifest.input, examples[:2])]
    shown = _choose_examples(manifest) or examples
    paths: Any = document.paths
    verb = SUMMARIES[manifest.task]
    single_route = paths["/predict"].post
    taken = list_parameters(manifest)
    single_route.parameters = [one for one in single_route.parameters if one.name in taken]
    _complete(single_route, f"{verb} one input", "PredictRequest", single, shown)
    if bounds.pictures:
        single_route.requestBody.content |= {
            name: MediaType(schema=Schema.model_validate(one))
            for name, one in {
                "image/png": BINARY,
                "image/jpeg": BINARY,
                "multipart/form-data": FORM,
            }.items()
        }
    _complete(paths["/predict/batch"].post, f"{verb} many inputs", "BatchRequest", batch, batches)


def _choose_examples(manifest: Manifest) -> list[Any]:
    """A few golden inputs: of other labels, where there are so many."""
    golden = manifest.golden
    firsts = list({str(one.get("label")): one for one in reversed(golden)}.values())[::-1]
    found = firsts if len(firsts) >= EXAMPLES else golden
    count = min(EXAMPLES, len(found))
    return [found[number * len(found) // count]["input"] for number in range(count)]


def _describe_model(manifest: Manifest) -> str:
    """The model in words, in Markdown: what it is, its scores, its labels."""
    given = {"text": "a text", "record": "a record", "image": "a picture"}[manifest.input["kind"]]
    words = (
        f"{manifest.task.capitalize()} of {given}: model {manifest.name}, "
        f"version {manifest.version}, served by the {manifest.engine} engine."
    )
    scores = [
        f"{name.replace('_', ' ')} {_shorten(value)}" for name, value in manifest.metrics.items()
    ]
    labels = [
        one.title if one.title == one.id else f"{one.title} (`{one.id}`)" for one in manifest.labels
    ]
    parts = [words]
    if scores:
        parts.append(f"Scores on the test part: {', '.join(scores)}.")
    if labels:
        parts.append(f"Labels: {', '.join(labels)}.")
    return "\n\n".join(parts)


def _shorten(score: float) -> str:
    """Four digits, or all whole ones: an error of 40,397 is no 4.04e+04."""
    return f"{score:,.0f}" if abs(score) >= THOUSAND else f"{score:.4g}"


def list_parameters(manifest: Manifest) -> set[str]:
    """What a model takes in the query of `POST /predict`."""
    return {"explain"} if manifest.task == "regression" else {"top", "explain"}


def _describe_answers(*models: type[BaseModel]) -> dict[str, Any]:
    """The schemas of answers and of their parts, by name."""
    _, found = models_json_schema(
        [(one, "serialization") for one in models], ref_template=SCHEMAS + "{model}"
    )
    schemas: dict[str, Any] = found["$defs"]
    return schemas


def _complete(
    operation: Operation, summary: str, body: str, answer: type[BaseModel], examples: list[Any]
) -> None:
    operation.summary = summary
    shown: dict[str, Example | Reference] = {
        str(number): Example(summary=f"Example {number}", value=value)
        for number, value in enumerate(examples, start=1)
    }
    media = MediaType(schema=_refer(body), examples=shown)
    operation.requestBody = RequestBody(content={JSON: media}, required=True)
    good: Any = operation.responses[200]  # type: ignore[index]
    good.content = {JSON: MediaType(schema=_refer(answer.__name__))}


def _refer(name: str) -> Reference:
    return Reference.model_validate({"$ref": SCHEMAS + name})

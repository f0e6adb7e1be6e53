"""The fast path: the plain requests, answered without Powertools, pydantic or the EMF library.

It answers only what it is certain of: a POST without a query, of a body of exactly the documented
shape, or of one that the reader refuses; and a warm-up. Whatever it answers, the full app answers
with the same status, headers and body, byte for byte; a property test holds both against each
other.
"""

from __future__ import annotations

from serving.app.errors import RequestError
from serving.app.limits import MAX_BATCH_TEXTS, MAX_TEXT_CHARS
from serving.app.request import reader, strict_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.app.engines.predictor import Predictor
    from serving.app.telemetry.metrics import Measurements

_QUERIES = ("queryStringParameters", "multiValueQueryStringParameters")


def respond(
    event: Any, model: Predictor, measurements: Measurements, request_id: str
) -> dict[str, Any] | None:
    """Answer an event with an API Gateway proxy response; None leaves it to the full app.

    Arguments are those of `api.respond`; `measurements` stays as it was where the answer is None.
    """
    measured = measurements.copy()
    try:
        answer = _answer(event, model, measured)
    except RequestError as error:  # the reader's, which would refuse the body once more
        from serving.app.http.problems import respond as refuse  # noqa: PLC0415 - where all is well, not

        measurements.update(measured)
        return refuse(error, request_id, measurements)
    except Exception:  # noqa: BLE001 - the full app meets the same error, and answers it
        return None
    if answer is None:
        return None
    measurements.update(measured)
    return {
        "statusCode": 200,
        "body": answer,
        "isBase64Encoded": False,
        "multiValueHeaders": {"Content-Type": ["application/json"]},
    }


def _answer(event: Any, model: Predictor, measured: Measurements) -> str | None:
    """The body of the answer."""
    if reader.is_warm_up(event):
        return _warm_up(model, measured)
    route = event["path"]
    if type(event) is not dict or event["httpMethod"] != "POST" or route not in _ROUTES:
        return None
    if any(map(event.get, _QUERIES)):
        return None
    measured.properties |= {"lane": "fast", "route": route}
    found = _ROUTES[route](reader.read_object(event), model, measured)
    return None if found is None else _to_json(found, model)


def _to_json(found: dict[str, Any], model: Predictor) -> str:
    name = {"name": model.manifest.name, "version": model.manifest.version}
    return strict_json.to_json(found | {"model": name})


def _warm_up(model: Predictor, measured: Measurements) -> str:
    """Answer as `GET /health`, which reads the whole model."""
    measured.properties |= {"lane": "fast", "route": reader.WARM_UP}
    model.check()
    return _to_json({"status": "ok"}, model)


def _predict(
    body: dict[str, Any], model: Predictor, measured: Measurements
) -> dict[str, Any] | None:
    text: Any = body.get("text")
    if len(body) != 1 or not _is_text(text):
        return None
    (prediction,) = measured.predict(model, [text])
    label = prediction.label
    measured.properties["label"] = label.id
    return {"label": label.id, "title": label.title, "probability": prediction.probability}


def _predict_batch(
    body: dict[str, Any], model: Predictor, measured: Measurements
) -> dict[str, Any] | None:
    texts = body.get("texts")
    if len(body) != 1 or not isinstance(texts, list) or not all(map(_is_text, texts)):
        return None
    if not 0 < len(texts) <= MAX_BATCH_TEXTS:
        return None
    predictions = measured.predict(model, texts)
    return {
        "predictions": [
            {"label": one.label.id, "probability": one.probability} for one in predictions
        ]
    }


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_TEXT_CHARS


_ROUTES = {"/predict": _predict, "/predict/batch": _predict_batch}

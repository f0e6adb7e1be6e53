"""The fast path: the plain requests, answered without Powertools, pydantic or the EMF library.

It answers only a POST without a query (with a prediction, or with the error of an invalid body)
and a warm-up. The full app would answer these with the same status, headers and body, byte for
byte; a property test compares both.
"""

from __future__ import annotations

from functools import cache

from serving.app import errors
from serving.app.request import reader, strict_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.app.engines.predictor import Predictor
    from serving.app.telemetry.metrics import Measurements


def respond(
    event: Any, model: Predictor, measurements: Measurements, request_id: str
) -> dict[str, Any] | None:
    """Answer an event with an API Gateway proxy response; None leaves it to the full app.

    Arguments are those of `api.respond`; `measurements` stays as it was where the answer is None.
    """
    measured = measurements.copy()
    try:
        answer = _answer(event, model, measured)
    except errors.RequestError as error:  # the full app would refuse the body once more
        from serving.app.http.problems import respond as refuse  # noqa: PLC0415 - only after an error

        measurements.take(measured)
        return refuse(error, request_id, measurements)
    except Exception:  # noqa: BLE001 - the full app meets the same error, and answers it
        return None
    if answer is None:
        return None
    measurements.take(measured)
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
    if event.get("queryStringParameters") or event.get("multiValueQueryStringParameters"):
        return None
    measured.properties |= {"path": "fast", "route": route}
    body = reader.read_body(event, model.input.bounds)
    return _to_json(_ROUTES[route](body, model, measured), model)


def _to_json(found: dict[str, Any], model: Predictor) -> str:
    """An answer, which is an object with members, with the model's name and version at its end."""
    last = _write_model(model.manifest.name, model.manifest.version)
    return f"{strict_json.to_json(found)[:-1]},{last}"


@cache
def _write_model(name: str, version: str) -> str:
    """The last member of each answer, and the bracket that closes the answer: written once."""
    return strict_json.to_json({"model": {"name": name, "version": version}})[1:]


def _warm_up(model: Predictor, measured: Measurements) -> str:
    """Answer as `GET /health`, which reads the whole model."""
    measured.properties |= {"path": "fast", "route": reader.WARM_UP}
    model.check()
    return _to_json({"status": "ok"}, model)


def _predict(body: Any, model: Predictor, measured: Measurements) -> dict[str, Any]:
    (prediction,) = measured.predict(model, [model.input.read(body)])
    measured.properties |= prediction.properties()
    answer: dict[str, Any] = prediction.answer()
    return answer


def _predict_batch(body: Any, model: Predictor, measured: Measurements) -> dict[str, Any]:
    predictions = measured.predict(model, model.input.read_batch(body))
    return {"predictions": [one.item() for one in predictions]}


_ROUTES = {"/predict": _predict, "/predict/batch": _predict_batch}

"""Lambda's entry point: read, predict, answer, measure.

A plain request takes the fast path, any other one the full app, which loads when it is needed.
"""

from __future__ import annotations

import os

from serving.app.engines.predictor import Predictor, load_predictor
from serving.app.errors import INTERNAL, INTERNAL_KIND
from serving.app.http import fast_path
from serving.app.request import reader, shapes, strict_json
from serving.app.settings import read_settings
from serving.app.telemetry.metrics import Emitter, Measurements
from serving.bundle import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.bundle.errors import ModelError


class Service:
    """What one execution environment keeps between invocations."""

    def __init__(self) -> None:
        settings = read_settings()
        self._emitter = Emitter(settings)
        self._cors = settings.cors_headers
        self._base_path = settings.base_path
        self._cold = True
        self._model: Predictor | ModelError
        try:
            self._model = load_predictor(settings.bundle)
        except errors.ModelError as error:
            from serving.app.telemetry.log import log_unservable  # noqa: PLC0415 - only after an error

            # Not raised: Lambda would try init again and again, and callers would get a 502.
            log_unservable(error)
            self._model = error

    def handle(self, event: Any, request_id: str) -> dict[str, Any]:
        """Answer one event with a proxy response, and write its metrics. Raises nothing."""
        shape = shapes.find_shape(event)
        answer = self._handle(shapes.to_rest(event, shape), request_id)
        return shapes.from_rest(answer, shape)

    def _handle(self, event: Any, request_id: str) -> dict[str, Any]:
        measurements = self._begin(request_id)
        try:
            answer = self._respond(event, measurements, request_id)
            reader.check_sendable(answer)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - what left here could end the runtime
            answer = _respond_to_error(error, request_id, measurements)
        if reader.is_head(event):
            answer["body"] = ""
        version = measurements.properties.get("modelVersion", "none")
        headers = {"X-Model-Version": [version], "X-Request-Id": [request_id]}
        if "cold_start" in measurements.metrics:  # for the page at /; W3C, "Server Timing"
            headers["Server-Timing"] = ["cold"]
        answer["multiValueHeaders"] |= headers | self._cors
        measurements.properties["status"] = answer["statusCode"]
        measurements.metrics["error.count"] = int(answer["statusCode"] >= 400)  # noqa: PLR2004
        self._emitter.emit(measurements, fast=measurements.properties["path"] == "fast")
        return answer

    def _respond(self, event: Any, measurements: Measurements, request_id: str) -> dict[str, Any]:
        event = reader.strip_base_path(event, self._base_path)
        if isinstance(self._model, Predictor):
            answer = fast_path.respond(event, self._model, measurements, request_id)
            if answer is not None:
                return answer
        if self._cors:
            from serving.app.http import preflight  # noqa: PLC0415 - a plain request needs none

            answer = preflight.respond(event)
            if answer is not None:
                measurements.properties["route"] = preflight.ROUTE
                return answer
        from serving.app.http import full_app  # noqa: PLC0415 - Powertools and pydantic

        return full_app.respond(event, self._model, measurements, request_id)

    def _begin(self, request_id: str) -> Measurements:
        cold, self._cold = self._cold, False
        measurements = Measurements({}, {"requestId": request_id, "path": "full", "route": "none"})
        if cold:
            measurements.metrics["cold_start"] = 1
        if isinstance(self._model, Predictor):
            measurements.properties |= self._model.properties
            if cold:
                measurements.metrics["load_model.duration"] = self._model.load_milliseconds
        return measurements


def _respond_to_error(
    error: BaseException, request_id: str, measurements: Measurements
) -> dict[str, Any]:
    try:
        from serving.app.http.problems import respond  # noqa: PLC0415 - only after an error

        return respond(error, request_id, measurements)
    except (Exception, SystemExit):  # noqa: BLE001 - no file can be opened, no memory is left
        measurements.properties["problem"] = INTERNAL_KIND
        problem = INTERNAL | {"request_id": request_id}
        return {
            "statusCode": INTERNAL["status"],
            "body": strict_json.to_json(problem),
            "isBase64Encoded": False,
            "multiValueHeaders": {"Content-Type": ["application/problem+json"]},
        }


def _read_request_id(context: Any) -> str:
    """The invocation's id, or a new one where the caller gives none that a header can carry."""
    found = getattr(context, "aws_request_id", None)
    if isinstance(found, str) and found and found.isascii() and found.isprintable():
        return found
    return os.urandom(16).hex()


# Lambda's init phase is the import of this module: the model loads here, once an environment.
_service = Service()


def lambda_handler(event: Any, context: Any) -> dict[str, Any]:
    """Answer a proxy event of any shape: a REST or HTTP API's, a function URL's, a balancer's."""
    return _service.handle(event, _read_request_id(context))

"""The full app: every route of the HTTP contract, through Powertools' REST resolver.

Powertools never meets a raw event: it routes the reader's plain one and takes the body from the
reader, so that what can be hostile in an event is dealt with in one place.
"""

import os
import re
from typing import Any

# Powertools would print requests, or end at a value that it does not know.
os.environ["POWERTOOLS_DEBUG"] = "false"

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.models import OpenAPI, Server

from serving.app.engines.predictor import Predictor
from serving.app.errors import Invalid, MethodNotAllowed, NotFound
from serving.app.http.problems import broken_rule, problem
from serving.app.http.routes import router
from serving.app.limits import (
    MAX_BODY_BYTES,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_HEADERS,
    MAX_NAMES,
    MAX_PARAMETERS,
    MAX_VALUES,
)
from serving.app.request import reader, strict_json
from serving.app.request.events import plain_event
from serving.app.telemetry.log import log_unservable
from serving.app.telemetry.metrics import Measurements
from serving.bundle.errors import ModelError

METHODS = {
    "/predict": "POST",
    "/predict/batch": "POST",
    "/model": "GET",
    "/labels": "GET",
    "/health": "GET",
    "/openapi.json": "GET",
    "/docs": "GET",
}
ALLOWED = {"GET": "GET, HEAD", "POST": "POST"}  # HEAD wherever GET is (RFC 9110, 9.1)
OPENAPI: dict[str, Any] = {
    "title": "Quickthaw",
    "version": "1",
    "description": (
        "Labels texts with a scikit-learn model.\n\n"
        f"A body is strict JSON in UTF-8 (RFC 7493) of at most {MAX_BODY_BYTES:,} bytes and "
        f"{MAX_VALUES:,} values, {MAX_NAMES} names an object, {MAX_DEPTH} deep, its integers of at "
        f"most {MAX_DIGITS} digits. A request has at most {MAX_HEADERS} headers, and "
        f"{MAX_PARAMETERS} parameters in its query."
    ),
}


def _read_body(_: str) -> dict[str, Any]:
    """The body of the event that is being answered, for Powertools to validate."""
    return reader.read_object(app.context["event"])


class _Resolver(APIGatewayRestResolver):
    def _get_base_path(self) -> str:
        """What stands before the route in the URL: the server's address in both documents.

        Powertools takes the stage's name for a prefix wherever the path happens to start like it.
        """
        event = self.current_event
        prefix = str(event.request_context.path).removesuffix(event.path)
        # It goes into a page's script: of what a base path can have, what is harmless there.
        return prefix if re.fullmatch(r"(/[\w.~-]{1,128}){0,8}", prefix, re.ASCII) else ""

    def get_openapi_schema(self, **options: Any) -> OpenAPI:
        """Without the 422 that Powertools adds to each route: one without input has none."""
        document = super().get_openapi_schema(**options)
        for path in (document.paths or {}).values():
            if path.get and path.get.responses:
                path.get.responses.pop(422, None)
        return document


app: _Resolver = _Resolver(
    enable_validation=True,
    serializer=strict_json.to_json,
    json_body_deserializer=_read_body,
    debug=False,  # said, or POWERTOOLS_DEV makes it print requests
)
app.include_router(router)


def respond(
    event: Any, model: Predictor | ModelError, measurements: Measurements, request_id: str
) -> dict[str, Any]:
    """Answer an event with an API Gateway proxy response.

    Args:
        event: An API Gateway proxy event (REST API, payload 1.0), or whatever else arrives.
        model: The model to serve, or why there is none.
        measurements: Takes what is measured on the way.
        request_id: The invocation's, for problems and their log records.

    Raises:
        RequestError: There is no such route, or the event is none of API Gateway's. What goes
            wrong in a route is answered.
    """
    if reader.is_warm_up(event):
        measurements.properties["route"] = reader.WARM_UP
        plain = plain_event({"httpMethod": "GET", "path": "/health"})
    else:
        plain = plain_event(event)
        _check_route(plain, measurements)
        reader.check_headers(event)
    app.append_context(event=event, model=model, measurements=measurements, id=request_id)  # type: ignore[no-untyped-call]
    # For the routes HEAD is GET; the handler leaves its body out.
    plain["httpMethod"] = METHODS[plain["path"]]
    answer: dict[str, Any] = app.resolve(plain, None)  # type: ignore[arg-type]
    return answer


@app.get("/openapi.json", include_in_schema=False)
def openapi() -> Response[str]:
    server = Server(url=app._get_base_path() or "/")  # noqa: SLF001 - ours
    document = app.get_openapi_json_schema(**OPENAPI, servers=[server])
    return Response(status_code=200, content_type="application/json", body=document)


app.enable_swagger(path="/docs", **OPENAPI)


@app.exception_handler(RequestValidationError)  # type: ignore[untyped-decorator]
def _broken_rules(error: RequestValidationError) -> Response[str]:
    return _to_response(Invalid(list(dict.fromkeys(map(broken_rule, error.errors())))))


@app.exception_handler(Exception)  # type: ignore[untyped-decorator]
def _unhandled(error: Exception) -> Response[str]:
    if isinstance(error, ModelError) and error is not app.context["model"]:  # logged at the start
        log_unservable(error, app.context["id"])
    return _to_response(error)


def _to_response(error: Exception) -> Response[str]:
    status, headers, body = problem(error, app.context["id"], app.context["measurements"])
    content_type = headers.pop("Content-Type")
    return Response(status_code=status, content_type=content_type, headers=headers, body=body)


def _check_route(plain: dict[str, Any], measurements: Measurements) -> None:
    """Refuse paths and methods that there are not; Powertools would take "/predict/", too.

    Raises:
        NotFound, MethodNotAllowed: There is no such route.
    """
    if plain["path"] not in METHODS:
        raise NotFound("See /docs for the paths there are.")
    measurements.properties["route"] = plain["path"]
    allowed = ALLOWED[METHODS[plain["path"]]]
    if plain["httpMethod"] not in allowed.split(", "):
        raise MethodNotAllowed(allowed)

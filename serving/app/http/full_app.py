"""The full app: every route of the HTTP contract, through Powertools' REST resolver.

Powertools never meets a raw event: it routes the reader's plain one and reads its query. The body
is read as the fast path reads it, so that what is hostile in an event is dealt with in one place.
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
from serving.app.http.document import add_model
from serving.app.http.page import read_page
from serving.app.http.problems import broken_rule, problem
from serving.app.http.routes import read_value, router
from serving.app.request import reader, strict_json
from serving.app.request.events import plain_event
from serving.app.telemetry.log import log_unservable
from serving.app.telemetry.metrics import Measurements
from serving.bundle.errors import ModelError

METHODS = {
    "/": "GET",
    "/predict": "POST",
    "/predict/batch": "POST",
    "/model": "GET",
    "/labels": "GET",
    "/health": "GET",
    "/openapi.json": "GET",
    "/docs": "GET",
}
ALLOWED = {"GET": "GET, HEAD", "POST": "POST"}  # HEAD wherever GET is (RFC 9110, 9.1)
OPENAPI: dict[str, Any] = {"title": "Quickthaw", "version": "1"}


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
        """With what the model has, and without the 422 that Powertools adds to each route."""
        document = super().get_openapi_schema(**options)
        for path in (document.paths or {}).values():
            if path.get and path.get.responses:
                path.get.responses.pop(422, None)
        model = self.context["model"]
        if isinstance(model, Predictor):
            add_model(document, model.manifest, model.input.bounds)
        return document


app: _Resolver = _Resolver(
    enable_validation=True,
    serializer=strict_json.to_json,
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


@app.get("/", include_in_schema=False)
def page() -> Response[str]:
    body, headers = read_page()
    return Response(200, content_type="text/html; charset=utf-8", body=body, headers=headers)


@app.get("/openapi.json", include_in_schema=False)
def openapi() -> Response[str]:
    server = Server(url=app._get_base_path() or "/")  # noqa: SLF001 - ours
    document = app.get_openapi_json_schema(**OPENAPI, servers=[server])
    return Response(status_code=200, content_type="application/json", body=document)


app.enable_swagger(path="/docs", **OPENAPI)


@app.exception_handler(RequestValidationError)  # type: ignore[untyped-decorator]
def _broken_rules(error: RequestValidationError) -> Response[str]:
    """A query that breaks rules: those that the body breaks are told with them."""
    rules = list(dict.fromkeys(map(broken_rule, error.errors())))
    try:
        read_value()
    except Invalid as invalid:
        rules += invalid.rules
    except Exception as worse:  # noqa: BLE001 - the body cannot be read, or there is no model
        return _to_answer(worse)
    return _to_response(Invalid(rules))


@app.exception_handler(Exception)  # type: ignore[untyped-decorator]
def _unhandled(error: Exception) -> Response[str]:
    return _to_answer(error)


def _to_answer(error: Exception) -> Response[str]:
    if isinstance(error, ModelError) and error is not app.context["model"]:  # logged at the start
        log_unservable(error, app.context["id"])
    return _to_response(error)


def _to_response(error: Exception) -> Response[str]:
    status, headers, body = problem(error, app.context["id"], app.context["measurements"])
    content_type = headers.pop("Content-Type")
    return Response(status_code=status, content_type=content_type, headers=headers, body=body)


def _check_route(plain: dict[str, Any], measurements: Measurements) -> None:
    """Refuse unknown paths and methods; Powertools would also accept "/predict/".

    Raises:
        NotFound, MethodNotAllowed: There is no such route.
    """
    if plain["path"] not in METHODS:
        raise NotFound("See /docs for the paths there are.")
    measurements.properties["route"] = plain["path"]
    allowed = ALLOWED[METHODS[plain["path"]]]
    if plain["httpMethod"] not in allowed.split(", "):
        raise MethodNotAllowed(allowed)

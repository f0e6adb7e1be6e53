"""The full app: every route of the HTTP contract, through Powertools' REST resolver.

Powertools never meets a raw event: it routes the gate's plain one and takes the body from the
gate, so that what can be hostile in an event is dealt with in one place.
"""

import math
import time
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.models import Server
from aws_lambda_powertools.event_handler.openapi.params import Query

from serving.app import gate, schema
from serving.app.errors import (
    InternalError,
    Invalid,
    Malformed,
    MethodNotAllowed,
    ModelError,
    NotFound,
    ServiceError,
    TooLarge,
    UnsupportedMedia,
)
from serving.app.metrics import Measurements
from serving.app.predictor import Prediction, Predictor
from serving.app.problems import PROBLEM_JSON, broken_rule, problem, to_json
from serving.app.settings import MAX_EXPLAINED_TERMS, MAX_TOP

METHODS = {
    "/predict": "POST",
    "/predict/batch": "POST",
    "/model": "GET",
    "/labels": "GET",
    "/health": "GET",
    "/openapi.json": "GET",
    "/docs": "GET",
}
OPENAPI: dict[str, Any] = {
    "title": "Quickthaw",
    "version": "1",
    "description": "Labels texts with a scikit-learn model.",
}


def _documented(*errors: type[ServiceError]) -> dict[int, Any]:
    """What OpenAPI says of the errors that a route can answer."""
    content = {PROBLEM_JSON: {"model": schema.Problem}}
    return {error.status: {"description": error.title, "content": content} for error in errors}


_READ_ERRORS = _documented(InternalError, ModelError)
_PREDICT_ERRORS = _documented(
    Malformed, TooLarge, UnsupportedMedia, Invalid, InternalError, ModelError
)

app = APIGatewayRestResolver(
    enable_validation=True,
    serializer=to_json,
    json_body_deserializer=lambda _: gate.read_object(app.context["event"]),
)


def respond(
    event: Any, model: Predictor | ModelError, measurements: Measurements, request_id: str
) -> dict[str, Any]:
    """Answer an event with an API Gateway proxy response. Raises nothing.

    Args:
        event: An API Gateway proxy event (REST API, payload 1.0), or whatever else arrives.
        model: The model to serve, or why there is none.
        measurements: Takes what is measured on the way.
        request_id: The invocation's; the answer carries it.
    """
    try:
        app.append_context(event=event, model=model, measurements=measurements, id=request_id)
        plain = gate.plain_event(event)
        measurements.properties["route"] = plain["path"] if plain["path"] in METHODS else "none"
        answer: dict[str, Any] = app.resolve(plain, None)  # type: ignore[arg-type]
    except Exception as error:  # noqa: BLE001
        status, headers, body = problem(error, request_id)
        answer = {"statusCode": status, "body": body, "isBase64Encoded": False}
        answer["multiValueHeaders"] = {name: [value] for name, value in headers.items()}
    version = "none" if isinstance(model, ModelError) else model.manifest.version
    answer["multiValueHeaders"] |= {"X-Model-Version": [version], "X-Request-Id": [request_id]}
    return answer


@app.post("/predict", summary="Label one text", responses=_PREDICT_ERRORS)
def predict(
    body: schema.PredictRequest,
    top: Annotated[
        int, Query(ge=0, le=MAX_TOP, description="Add this many of the most probable labels")
    ] = 0,
    explain: Annotated[  # noqa: FBT002
        bool, Query(description="Add the terms that count most for the label")
    ] = False,
) -> schema.PredictResponse:
    model = _model()
    prediction = _predict(model, [body.text])[0]
    label = prediction.label
    _measurements().properties["label"] = label.id
    answer = schema.PredictResponse(
        label=label.id,
        title=label.title,
        probability=prediction.probability,
        model=_model_name(model),
    )
    if top:
        answer.top = [
            schema.LabelScore(label=label.id, title=label.title, probability=probability)
            for label, probability in model.top(prediction, top)
        ]
    if explain:
        answer.explanation = _explanation(model, body.text, prediction)
    return answer


@app.post("/predict/batch", summary="Label many texts", responses=_PREDICT_ERRORS)
def predict_batch(body: schema.BatchRequest) -> schema.BatchResponse:
    model = _model()
    return schema.BatchResponse(
        predictions=[
            schema.BatchPrediction(label=one.label.id, probability=one.probability)
            for one in _predict(model, body.texts)
        ],
        model=_model_name(model),
    )


@app.get("/model", summary="The model's passport", responses=_READ_ERRORS)
def passport() -> schema.Passport:
    manifest = _model().manifest
    return schema.Passport(
        name=manifest.name,
        version=manifest.version,
        input=manifest.input,
        engine=manifest.engine,
        versions=manifest.versions,
        dataset_sha256=manifest.dataset_sha256,
        parameters=manifest.parameters,
        metrics=manifest.metrics,
        labels=[label.id for label in manifest.labels],
    )


@app.get("/labels", summary="What the labels mean", responses=_READ_ERRORS)
def labels() -> schema.LabelsResponse:
    return schema.LabelsResponse(
        labels=[schema.LabelDescription(**vars(label)) for label in _model().manifest.labels]
    )


@app.get("/health", summary="Whether the service can predict", responses=_READ_ERRORS)
def health() -> schema.Health:
    return schema.Health(status="ok", model=_model_name(_model()))


@app.get("/openapi.json", include_in_schema=False)
def openapi() -> Response[str]:
    # The stage prefix under which this request came is the server's address (see Powertools'
    # own docs page), or the document's "try it out" would miss the stage.
    server = Server(url=app._get_base_path() or "/")  # noqa: SLF001
    document = app.get_openapi_json_schema(**OPENAPI, servers=[server])
    return Response(status_code=200, content_type="application/json", body=document)


app.enable_swagger(path="/docs", **OPENAPI)


@app.not_found
def _no_route(_: Exception) -> Response[str]:
    allowed = METHODS.get(app.current_event.path)
    error = MethodNotAllowed(allowed) if allowed else NotFound("See /docs for the paths there are.")
    return _problem_response(error)


@app.exception_handler(RequestValidationError)
def _broken_rules(error: RequestValidationError) -> Response[str]:
    return _problem_response(Invalid([broken_rule(one) for one in error.errors()]))


@app.exception_handler(Exception)
def _problem_response(error: Exception) -> Response[str]:
    status, headers, body = problem(error, app.context["id"])
    content_type = headers.pop("Content-Type")
    return Response(status_code=status, content_type=content_type, headers=headers, body=body)


def _measurements() -> Measurements:
    found: Measurements = app.context["measurements"]
    return found


def _model() -> Predictor:
    """The model to serve.

    Raises:
        ModelError: There is none.
    """
    model: Predictor | ModelError = app.context["model"]
    if isinstance(model, ModelError):
        raise model.with_traceback(None)  # or each request would lengthen the one traceback
    return model


def _model_name(model: Predictor) -> schema.ModelName:
    return schema.ModelName(name=model.manifest.name, version=model.manifest.version)


def _predict(model: Predictor, texts: list[str]) -> list[Prediction]:
    """Predict, and measure it."""
    start = time.perf_counter()
    predictions = model.predict(texts)
    milliseconds = (time.perf_counter() - start) * 1000
    terms = sum(one.scores.terms for one in predictions)
    unknown = sum(one.scores.unknown_terms for one in predictions)
    confidences = [one.probability for one in predictions if one.probability is not None]
    metrics = _measurements().metrics
    metrics["input.num_chars"] = sum(map(len, texts))
    metrics["input.num_texts"] = len(texts)
    metrics["input.unknown_terms"] = unknown / terms if terms else 1.0
    metrics["predict.duration"] = milliseconds
    if confidences:
        metrics["prediction.confidence"] = math.fsum(confidences) / len(confidences)
    return predictions


def _explanation(model: Predictor, text: str, prediction: Prediction) -> list[schema.TermWeight]:
    weighed = model.explain(text, prediction, MAX_EXPLAINED_TERMS)
    if weighed is None:
        raise Invalid([("query.explain", "This model's classifier has no weight per term")])
    return [schema.TermWeight(term=term, weight=weight) for term, weight in weighed]

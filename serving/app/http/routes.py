"""The routes that need the model: labels for texts, and what is known of the model."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, BeforeValidator, Field

from serving.app.engines.predictor import Prediction, Predictor
from serving.app.errors import (
    InternalError,
    Invalid,
    Malformed,
    NotServable,
    RequestError,
    ServiceError,
    TooLarge,
    UnsupportedMedia,
)
from serving.app.http import schema
from serving.app.http.problems import PROBLEM_JSON
from serving.app.limits import MAX_EXPLAINED_TERMS, MAX_TOP
from serving.app.telemetry.metrics import Measurements
from serving.bundle.errors import ModelError

router = Router()  # type: ignore[no-untyped-call]


def _header(description: str, kind: str = "string") -> dict[str, Any]:
    return {"description": description, "required": True, "schema": {"type": kind}}


_HEADERS = {
    "X-Request-Id": _header("The id under which the service logged the request"),
    "X-Model-Version": _header("First 12 hex digits of the sha256 of model.joblib, or none"),
}
_RETRY = {"Retry-After": _header("Seconds to wait", "integer")}


def _responses(success: type[BaseModel], *errors: type[ServiceError]) -> dict[int, Any]:
    """What OpenAPI says of the answers of a route."""
    content = {PROBLEM_JSON: {"model": schema.Problem}}
    return {
        200: {
            "description": "OK",
            "headers": _HEADERS,
            "content": {"application/json": {"model": success}},
        },
        **{
            error.status: {
                "description": error.title,
                "headers": _HEADERS | (_RETRY if error is NotServable else {}),
                "content": content,
            }
            for error in errors
        },
    }


_READ_ERRORS = (RequestError, InternalError, NotServable)
# The last one of a status describes it.
_PREDICT_ERRORS = (*_READ_ERRORS, Malformed, TooLarge, UnsupportedMedia, Invalid)


@router.post(
    "/predict",
    operation_id="predict",
    summary="Label one text",
    responses=_responses(schema.PredictResponse, *_PREDICT_ERRORS),
)
def predict(
    body: schema.PredictRequest,
    top: Annotated[
        int,
        Field(ge=0, le=MAX_TOP),
        BeforeValidator(schema.plain_integer),
        Query(description="Add this many of the most probable labels"),
    ] = 0,
    explain: Annotated[  # noqa: FBT002
        bool,
        BeforeValidator(schema.plain_boolean),
        Query(description="Add the terms that count most for the label"),
    ] = False,
) -> schema.PredictResponse:
    model = _model()
    (prediction,) = _measurements().predict(model, [body.text])
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


@router.post(
    "/predict/batch",
    operation_id="predictBatch",
    summary="Label many texts",
    responses=_responses(schema.BatchResponse, *_PREDICT_ERRORS),
)
def predict_batch(body: schema.BatchRequest) -> schema.BatchResponse:
    model = _model()
    return schema.BatchResponse(
        predictions=[
            schema.BatchPrediction(label=one.label.id, probability=one.probability)
            for one in _measurements().predict(model, body.texts)
        ],
        model=_model_name(model),
    )


@router.get(
    "/model",
    operation_id="model",
    summary="The model's passport",
    responses=_responses(schema.Passport, *_READ_ERRORS),
)
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


@router.get(
    "/labels",
    operation_id="labels",
    summary="What the labels mean",
    responses=_responses(schema.LabelsResponse, *_READ_ERRORS),
)
def labels() -> schema.LabelsResponse:
    return schema.LabelsResponse(
        labels=[schema.LabelDescription(**vars(label)) for label in _model().manifest.labels]
    )


@router.get(
    "/health",
    operation_id="health",
    summary="Whether the service can predict",
    responses=_responses(schema.Health, *_READ_ERRORS),
)
def health() -> schema.Health:
    model = _model()
    model.check()
    return schema.Health(status="ok", model=_model_name(model))


def _measurements() -> Measurements:
    found: Measurements = router.context["measurements"]
    return found


def _model() -> Predictor:
    """The model to serve.

    Raises:
        ModelError: There is none.
    """
    model: Predictor | ModelError = router.context["model"]
    if isinstance(model, ModelError):
        raise model.with_traceback(None)  # or each request would lengthen the one traceback
    return model


def _model_name(model: Predictor) -> schema.ModelName:
    return schema.ModelName(name=model.manifest.name, version=model.manifest.version)


def _explanation(model: Predictor, text: str, prediction: Prediction) -> list[schema.TermWeight]:
    weighed = model.explain(text, prediction, MAX_EXPLAINED_TERMS)
    if weighed is None:
        raise Invalid([("query.explain", "This model has no weight per term")])
    return [schema.TermWeight(term=term, weight=weight) for term, weight in weighed]

"""The routes that need the model: predictions, and what is known of the model.

What goes in and comes out of a prediction depends on the model; document.py says it in OpenAPI.
"""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.api_gateway import Response, Router
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BeforeValidator, Field

from serving.app.engines.predictor import Predictor
from serving.app.errors import Invalid
from serving.app.http import schema
from serving.app.http.responses import PREDICT_ERRORS, READ_ERRORS, list_responses
from serving.app.limits import MAX_TOP
from serving.app.request import reader
from serving.app.request.strict_json import to_json
from serving.app.telemetry.metrics import Measurements
from serving.bundle.errors import ModelError

router = Router()  # type: ignore[no-untyped-call]


@router.post(
    "/predict",
    operation_id="predict",
    summary="Predict from one input",
    responses=list_responses(None, *PREDICT_ERRORS),
)
def predict(
    top: Annotated[
        int,
        Field(ge=0, le=MAX_TOP),
        BeforeValidator(schema.plain_integer),
        Query(description="Add this many of the most probable labels"),
    ] = 0,
    explain: Annotated[  # noqa: FBT002
        bool,
        BeforeValidator(schema.plain_boolean),
        Query(description="Add what counts most for what is predicted"),
    ] = False,
) -> Response[str]:
    model, value = _model(), read_value()
    (prediction,) = _measurements().predict(model, [value])
    _measurements().properties |= prediction.properties()
    answer: dict[str, Any] = prediction.answer() | {"model": _name(model)}
    if top:
        answer["top"] = _rank(model, prediction, top)
    if explain:
        answer["explanation"] = model.explain(value, prediction)
    return _to_response(answer)


@router.post(
    "/predict/batch",
    operation_id="predictBatch",
    summary="Predict from many inputs",
    responses=list_responses(None, *PREDICT_ERRORS),
)
def predict_batch() -> Response[str]:
    model = _model()
    predictions = _measurements().predict(model, read_value())
    items = [one.item() for one in predictions]
    return _to_response({"predictions": items, "model": _name(model)})


@router.get(
    "/model",
    operation_id="model",
    summary="What the model is",
    responses=list_responses(schema.ModelDetails, *READ_ERRORS),
)
def model_details() -> schema.ModelDetails:
    manifest = _model().manifest
    return schema.ModelDetails(
        name=manifest.name,
        title=manifest.title,
        version=manifest.version,
        task=manifest.task,
        input=manifest.input,
        target=manifest.target,
        interval=manifest.interval,
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
    responses=list_responses(schema.LabelsResponse, *READ_ERRORS),
)
def labels() -> schema.LabelsResponse:
    return schema.LabelsResponse(
        labels=[schema.LabelDescription(**vars(label)) for label in _model().manifest.labels]
    )


@router.get(
    "/health",
    operation_id="health",
    summary="Whether the service can predict",
    responses=list_responses(schema.Health, *READ_ERRORS),
)
def health() -> schema.Health:
    model = _model()
    model.check()
    return schema.Health(status="ok", model=schema.ModelName(**_name(model)))


def read_value() -> Any:
    """What the body of the event that is being answered holds: a value, or those of a batch.

    Raises:
        ModelError: There is no model that could say.
        RequestError: It cannot be read.
    """
    reads, event = _model().input, router.context["event"]
    body = reader.read_body(event, reads.bounds)
    return reads.read_batch(body) if event["path"] == "/predict/batch" else reads.read(body)


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


def _to_response(answer: dict[str, Any]) -> Response[str]:
    """Not through pydantic: the bytes are to be those of the fast path."""
    body = to_json(answer)
    return Response(status_code=200, content_type="application/json", body=body)


def _name(model: Predictor) -> dict[str, str]:
    return {"name": model.manifest.name, "version": model.manifest.version}


def _rank(model: Predictor, prediction: Any, count: int) -> list[dict[str, Any]]:
    ranked = model.top(prediction, count)
    if ranked is None:
        raise Invalid([("query.top", "This model has no labels")])
    return [
        {"label": label.id, "title": label.title, "probability": probability}
        for label, probability in ranked
    ]

"""The reference: the same model served in the straightforward way, with everything that it may do.

One predict_proba a request, no work twice, no log line a request, bodies and answers checked.
"""

import os
import time
from pathlib import Path
from typing import Annotated, Any

import joblib
from aws_embedded_metrics.logger.metrics_logger import MetricsLogger
from aws_embedded_metrics.metric_scope import metric_scope
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, Field

DEFAULT = Path(__file__).parents[1] / "serving/app/data/model.joblib"

logger = Logger(service="naive")
app = APIGatewayRestResolver(enable_validation=True)
model = joblib.load(os.environ.get("MODEL_PATH", DEFAULT))
labels = [str(label) for label in model.classes_]
logger.info("model loaded", extra={"labels": len(labels)})

Text = Annotated[str, Field(min_length=1, max_length=50_000)]


class PredictRequest(BaseModel):
    text: Text


class BatchRequest(BaseModel):
    texts: list[Text] = Field(min_length=1, max_length=1_000)


class Prediction(BaseModel):
    label: str
    probability: float = Field(ge=0, le=1)


class BatchResponse(BaseModel):
    predictions: list[Prediction]


@app.post("/predict")
def predict(body: PredictRequest) -> Prediction:
    (prediction,) = classify([body.text])
    return prediction


@app.post("/predict/batch")
def predict_batch(body: BatchRequest) -> BatchResponse:
    return BatchResponse(predictions=classify(body.texts))


def classify(texts: list[str]) -> list[Prediction]:
    """Predict, and measure it."""
    start = time.perf_counter()
    probabilities = model.predict_proba(texts)
    best = probabilities.argmax(axis=1)
    highest = probabilities.max(axis=1)
    metrics: MetricsLogger = app.context["metrics"]
    metrics.put_metric("duration", (time.perf_counter() - start) * 1000, "Milliseconds")
    metrics.put_metric("num_chars", sum(map(len, texts)), "Count")
    metrics.put_metric("confidence", float(highest.mean()), "None")
    return [
        Prediction(label=labels[index], probability=probability)
        for index, probability in zip(best.tolist(), highest.tolist(), strict=True)
    ]


@metric_scope
def handler(event: dict[str, Any], context: LambdaContext, metrics: MetricsLogger) -> Any:
    app.append_context(metrics=metrics)  # type: ignore[no-untyped-call]
    return app.resolve(event, context)

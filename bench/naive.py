"""The reference: the same model served in the straightforward way, with everything that it may do.

One prediction a request, no work twice, no log line a request, bodies and answers checked.
"""

# The types of bodies follow from the manifest.
# mypy: disable-error-code="valid-type"

import time
from typing import Any

from aws_embedded_metrics.logger.metrics_logger import MetricsLogger
from aws_embedded_metrics.metric_scope import metric_scope
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

from bench import plain
from bench.plain import Many, One, Prediction, Predictions, Value

logger = Logger(service="naive")
app = APIGatewayRestResolver(enable_validation=True)
logger.info("model loaded", extra={"labels": len(plain.labels)})


@app.post("/predict")
def predict(body: One) -> Prediction | Value:
    (prediction,) = measure([plain.read_one(body)])
    return prediction


@app.post("/predict/batch")
def predict_batch(body: Many) -> Predictions:
    return Predictions(predictions=measure(plain.read_many(body)))


def measure(values: list[Any]) -> list[Prediction | Value]:
    """Predict, and measure it."""
    start = time.perf_counter()
    predictions = plain.predict(values)
    metrics: MetricsLogger = app.context["metrics"]
    metrics.put_metric("duration", (time.perf_counter() - start) * 1000, "Milliseconds")
    metrics.put_metric("num_inputs", len(values), "Count")
    found = [one.value if isinstance(one, Value) else one.probability for one in predictions]
    known = [one for one in found if one is not None]
    if known:
        metrics.put_metric("prediction", sum(known) / len(known), "None")
    return predictions


@metric_scope
def handler(event: dict[str, Any], context: LambdaContext, metrics: MetricsLogger) -> Any:
    app.append_context(metrics=metrics)  # type: ignore[no-untyped-call]
    return app.resolve(event, context)

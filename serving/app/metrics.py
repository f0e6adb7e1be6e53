"""The metrics: one EMF document an invocation, on standard output.

The format is CloudWatch's embedded metric format; aws-embedded-metrics writes it. README.md,
"Metrics", lists what is in a document. Dimensions are the library's own, never values of a
request: each distinct value of a dimension would be a metric that is billed.
"""

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_embedded_metrics.environment.environment_detector import (
    EnvironmentCache,
    resolve_environment,
)
from aws_embedded_metrics.environment.lambda_environment import LambdaEnvironment
from aws_embedded_metrics.environment.local_environment import LocalEnvironment
from aws_embedded_metrics.logger.metrics_logger import MetricsLogger

from serving.app.settings import Settings

if TYPE_CHECKING:
    from aws_embedded_metrics.environment import Environment

UNITS = {
    "cold_start": "Count",
    "error.count": "Count",
    "input.num_chars": "Count",
    "input.num_texts": "Count",
    "input.unknown_terms": "None",
    "load_model.duration": "Milliseconds",
    "predict.duration": "Milliseconds",
    "prediction.confidence": "None",
}
PROPERTIES = ("engine", "label", "lane", "modelVersion", "requestId", "route", "status")

_log = logging.getLogger(__name__)


@dataclass
class Measurements:
    """What one invocation has measured so far: names of `UNITS` and `PROPERTIES`, with values."""

    metrics: dict[str, float] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)


class Emitter:
    """Writes measurements as EMF documents."""

    def __init__(self, settings: Settings) -> None:
        # Chosen, not probed for: the library's probes open sockets.
        local = settings.emf_environment == "Local"
        self._environment: Environment = LocalEnvironment() if local else LambdaEnvironment()
        self._namespace = settings.metrics_namespace

    def emit(self, measurements: Measurements) -> None:
        """Write one document. Whatever fails here is logged and costs no answer."""
        try:
            # Cached, so that the library does not start an event loop to ask for it.
            EnvironmentCache.environment = self._environment
            logger = MetricsLogger(resolve_environment)
            logger.set_namespace(self._namespace)
            for name, value in measurements.properties.items():
                logger.set_property(name, value)
            for name, number in measurements.metrics.items():
                logger.put_metric(name, number, UNITS[name])
            logger.flush_sync()
        except Exception as error:  # noqa: BLE001
            _log.error("metrics not written: %s", type(error).__name__)

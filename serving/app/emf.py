"""aws-embedded-metrics, kept from probing for its environment."""

from collections.abc import Mapping
from typing import Any

from aws_embedded_metrics.environment.environment_detector import (
    EnvironmentCache,
    resolve_environment,
)
from aws_embedded_metrics.environment.lambda_environment import LambdaEnvironment
from aws_embedded_metrics.environment.local_environment import LocalEnvironment
from aws_embedded_metrics.logger.metrics_logger import MetricsLogger

from serving.app.settings import Settings

_ENVIRONMENTS = {"Lambda": LambdaEnvironment(), "Local": LocalEnvironment()}


def write(
    settings: Settings,
    properties: Mapping[str, Any],
    metrics: Mapping[str, float],
    units: Mapping[str, str],
) -> None:
    """Write one EMF document to standard output.

    Raises:
        Exception: Whatever the library, or standard output, has against it.
    """
    # Chosen, as its probes open sockets; cached, or it starts an event loop to ask for it.
    EnvironmentCache.environment = _ENVIRONMENTS[settings.emf_environment]
    logger = MetricsLogger(resolve_environment)
    logger.set_namespace(settings.metrics_namespace)
    for name, value in properties.items():
        logger.set_property(name, value)
    for name, number in metrics.items():
        logger.put_metric(name, number, units[name])
    logger.flush_sync()

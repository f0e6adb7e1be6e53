"""aws-embedded-metrics, kept from probing for its environment."""

from aws_embedded_metrics.environment.environment_detector import (
    EnvironmentCache,
    resolve_environment,
)
from aws_embedded_metrics.environment.lambda_environment import LambdaEnvironment
from aws_embedded_metrics.environment.local_environment import LocalEnvironment
from aws_embedded_metrics.logger.metrics_logger import MetricsLogger

from serving.app.metrics import UNITS, Measurements
from serving.app.settings import Settings

_ENVIRONMENTS = {"Lambda": LambdaEnvironment(), "Local": LocalEnvironment()}


def write(measurements: Measurements, settings: Settings) -> None:
    """Write one EMF document to standard output.

    Raises:
        Exception: Whatever the library, or standard output, has against it.
    """
    # Chosen, as its probes open sockets; cached, or it starts an event loop to ask for it.
    EnvironmentCache.environment = _ENVIRONMENTS[settings.emf_environment]
    logger = MetricsLogger(resolve_environment)
    logger.set_namespace(settings.metrics_namespace)
    for name, value in measurements.properties.items():
        logger.set_property(name, value)
    for name, number in measurements.metrics.items():
        logger.put_metric(name, number, UNITS[name])
    logger.flush_sync()

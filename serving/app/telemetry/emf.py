"""aws-embedded-metrics, kept from probing for its environment."""

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

# The library imports its probe of EC2, and for that aiohttp: 60 ms and 11 MB of packages, for what
# is never asked. This stands in for the probe.
_PROBE = ModuleType("aws_embedded_metrics.environment.ec2_environment")
_PROBE.EC2Environment = type("EC2Environment", (), {})  # type: ignore[attr-defined]
sys.modules.setdefault(_PROBE.__name__, _PROBE)

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

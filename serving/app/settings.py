"""The settings, read from the environment once.

Nothing else in the app reads the environment.
"""

from __future__ import annotations

import os
import string
from types import SimpleNamespace

from serving.app.errors import SettingsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# What CloudWatch accepts as a namespace ("MetricDatum", PutMetricData API reference).
_NAMESPACE_CHARS = frozenset(string.ascii_letters + string.digits + "._#:/-")
_MAX_NAMESPACE_CHARS = 255
_HOST_CHARS = frozenset(string.ascii_letters + string.digits + ".-:[]")
_EMF_ENVIRONMENTS = ("Lambda", "Local")
# What Lambda itself sets.
_LAMBDA_FUNCTION = "AWS_LAMBDA_FUNCTION_NAME"
_LAMBDA_TRACE = "_X_AMZN_TRACE_ID"
_LAMBDA_PROPERTIES = {
    "executionEnvironment": "AWS_EXECUTION_ENV",
    "memorySize": "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "functionVersion": "AWS_LAMBDA_FUNCTION_VERSION",
    "logStreamId": "AWS_LAMBDA_LOG_STREAM_NAME",
}


class Settings(SimpleNamespace):
    """What a deployment can set. README.md, "Settings", lists them.

    Attributes:
        bundle: Folder that holds the manifest and the model.
        metrics_namespace: CloudWatch namespace of the metrics.
        emf_environment: "Lambda" or "Local": whose default dimensions and properties the EMF
            documents carry. Either way they go to standard output.
        emf_dimensions, emf_properties: Those of that environment.
        emf_extraction: Whether CloudWatch is to make metrics of the documents.
        cors_headers: What answers carry for the pages of another origin.
    """

    bundle: str
    metrics_namespace: str
    emf_environment: str
    emf_dimensions: dict[str, str]
    emf_properties: dict[str, str]
    emf_extraction: bool
    cors_headers: dict[str, list[str]]


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read and check the settings.

    Raises:
        SettingsError: A variable has a value that it cannot have; the message names it.
    """
    namespace = environ.get("AWS_EMF_NAMESPACE", "quickthaw")
    if not 0 < len(namespace) <= _MAX_NAMESPACE_CHARS or not _NAMESPACE_CHARS.issuperset(namespace):
        raise SettingsError(
            "AWS_EMF_NAMESPACE must be 1 to 255 of the characters A-Z a-z 0-9 . _ # : / -"
        )
    # Without a choice of ours the EMF library would probe for its environment, over sockets.
    detected = "Lambda" if _LAMBDA_FUNCTION in environ else "Local"
    emf_environment = environ.get("AWS_EMF_ENVIRONMENT", detected).capitalize()
    if emf_environment not in _EMF_ENVIRONMENTS:
        raise SettingsError(f"AWS_EMF_ENVIRONMENT must be one of: {', '.join(_EMF_ENVIRONMENTS)}")
    bundle = environ.get("QUICKTHAW_BUNDLE", os.path.join(os.path.dirname(__file__), "data"))
    if not bundle:
        raise SettingsError("QUICKTHAW_BUNDLE must be the path of a folder, or not set")
    dimensions, properties = _emf_defaults(emf_environment, environ)
    return Settings(
        bundle=bundle,
        metrics_namespace=namespace,
        emf_environment=emf_environment,
        emf_dimensions=dimensions,
        emf_properties=properties,
        emf_extraction=not _read_flag("AWS_EMF_DISABLE_METRIC_EXTRACTION", environ),
        cors_headers=_read_cors(environ.get("QUICKTHAW_ALLOW_ORIGIN", "")),
    )


def _read_cors(origin: str) -> dict[str, list[str]]:
    """The headers of the Fetch standard, "HTTP responses", for one origin or all ("*")."""
    if not origin:
        return {}
    scheme, _, host = origin.partition("://")
    if origin != "*" and (
        scheme not in ("http", "https") or not host or not _HOST_CHARS.issuperset(host)
    ):
        raise SettingsError("QUICKTHAW_ALLOW_ORIGIN must be * or as https://app.example.org")
    return {
        "Access-Control-Allow-Origin": [origin],
        "Access-Control-Expose-Headers": ["X-Model-Version, X-Request-Id"],
    }


def _read_flag(name: str, environ: Mapping[str, str]) -> bool:
    found = environ.get(name, "").lower()
    if found not in ("true", "false", ""):
        raise SettingsError(f"{name} must be true or false")
    return found == "true"


def read_trace_id(environ: Mapping[str, str] = os.environ) -> str | None:
    """X-Ray's id of this invocation, if it is sampled; Lambda sets it anew for each."""
    found = environ.get(_LAMBDA_TRACE, "")
    return found if "Sampled=1" in found else None


def _emf_defaults(
    environment: str, environ: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Default dimensions and properties, as aws-embedded-metrics fills them in."""
    service = environ.get("AWS_EMF_SERVICE_NAME")
    kind = environ.get("AWS_EMF_SERVICE_TYPE")
    if environment == "Local":
        group = environ.get("AWS_EMF_LOG_GROUP_NAME") or f"{service or 'Unknown'}-metrics"
        names, properties = (group, service or "Unknown", kind or "Unknown"), {}
    else:
        function = environ.get(_LAMBDA_FUNCTION, "")
        names = (function, service or function, kind or "AWS::Lambda::Function")
        properties = {name: environ.get(key, "") for name, key in _LAMBDA_PROPERTIES.items()}
    return dict(zip(("LogGroup", "ServiceName", "ServiceType"), names, strict=True)), properties

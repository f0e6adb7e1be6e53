"""The settings, read from the environment once.

Nothing else in the app reads the environment.
"""

from __future__ import annotations

import os
import string
from types import SimpleNamespace

from serving.app import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# What CloudWatch accepts as a namespace and as a dimension's value ("PutMetricData" and
# "Dimension", CloudWatch API reference); a document with anything else gives no metrics.
_NAMESPACE_CHARS = frozenset(string.ascii_letters + string.digits + "._#:/-")
_MAX_NAMESPACE_CHARS = 255
_MAX_DIMENSION_CHARS = 1024
_HOST_CHARS = frozenset(string.ascii_letters + string.digits + ".-:[]")
# The first parts of the service's own routes: a base path may not be one of them.
ROUTES = frozenset({"docs", "health", "labels", "model", "openapi.json", "predict"})
# What http/full_app.py may put into a page's script.
_BASE_PATH_CHARS = frozenset(string.ascii_letters + string.digits + "._-")
_MAX_BASE_PATH = 128
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
    """The settings of a deployment; docs/reference/settings.md lists them.

    Attributes:
        bundle: Folder that holds the manifest and the model.
        metrics_namespace: CloudWatch namespace of the metrics.
        emf_environment: "Lambda" or "Local": whose default dimensions and properties the EMF
            documents carry. Either way they go to standard output.
        emf_dimensions, emf_properties: Those of that environment.
        emf_extraction: Whether CloudWatch is to make metrics of the documents.
        base_path: What a custom domain has before the routes: "/nlp", or "".
        cors_headers: What answers carry for the pages of another origin.
    """

    bundle: str
    metrics_namespace: str
    emf_environment: str
    emf_dimensions: dict[str, str]
    emf_properties: dict[str, str]
    emf_extraction: bool
    base_path: str
    cors_headers: dict[str, list[str]]


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read and check the settings.

    Raises:
        SettingsError: A variable has a value that it cannot have; the message names it.
    """
    # Without a choice of ours the EMF library would probe for its environment, over sockets.
    detected = "Lambda" if _LAMBDA_FUNCTION in environ else "Local"
    emf_environment = environ.get("AWS_EMF_ENVIRONMENT", detected).capitalize()
    if emf_environment not in _EMF_ENVIRONMENTS:
        raise errors.SettingsError(
            f"AWS_EMF_ENVIRONMENT must be one of: {', '.join(_EMF_ENVIRONMENTS)}"
        )
    bundle = environ.get("QUICKTHAW_BUNDLE", os.path.join(os.path.dirname(__file__), "data"))
    if not bundle:
        raise errors.SettingsError("QUICKTHAW_BUNDLE must be the path of a folder, or not set")
    return Settings(
        bundle=bundle,
        metrics_namespace=_read_namespace(environ.get("AWS_EMF_NAMESPACE", "quickthaw")),
        emf_environment=emf_environment,
        emf_dimensions=_read_dimensions(emf_environment, environ),
        emf_properties=_read_properties(emf_environment, environ),
        emf_extraction=not _read_flag("AWS_EMF_DISABLE_METRIC_EXTRACTION", environ),
        base_path=_read_base_path(environ.get("QUICKTHAW_BASE_PATH", "")),
        cors_headers=_read_cors(environ.get("QUICKTHAW_ALLOW_ORIGIN", "")),
    )


def _read_namespace(found: str) -> str:
    if (
        not 0 < len(found) <= _MAX_NAMESPACE_CHARS
        or not _NAMESPACE_CHARS.issuperset(found)
        or found.startswith((":", "AWS/"))
    ):
        raise errors.SettingsError(
            "AWS_EMF_NAMESPACE must be 1 to 255 of the characters A-Z a-z 0-9 . _ # : / - "
            "and must not start with : or AWS/"
        )
    return found


def _read_base_path(name: str) -> str:
    if not _BASE_PATH_CHARS.issuperset(name) or name in (".", "..") or len(name) > _MAX_BASE_PATH:
        raise errors.SettingsError(
            "QUICKTHAW_BASE_PATH must be one part of a path, such as nlp: 1 to 128 of the "
            "characters A-Z a-z 0-9 . _ -"
        )
    if name in ROUTES:
        raise errors.SettingsError(
            f"QUICKTHAW_BASE_PATH must not be {name}: that is a route, which API Gateway's own "
            "address would not reach"
        )
    return f"/{name}" if name else ""


def _read_cors(origin: str) -> dict[str, list[str]]:
    """The headers of the Fetch standard, "HTTP responses", for one origin or all ("*")."""
    if not origin:
        return {}
    scheme, _, host = origin.partition("://")
    if origin != "*" and (
        scheme not in ("http", "https") or not host or not _HOST_CHARS.issuperset(host)
    ):
        raise errors.SettingsError("QUICKTHAW_ALLOW_ORIGIN must be * or as https://app.example.org")
    return {
        "Access-Control-Allow-Origin": [origin],
        "Access-Control-Expose-Headers": ["X-Model-Version, X-Request-Id"],
    }


def _read_flag(name: str, environ: Mapping[str, str]) -> bool:
    found = environ.get(name, "").lower()
    if found not in ("true", "false", ""):
        raise errors.SettingsError(f"{name} must be true or false")
    return found == "true"


def read_trace_id(environ: Mapping[str, str] = os.environ) -> str | None:
    """X-Ray's id of this invocation, if it is sampled; Lambda sets it anew for each."""
    found = environ.get(_LAMBDA_TRACE, "")
    return found if "Sampled=1" in found else None


def _read_dimensions(environment: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The default dimensions, as aws-embedded-metrics fills them in."""
    service = _read_name("AWS_EMF_SERVICE_NAME", environ)
    kind = _read_name("AWS_EMF_SERVICE_TYPE", environ)
    if environment == "Local":
        group = _read_name("AWS_EMF_LOG_GROUP_NAME", environ)
        group = group or _read_name("AWS_EMF_SERVICE_NAME", environ, "-metrics")
        found = (group or "Unknown-metrics", service or "Unknown", kind or "Unknown")
    else:
        function = _read_name(_LAMBDA_FUNCTION, environ)
        if not function:
            raise errors.SettingsError(
                f"{_LAMBDA_FUNCTION} is not set, as on Lambda: set it, or AWS_EMF_ENVIRONMENT=Local"
            )
        found = (function, service or function, kind or "AWS::Lambda::Function")
    return dict(zip(("LogGroup", "ServiceName", "ServiceType"), found, strict=True))


def _read_properties(environment: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The default properties, as aws-embedded-metrics fills them in."""
    if environment == "Local":
        return {}
    return {name: environ.get(key, "") for name, key in _LAMBDA_PROPERTIES.items()}


def _read_name(variable: str, environ: Mapping[str, str], suffix: str = "") -> str:
    """A name that becomes a dimension's value, and its suffix; "" where there is none."""
    name, room = environ.get(variable, ""), _MAX_DIMENSION_CHARS - len(suffix)
    printable = name.isascii() and name.isprintable()
    if name and not (name.strip() and len(name) <= room and printable):
        raise errors.SettingsError(
            f"{variable} must be at most {room:,} printable ASCII characters, not only spaces"
        )
    return name and name + suffix

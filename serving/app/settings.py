"""The settings, read from the environment once, and the limits of the HTTP contract.

Nothing else in the app reads the environment.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from serving.app.errors import SettingsError

KIB = 1024
MAX_BODY_BYTES = 1024 * KIB  # far below Lambda's 6 MB: a batch of 1,000 texts of 1,000 characters
MAX_TEXT_CHARS = 50_000  # five times the 99th percentile of the training texts
MAX_BATCH_TEXTS = 1_000
MAX_TOP = 100
MAX_EXPLAINED_TERMS = 10

# What CloudWatch accepts as a namespace ("MetricDatum", PutMetricData API reference).
_NAMESPACE = re.compile(r"[A-Za-z0-9._#:/-]{1,255}")
_EMF_ENVIRONMENTS = ("Lambda", "Local")


@dataclass(frozen=True)
class Settings:
    """What a deployment can set. README.md, "Settings", lists them.

    Attributes:
        bundle: Folder that holds the manifest and the model.
        metrics_namespace: CloudWatch namespace of the metrics.
        emf_environment: "Lambda" or "Local": whose default dimensions and properties the EMF
            documents carry. Either way they go to standard output.
    """

    bundle: Path
    metrics_namespace: str
    emf_environment: str


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read and check the settings.

    Raises:
        SettingsError: A variable has a value that it cannot have; the message names it.
    """
    namespace = environ.get("AWS_EMF_NAMESPACE", "quickthaw")
    if not _NAMESPACE.fullmatch(namespace):
        raise SettingsError(
            "AWS_EMF_NAMESPACE must be 1 to 255 of the characters A-Z a-z 0-9 . _ # : / -"
        )
    # Without a choice of ours the EMF library would probe for its environment, over sockets.
    detected = "Lambda" if "AWS_LAMBDA_FUNCTION_NAME" in environ else "Local"
    emf_environment = environ.get("AWS_EMF_ENVIRONMENT", detected).capitalize()
    if emf_environment not in _EMF_ENVIRONMENTS:
        raise SettingsError(f"AWS_EMF_ENVIRONMENT must be one of: {', '.join(_EMF_ENVIRONMENTS)}")
    bundle = environ.get("QUICKTHAW_BUNDLE", str(Path(__file__).parent / "data"))
    if not bundle:
        raise SettingsError("QUICKTHAW_BUNDLE must be the path of a folder, or not set")
    return Settings(Path(bundle), namespace, emf_environment)

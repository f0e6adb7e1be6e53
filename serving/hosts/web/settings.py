"""The settings of the web process, beside those of the app."""

import os
from collections.abc import Mapping

from serving.app.errors import SettingsError

MAX_WORKERS = 64


def read_trust(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a proxy in front is believed.

    Raises:
        SettingsError: The setting is neither true nor false.
    """
    found = environ.get("QUICKTHAW_TRUST_PROXY", "").lower()
    if found not in ("true", "false", ""):
        raise SettingsError("QUICKTHAW_TRUST_PROXY must be true or false")
    return found == "true"


def read_workers(environ: Mapping[str, str] = os.environ) -> int:
    """How many processes answer: WEB_CONCURRENCY, else one a processor that this one may use.

    Raises:
        SettingsError: It is no number from 1 to `MAX_WORKERS`.
    """
    found = environ.get("WEB_CONCURRENCY") or str(min(os.process_cpu_count() or 1, MAX_WORKERS))
    digits = found.isascii() and found.isdecimal() and len(found) <= len(str(MAX_WORKERS))
    if not (digits and 1 <= int(found) <= MAX_WORKERS):
        raise SettingsError(f"WEB_CONCURRENCY must be a number from 1 to {MAX_WORKERS}")
    return int(found)

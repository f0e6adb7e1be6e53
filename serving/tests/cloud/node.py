"""CDK's command line, for tests."""

import fcntl
import subprocess
import tempfile
from pathlib import Path

from serving.tests.tracked import ROOT


def install_cdk():
    """Install CDK's command line, once, on whatever core the test runs."""
    with (Path(tempfile.gettempdir()) / "quickthaw-cdk.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", ".venv/cdk.ok"], cwd=ROOT, check=True, capture_output=True)

"""Whether CDK can run here, and its command line."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from serving.tests.tracked import ROOT

# Skipped, loudly, where there is no Node.js; not where it has to be there, as in CI.
needs_node = pytest.mark.skipif(
    not shutil.which("node") and not os.environ.get("REQUIRE_DOCKER"),
    reason="there is no Node.js, which CDK runs on: the stacks are NOT tested",
)


def install_cdk():
    """Install CDK's command line, once, on whatever core the test runs."""
    with (Path(tempfile.gettempdir()) / "quickthaw-cdk.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", ".venv/cdk.ok"], cwd=ROOT, check=True, capture_output=True)

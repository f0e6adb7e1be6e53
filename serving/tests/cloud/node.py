"""Whether CDK can run here."""

import os
import shutil

import pytest

# Skipped, loudly, where there is no Node.js; not where it has to be there, as in CI.
needs_node = pytest.mark.skipif(
    not shutil.which("node") and not os.environ.get("REQUIRE_DOCKER"),
    reason="there is no Node.js, which CDK runs on: the stacks are NOT tested",
)

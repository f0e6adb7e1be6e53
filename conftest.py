"""What all tests have in common.

The machine and the shell that they run in have no say. What needs a program that is not there is
skipped, loudly.
"""

import gc
import os
import shutil
import signal
import subprocess
from pathlib import Path

import hypothesis
import pytest

# Of the make and the workflow around them, or for another program; what a test needs, it sets.
FOREIGN = ("AWS_", "DASK_", "DVC_", "GITHUB_", "MAKE", "MFLAGS", "QUICKTHAW_")
OTHERS = {"FORCE_COLOR", "GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "NO_COLOR"}
OTHERS |= {"PORT", "PYTHONPATH", "PYTHONSAFEPATH", "PYTHONWARNINGS", "STAGE", "BASE_IMAGE"}
for name in list(os.environ):
    if name in OTHERS or name.startswith(FOREIGN):
        del os.environ[name]
os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost"

# A shell that runs tests in the background lets them, and all that they start, ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is the machine's, and coverage's.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

import training  # noqa: E402,F401 - before numpy: chooses its kernels, on each processor the same

# So many open files, and those that nobody uses any more are closed. A frozen model keeps its file
# open as long as it lives, and refers to itself: it ends with a collection, which may come late.
MANY_FILES = 200

NEEDS = {
    "browser": (
        lambda: shutil.which("chromium") and shutil.which("chromedriver"),
        "there is no Chromium, or no driver of it (apt-get install chromium chromium-driver)",
    ),
    "docker": (lambda: _answers("docker", "version"), "Docker's engine does not answer"),
    "arm": (
        lambda: shutil.which("qemu-aarch64-static") and shutil.which("mmdebstrap"),
        "there is no qemu-aarch64-static, or no mmdebstrap (apt-get install qemu-user-static)",
    ),
    "node": (lambda: shutil.which("node") is not None, "there is no Node.js, which CDK runs on"),
}


@pytest.hookimpl(trylast=True)  # of those that are to run
def pytest_collection_modifyitems(items):
    """Skip the tests of a marker whose program is missing; not in CI, where it has to be there."""
    if os.environ.get("REQUIRE_DOCKER"):
        return
    for marker, (is_there, why) in NEEDS.items():
        needing = [item for item in items if item.get_closest_marker(marker)]
        if needing and not is_there():
            for item in needing:
                item.add_marker(pytest.mark.skip(reason=f"{why}: this is NOT tested"))


def pytest_runtest_teardown():
    if sum(1 for _ in Path("/dev/fd").iterdir()) > MANY_FILES:
        gc.collect()


def _answers(*command):
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0

"""Fixtures: images of small models, of each lock, on the base that this machine can have."""

import fcntl
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from serving.deployment.image import builder
from serving.tests.images import write_images
from serving.tests.own_code import fit_own, own_code
from serving.tests.records import write_regression
from serving.tests.sample import fit, write_bundle

NAME = "hobbies"  # the model in these images
BUNDLE = f"serving/app/data/{NAME}"


@pytest.fixture(scope="session")
def pipeline():
    return fit()


@pytest.fixture(scope="session", params=["frozen", "sklearn"])
def target(request):
    return request.param


@pytest.fixture
def root(tmp_path, pipeline, target):
    return lay_out(tmp_path, pipeline, target)


def lay_out(root, pipeline, target):
    """The files that an image is made of, with a small model; one of records has its own code."""
    for pattern in (".dockerignore", *builder.read_allowed(builder.ROOT)):
        for path in builder.ROOT.glob(pattern):
            copy = root / path.relative_to(builder.ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            if copy.parent.parent.name != "data":
                shutil.copy(path, copy)
    # What is compiled once is of these sources wherever they are.
    compiled = builder.ROOT / ".local" / "kernel"
    compiled.mkdir(parents=True, exist_ok=True)
    (root / ".local").mkdir()
    (root / ".local" / "kernel").symlink_to(compiled)
    with own_code(root, NAME) as features:
        if target == "records":
            write_regression(root / BUNDLE, fit_own(features))
        elif target == "images":
            write_images(root / BUNDLE)
        else:
            write_bundle(root / BUNDLE, pipeline, target)
    return root


@pytest.fixture(scope="session")
def base():
    script = builder.ROOT / "tools/image/base/build.sh"
    return subprocess.run([script], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


@pytest.fixture(scope="session")
def build(base):
    """Build an image of a folder, once, on whatever core the test runs."""

    def build(root, **options):
        with (Path(tempfile.gettempdir()) / "quickthaw-build.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return builder.build(root, NAME, base, name="quickthaw-test", **options)

    return build


@pytest.fixture(scope="session")
def built(tmp_path_factory, build, pipeline, target):
    """The image of the small model."""
    return build(lay_out(tmp_path_factory.mktemp(target), pipeline, target))

"""Fixtures: a small data set, and a workspace in which DVC runs the real pipeline on it."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from serving.tests.moto_server import serve_moto
from serving.tests.tracked import copy_tracked
from training import models
from training.model_file import LOCK
from training.paths import MODELS
from training.steps import train
from training.tests.sample import NAME, PATHS, make_rows, put_model, write_archive

# The tests' own models are found as those of the repository are.
models.__path__.append(str(Path(__file__).with_name("models")))


@pytest.fixture(scope="session")
def sample_archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("archive") / "sample.whl"
    train = make_rows(20, seed=1)
    write_archive(path, [*train, train[20]], make_rows(5, seed=2))
    return path


@pytest.fixture
def workspace(tmp_path, sample_archive, monkeypatch):
    enter_workspace(tmp_path / "workspace", sample_archive, monkeypatch)


def enter_workspace(root, archive, monkeypatch, *names):
    """Go into a clone of the tracked files with the sample in the place of the download."""
    copy_tracked(root)
    take_sample(root, archive, *names)
    # Set up, as far as make can see.
    (root / ".venv").mkdir()
    (root / ".venv/bin").symlink_to(Path(sys.executable).parent)
    (root / ".venv/serve.ok").touch()
    monkeypatch.chdir(root)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    # Nobody's own remotes, hooks, signatures or templates.
    monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", str(root.parent / "system"))
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(root.parent / "global"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("GIT_DIR", raising=False)
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")  # workers start slower than the sample fits
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"):
        monkeypatch.setenv(name, "test")
    for name in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "test@example.org")
    subprocess.run(["git", "init", "-q"], check=True)
    commit_all("start")


def take_sample(root, archive, *names):
    """Put the tests' own model, or several of it, in the place of the repository's."""
    names = names or (NAME,)
    for folder in (MODELS, "serving/app/data", "reports"):
        shutil.rmtree(root / folder)
    for name in names:
        put_model(root, archive, name)
    (root / "training/models/__init__.py").touch()
    (root / "models.yaml").write_text(yaml.safe_dump({"models": [*names]}))
    makefile = root / "Makefile"
    default = re.compile("^DEFAULT_MODEL := .*$", re.MULTILINE)
    makefile.write_text(default.sub(f"DEFAULT_MODEL := {names[0]}", makefile.read_text()))
    (root / "dvc.lock").unlink(missing_ok=True)


def commit_all(message):
    subprocess.run(["git", "add", "-A"], check=True)
    subprocess.run(["git", "commit", "-qm", message], check=True)


def run(*command):
    """Run a Python module that must not fail."""
    done = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@dataclass(frozen=True)
class Bucket:
    """A bucket on a local S3 server."""

    url: str
    client: Any

    def read(self):
        """The objects' bytes by key."""
        listed = self.client.list_objects_v2(Bucket="models").get("Contents", [])
        return {
            one["Key"]: self.client.get_object(Bucket="models", Key=one["Key"])["Body"].read()
            for one in listed
        }

    def write(self, objects):
        """Hold these objects, by key, and no others."""
        for key in self.read().keys() - objects.keys():
            self.client.delete_object(Bucket="models", Key=key)
        for key, body in objects.items():
            self.client.put_object(Bucket="models", Key=key, Body=body)


@pytest.fixture(scope="module")
def bucket():
    with serve_moto() as port, pytest.MonkeyPatch.context() as monkeypatch:
        # So that DVC needs no settings but its remote's address.
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client = boto3.client("s3")
        client.create_bucket(Bucket="models")
        yield Bucket("s3://models", client)


def run_steps(*steps, paths=PATHS):
    """Run steps one after the other, as DVC does."""
    for step in steps:
        step.main(paths)
        if step is train:
            record_model(paths=paths)


def record_model(data=None, paths=PATHS):
    """Write the lock that DVC writes when `train` has made the model, or other data."""
    md5 = hashlib.md5(data or paths.model.read_bytes(), usedforsecurity=False).hexdigest()
    outs = [{"path": "reports/a.json", "md5": "0"}, {"path": str(paths.model), "md5": md5}]
    LOCK.write_text(yaml.safe_dump({"stages": {paths.name_step("train"): {"outs": outs}}}))

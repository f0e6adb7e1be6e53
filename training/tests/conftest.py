"""Fixtures: a small data set, and a workspace in which DVC runs the real pipeline on it."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
import yaml
from moto.server import ThreadedMotoServer

from training.tests.sample import SMALL_PARAMS, make_rows, write_archive

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def sample_archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("archive") / "sample.whl"
    train = make_rows(20, seed=1)
    write_archive(path, [*train, train[20]], make_rows(5, seed=2))
    return path


@pytest.fixture
def workspace(tmp_path, sample_archive, monkeypatch):
    """A clone of the tracked files with the sample in the place of the download."""
    root = tmp_path / "workspace"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        source = ROOT / name
        if source.is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, root / name)
    (root / "params.yaml").write_text(yaml.safe_dump(SMALL_PARAMS, sort_keys=False))
    pipeline = yaml.safe_load((root / "dvc.yaml").read_text())
    pipeline["stages"]["fetch"]["cmd"] = (
        f"mkdir -p data/raw && cp '{sample_archive}' data/raw/topics.whl"
    )
    (root / "dvc.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False))
    (root / "dvc.lock").unlink(missing_ok=True)
    monkeypatch.chdir(root)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    # Nobody's own hooks, signatures or templates.
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("GIT_DIR", raising=False)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")  # workers start slower than the sample fits
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"):
        monkeypatch.setenv(name, "test")
    for name in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "test@example.org")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run(["git", *command], check=True)
    return root


@dataclass(frozen=True)
class Remote:
    """A bucket on a local S3 server."""

    url: str
    endpoint: str

    @property
    def client(self):
        return boto3.client("s3", endpoint_url=self.endpoint)

    def objects(self):
        return self.client.list_objects_v2(Bucket="models").get("Contents", [])

    def empty(self):
        for one in self.objects():
            self.client.delete_object(Bucket="models", Key=one["Key"])

    def tamper(self):
        for one in self.objects():
            self.client.put_object(Bucket="models", Key=one["Key"], Body=b"tampered")


@pytest.fixture
def s3_remote(monkeypatch):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    remote = Remote("s3://models", f"http://{host}:{port}")
    remote.client.create_bucket(Bucket="models")
    yield remote
    server.stop()

"""Fixtures: a repository on a "GitHub" of its own, with a model on main and an S3 remote."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
import yaml

from serving.tests.moto_server import serve_moto
from serving.tests.tracked import ROOT, copy_tracked
from serving.tests.workflows.act import BIN, REPOSITORY, Act, git, make
from serving.tests.workflows.fake_github import FakeGitHub
from training.paths import Paths
from training.tests.conftest import take_sample
from training.tests.sample import NAME, PATHS, make_rows, write_archive

# What `make test-all` runs in a story: the service with the new model.
TEST = """\
def test_golden_examples_get_the_probabilities_of_the_manifest(predictor):
    golden = predictor.manifest.golden
    found = predictor.predict([one["input"]["text"] for one in golden])
    assert [one.probability for one in found] == [one["probability"] for one in golden]
"""
# A second model, the same folder with another seed: what is done to one leaves it alone.
OTHER = Paths("second")


@dataclass
class Story:
    """A repository, its checkout of a person, its remote, its GitHub.

    Attributes:
        act: Runs its workflows.
        desk: Where a person works.
        github: What was told to GitHub.
        bucket: Lists the remote's objects.
    """

    act: Act
    desk: Path
    github: FakeGitHub
    bucket: object

    def branch(self, name, paths=PATHS, judge=None, **train):
        """Push a branch that changes a model's parameters; a note, without any."""
        git("checkout", "--quiet", "-B", name, "origin/main", cwd=self.desk)
        if judge or train:
            change_params(self.desk / paths.params, judge=judge or {}, train=train)
        (self.desk / "NOTE").write_text(name)
        self.commit(name)

    def commit(self, branch):
        git("add", "--all", cwd=self.desk)
        git("commit", "--quiet", "--message", f"work on {branch}", cwd=self.desk)
        git("push", "--quiet", "origin", f"HEAD:{branch}", cwd=self.desk)

    def head(self, branch):
        return git("rev-parse", branch, cwd=self.act.origin)

    def show(self, branch, name):
        return git("show", f"{branch}:{name}", cwd=self.act.origin)

    def open_pull_request(self, branch, *, number=7, repository=REPOSITORY, labels=()):
        """What GitHub's event says of one; run its workflow."""
        payload = {
            "repository": {"default_branch": "main"},
            "pull_request": {
                "number": number,
                "head": {
                    "ref": branch,
                    "sha": self.head(branch),
                    "repo": {"full_name": repository},
                },
                "base": {"ref": "main"},
                "user": {"login": "ada"},
                "labels": [{"name": one} for one in labels],
            },
        }
        return self.act.run("train", "pull_request", payload, branch)


def change_params(path, **changes):
    """Change settings of a params.yaml, by group."""
    params = yaml.safe_load(path.read_text())
    for group, settings in changes.items():
        params[group] |= settings
    path.write_text(yaml.safe_dump(params, sort_keys=False))


@pytest.fixture(scope="module")
def s3():
    """A local S3 server: its address, and what is in it."""
    with serve_moto() as port:
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
        }


@pytest.fixture(scope="module")
def seed(tmp_path_factory, s3):
    """A bare repository with two trained models on main, pushed to the remote."""
    folder = tmp_path_factory.mktemp("seed")
    archive, tree = folder / "sample.whl", folder / "tree"
    write_archive(archive, make_rows(20, seed=1), make_rows(5, seed=2))
    copy_tracked(tree)
    take_sample(tree, archive, NAME, OTHER.name)
    change_params(tree / OTHER.params, train={"seed": 14})
    for path in tree.glob("**/test_*.py"):
        path.unlink()
    (tree / "serving/tests/model/test_story.py").write_text(TEST)
    (tree / ".venv").symlink_to(BIN.parent)
    client = boto3.client(
        "s3",
        endpoint_url=s3["AWS_ENDPOINT_URL"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="models")
    git("init", "--quiet", "--initial-branch", "main", cwd=tree)
    for name, value in (("user.name", "Ada"), ("user.email", "ada@example.org")):
        git("config", name, value, cwd=tree)
    make(tree, "remote", "URL=s3://models/dvc", environment=s3)
    for target in ("report", "push"):  # the first one trains
        make(tree, "each", f"DO={target}", environment=s3)
    (tree / ".venv").unlink()  # a link, which .gitignore does not mean
    git("add", "--all", cwd=tree)
    git("commit", "--quiet", "--message", "start", cwd=tree)
    git("clone", "--quiet", "--bare", tree, folder / "origin.git", cwd=folder)
    return folder / "origin.git", archive, client


@pytest.fixture
def story(tmp_path, seed, s3):
    origin, _, client = seed
    shutil.copytree(origin, tmp_path / "origin.git")
    git("clone", "--quiet", tmp_path / "origin.git", tmp_path / "desk", cwd=tmp_path)
    for name, value in (("user.name", "Ada"), ("user.email", "ada@example.org")):
        git("config", name, value, cwd=tmp_path / "desk")
    github = FakeGitHub()
    environment = s3 | {
        "GITHUB_API_URL": github.url,
        # One test needs no other processes, and covers little.
        "PYTEST_ADDOPTS": "--cov-fail-under=0",
        "PYTEST_XDIST_AUTO_NUM_WORKERS": "0",
        "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache"),
        "LOKY_MAX_CPU_COUNT": "1",
    }
    variables = {"AWS_ACCOUNT_ID": "000000000000", "AWS_REGION": "us-east-1"}

    def bucket():
        listed = client.list_objects_v2(Bucket="models").get("Contents", [])
        return {one["Key"].removeprefix("dvc/files/md5/").replace("/", "") for one in listed}

    act = Act(tmp_path, tmp_path / "origin.git", environment, variables)
    yield Story(act, tmp_path / "desk", github, bucket)
    github.stop()

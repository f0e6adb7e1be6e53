"""deploy.yml, its steps run by act on a local AWS: merged is live, reverted is back.

Two models, each for itself.
"""

import hashlib
import shutil
from uuid import uuid4

import boto3
import pytest
from sklearn.linear_model import LogisticRegression

from serving.tests.cloud.checkout import MODEL, predict, take_model
from serving.tests.cloud.node import install_cdk
from serving.tests.sample import fit
from serving.tests.tracked import copy_tracked
from serving.tests.workflows.act import BIN, Act, git, make
from tools.cloud import local

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.node]
BUCKET = f"quickthaw-{local.ACCOUNT}-{local.REGION}"
STAGES = ("staging", "prod")
OTHER = "second"


class Repository:
    """main, as people push to it, and the cloud that it is deployed to."""

    def __init__(self, folder, variables):
        self._desk, self._aws = folder / "desk", variables
        # Where the checkout's stub finds what makes LOCAL=1 work.
        env = folder / "files/.local/cloud/env"
        env.parent.mkdir(parents=True)
        env.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
        copy_tracked(self._desk)
        for one in self._desk.glob("training/models/*/model.py"):
            shutil.rmtree(one.parent)
        for name in (MODEL, OTHER):
            home = self._desk / "training/models" / name
            home.mkdir()
            (home / "features.py").touch()
            (home / "model.py").touch()
        (self._desk / ".venv").symlink_to(BIN.parent)
        make(self._desk, "remote", f"URL=s3://{BUCKET}/dvc", environment=variables)
        (self._desk / ".venv").unlink()
        git("init", "--quiet", "--initial-branch", "main", cwd=self._desk)
        for name, value in (("user.name", "Ada"), ("user.email", "ada@example.org")):
            git("config", name, value, cwd=self._desk)
        git(
            "init",
            "--quiet",
            "--bare",
            "--initial-branch",
            "main",
            folder / "origin.git",
            cwd=folder,
        )
        git("remote", "add", "origin", folder / "origin.git", cwd=self._desk)
        self._act = Act(
            folder,
            folder / "origin.git",
            variables | {"MAKEFLAGS": "LOCAL=1"},
            {"AWS_ACCOUNT_ID": local.ACCOUNT, "AWS_REGION": local.REGION},
        )

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self._aws["AWS_ENDPOINT_URL"],
            region_name=local.REGION,
            aws_access_key_id=self._aws["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key="local",
        )

    def commit_model(self, pipeline, golden=None, model=MODEL):
        """A model as its pull request brought it: pushed to the remote, its lock committed."""
        manifest = take_model(self._desk, pipeline, golden, model)
        bundle = self._desk / "serving/app/data" / model
        for name in manifest.files:
            data = (bundle / name).read_bytes()
            md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
            key = f"dvc/files/md5/{md5[:2]}/{md5[2:]}"
            self.client("s3").put_object(Bucket=BUCKET, Key=key, Body=data)
            (bundle / name).unlink()
        self.commit(f"model {manifest.version}")
        return manifest.version

    def commit(self, message):
        (self._desk / "NOTE").write_text(message)
        git("add", "--all", cwd=self._desk)
        git("commit", "--quiet", "--message", message, cwd=self._desk)

    def revert(self):
        git("revert", "--no-edit", "HEAD", cwd=self._desk)

    def push(self):
        """Push main, and run the workflow."""
        git("push", "--quiet", "origin", "HEAD:main", cwd=self._desk)
        return self._act.run("deploy", "push", {"ref": "refs/heads/main"}, "main")

    def read_live(self, model=MODEL):
        """What the version that answers says of itself, by stage."""
        client, found = self.client("lambda"), {}
        for stage in STAGES:
            name = f"quickthaw-{model}-{stage}"
            number = client.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
            versions = client.list_versions_by_function(FunctionName=name)["Versions"]
            (found[stage],) = (one["Description"] for one in versions if one["Version"] == number)
        return found


def make_example(pipeline):
    """A golden example that no other run has: an image of its own, which is not there yet."""
    text = f"bake bread {uuid4().hex}"
    return {"input": {"text": text}, **predict(pipeline, text)}


@pytest.fixture
def repository(tmp_path):
    install_cdk()
    with local.run(tmp_path) as variables:
        found = Repository(tmp_path, variables)
        found.client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": local.REGION}
        )
        yield found


def test_merged_is_deployed_reverted_is_back_and_what_is_wrong_goes_no_further(
    repository, pipeline
):
    old = repository.commit_model(pipeline, golden=[make_example(pipeline)])
    repository.commit_model(pipeline, golden=[make_example(pipeline)], model=OTHER)
    done = repository.push()
    done.check(plan=True, staging=True, prod=True)
    first = repository.read_live()
    assert all(f"model {old}" in one for one in first.values())
    assert done.said.count("building quickthaw:") == 2  # for both stages of each
    other = repository.read_live(OTHER)
    assert "role/quickthaw-deploy-prod" in done.said

    repository.commit("words")
    done = repository.push()
    done.check(plan=True)
    assert done.said.count("nothing to do") == 4

    new = repository.commit_model(fit(LogisticRegression(C=1)))
    done = repository.push()
    done.check(plan=True, staging=True, prod=True)
    assert all(f"model {new}" in one for one in repository.read_live().values())
    assert repository.read_live(OTHER) == other

    repository.revert()
    done = repository.push()
    done.check(plan=True, staging=True, prod=True)
    assert repository.read_live() == first
    assert "building quickthaw:" not in done.said

    wrong = [{"input": {"text": "bake bread"}, "label": "sailing", "probability": 1.0}]
    repository.commit_model(fit(LogisticRegression(C=2)), golden=wrong)
    better = repository.commit_model(fit(LogisticRegression(C=3)), model=OTHER)
    done = repository.push()
    done.check(plan=True, staging=False, prod=True)  # of the other one
    assert "1 golden examples are answered wrongly" in done.said
    assert "stage staging is back at version 3" in done.said
    assert repository.read_live() == first
    assert all(f"model {better}" in one for one in repository.read_live(OTHER).values())

    repository.commit("words")
    done = repository.push()
    done.check(plan=False)
    assert "was rolled back" in done.said
    assert repository.read_live() == first

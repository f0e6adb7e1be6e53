"""A checkout of its own, whose model a test can exchange, and `make` in it on a local AWS."""

import hashlib
import os
import subprocess

import boto3
import yaml

from serving.tests.records import EXAMPLE, fit_regression, to_frame, write_regression
from serving.tests.sample import write_bundle
from serving.tests.tracked import copy_tracked
from tools.cloud.local import ROOT

MODEL = "topics"  # the Makefile's default
BUNDLE = f"serving/app/data/{MODEL}"


class Clients:
    """Clients of a local AWS, by the variables that make tools talk to it."""

    def __init__(self, variables):
        self._session = boto3.Session(
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            region_name=variables["AWS_REGION"],
        )
        self._endpoint = variables["AWS_ENDPOINT_URL"]

    def client(self, service):
        return self._session.client(service, endpoint_url=self._endpoint)


class Checkout:
    """What git tracks, copied to a folder; the tools of this one's .venv."""

    def __init__(self, folder, variables):
        copy_tracked(folder)
        (folder / ".venv").symlink_to(ROOT / ".venv")
        env = folder / ".local/cloud/env"
        env.parent.mkdir(parents=True)
        env.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
        self.folder, self._variables = folder, variables

    def take_model(self, pipeline):
        """Put a model in the place of the last one, with the lock that fits: its version."""
        return take_model(self.folder, pipeline).version

    def take_rents(self):
        """Put a second model beside it, over records: its version."""
        pipeline = fit_regression()
        golden = ({"input": EXAMPLE, "value": float(pipeline.predict(to_frame([EXAMPLE]))[0])},)
        home = self.folder / "training/models/rents"
        home.mkdir(parents=True)
        for name in ("model.py", "features.py"):
            (home / name).touch()
        bundle = self.folder / "serving/app/data/rents"
        manifest = write_regression(bundle, pipeline, golden=golden)
        lock_bundle(self.folder, "rents", manifest)
        return manifest.version

    def make(self, *arguments, status=0):
        """Run a target: all that it says. It has to end with the status."""
        done = subprocess.run(
            ["make", *arguments, "LOCAL=1"],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            env={name: value for name, value in os.environ.items() if name != "MAKEFLAGS"},
            check=False,
        )
        assert done.returncode == status, done.stdout
        return done.stdout


def take_model(folder, pipeline, golden=None, model=MODEL):
    """Put a model in the place of a tree's, with the lock that fits: its manifest."""
    bundle = folder / "serving/app/data" / model
    examples = golden or [
        {"input": {"text": text}, **predict(pipeline, text)}
        for text in ("tie the rope to the boat", "bake bread")
    ]
    manifest = write_bundle(bundle, pipeline, "frozen", golden=tuple(examples))
    lock_bundle(folder, model, manifest)
    return manifest


def lock_bundle(folder, model, manifest):
    """Let dvc.lock record the files of a bundle, as the last that it says of them."""
    bundle = folder / "serving/app/data" / model
    outs = [
        {
            "path": f"serving/app/data/{model}/{name}",
            "md5": hashlib.md5((bundle / name).read_bytes()).hexdigest(),  # noqa: S324 - DVC's
            "size": pin.size,
        }
        for name, pin in manifest.files.items()
    ]
    lock = folder / "dvc.lock"
    stages = yaml.safe_load(lock.read_text())["stages"]
    stages.pop(f"taken@{model}", None)
    stages[f"taken@{model}"] = {"outs": outs}
    lock.write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))


def predict(pipeline, text):
    probabilities = pipeline.predict_proba([text])[0]
    best = probabilities.argmax()
    return {"label": str(pipeline.classes_[best]), "probability": float(probabilities[best])}

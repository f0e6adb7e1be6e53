"""The pipeline of dvc.yaml, run by the real DVC on a small data set."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from serving.app.manifest import read_manifest, read_pinned
from training.tests.conftest import ROOT

BUNDLE = Path("serving/app/data")


def run(*command, check=True, **environment):
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if check:
        assert done.returncode == 0, done.stdout + done.stderr
    return done


def stages_run(output):
    return re.findall(r"Running stage '(\w+)'", output)


def edit_params(change):
    params = yaml.safe_load(Path("params.yaml").read_text())
    change(params)
    Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def commit_all():
    subprocess.run(["git", "add", "-A"], check=True)
    subprocess.run(["git", "commit", "-qm", "trained"], check=True)


@pytest.mark.slow
def test_pipeline_is_run_changed_and_run_again(workspace):
    first = run("dvc", "repro")
    assert stages_run(first.stdout)[:6] == [
        "fetch",
        "prepare",
        "validate",
        "train",
        "evaluate",
        "bundle",
    ]
    manifest = read_manifest(BUNDLE)
    assert len(manifest.labels) == 10
    assert len(manifest.golden) == 20
    read_pinned(BUNDLE, "model.joblib", manifest.files["model.joblib"])
    report = json.loads(Path("reports/data.json").read_text())
    assert len(report["dropped"]["repeated"]) == 1
    commit_all()

    # Twice changes nothing, and so does starting from nothing.
    assert stages_run(run("dvc", "repro").stdout) == []
    lock = Path("dvc.lock").read_text()
    shutil.rmtree(".dvc/cache")
    for folder in ("data", "reports/plots"):
        shutil.rmtree(folder)
    (BUNDLE / "model.joblib").unlink()
    run("dvc", "repro", "--force", "--no-run-cache")
    assert Path("dvc.lock").read_text() == lock
    assert (
        subprocess.run(["git", "status", "--porcelain"], capture_output=True, check=True).stdout
        == b""
    )

    # A changed parameter runs what depends on it.
    edit_params(lambda params: params["evaluate"].update(min_class_f1=0.2))
    assert stages_run(run("dvc", "repro").stdout) == ["evaluate"]
    edit_params(lambda params: params["train"]["vectorizer"].update(min_df=4))
    again = run("dvc", "repro")
    assert stages_run(again.stdout) == ["train", "evaluate", "bundle", "learning_curve"]
    assert read_manifest(BUNDLE).version != manifest.version
    assert "macro_f1" in run("dvc", "metrics", "diff", "--all").stdout
    run("dvc", "plots", "show", "--out", "plots")
    page = Path("plots/index.html").read_text()
    assert all(name in page for name in ("confusion", "reliability", "learning_curve"))


@pytest.mark.slow
def test_model_is_below_the_gate_gets_no_manifest_and_says_why(workspace):
    edit_params(lambda params: params["evaluate"].update(min_gain_over_baseline=1.0))
    failed = run("training.ensure_model", check=False)
    assert failed.returncode == 1
    assert "below min_gain_over_baseline (1.0)" in failed.stderr
    assert failed.stderr.strip().splitlines()[-1].startswith("error: there is no model to serve")
    assert "Traceback" not in failed.stderr


@pytest.mark.slow
def test_remote_has_the_model_it_is_pulled_not_trained(workspace, s3_remote):
    run("training.ensure_model")
    version = read_manifest(BUNDLE).version
    run("dvc", "remote", "add", "--default", "store", s3_remote.url)
    run("dvc", "remote", "modify", "store", "endpointurl", s3_remote.endpoint)
    run("dvc", "remote", "modify", "store", "verify", "true")
    run("dvc", "push", **s3_remote.credentials)
    commit_all()
    shutil.rmtree(".dvc/cache")
    shutil.rmtree("data")
    (BUNDLE / "model.joblib").unlink()

    pulled = run("training.ensure_model", **s3_remote.credentials)
    assert "pulling the model" in pulled.stdout
    assert stages_run(pulled.stdout) == []
    assert version in pulled.stdout
    assert not Path("data").exists()

    # Here already: nothing to do. Not to be had: trained.
    assert "pulling" not in run("training.ensure_model", **s3_remote.credentials).stdout
    shutil.rmtree(".dvc/cache")
    (BUNDLE / "model.joblib").unlink()
    s3_remote.empty()
    trained = run("training.ensure_model", **s3_remote.credentials)
    assert "training the model" in trained.stdout
    assert read_manifest(BUNDLE).version == version


def imported(module, seen):
    """Files of ours that a module imports, directly or not."""
    path = ROOT / (module.replace(".", "/") + ".py")
    if not path.exists() or module in seen:
        return
    seen.add(module)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            imported(node.module, seen)
            for name in node.names:
                imported(f"{node.module}.{name.name}", seen)


# How stages talk and what files are called has no part in what they make.
PLUMBING = {"training.console", "training.params", "training.paths", "serving.app.errors"}
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


@pytest.mark.parametrize("name", STAGES)
def test_stage_declares_every_module_that_makes_its_outputs(name):
    modules = set()
    imported(STAGES[name]["cmd"].removeprefix("python -m "), modules)
    needed = {module.replace(".", "/") + ".py" for module in modules - PLUMBING}
    if "serving/app/data/model.joblib" in STAGES[name]["deps"]:
        needed.add("serving/app/features.py")  # imported by what is unpickled
    assert {one for one in STAGES[name]["deps"] if one.endswith(".py")} == needed

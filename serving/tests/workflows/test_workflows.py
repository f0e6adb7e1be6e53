"""What can be known of the workflows without running them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / ".github"
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
# What a step may do besides: setting up, which is no target's business.
USES = {"actions/checkout", "actions/setup-python", "aws-actions/configure-aws-credentials"}


def run(program, *arguments):
    path = Path(sys.executable).with_name(program)
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_finds_nothing():
    run("zizmor", "--offline", "--persona=pedantic", "--no-progress", FOLDER)


def test_actionlint_finds_nothing():
    run("actionlint", *WORKFLOWS)


def test_workflows_fit_their_schema():
    run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)


def list_steps(path):
    jobs = yaml.safe_load(path.read_text())["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_steps_call_targets_that_there_are(path):
    targets = set(re.findall(r"^([a-z-]+):.*?## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for step in list_steps(path):
        if "run" in step:
            program, target, *_ = step["run"].split()
            assert program == "make"
            assert target in targets
        else:
            name, _, commit = step["uses"].partition("@")
            assert name in USES
            assert re.fullmatch("[0-9a-f]{40}", commit)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_jobs_have_rights_and_a_time_of_their_own(path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {}
    assert workflow["concurrency"]
    for job in workflow["jobs"].values():
        assert job["permissions"]
        assert job["timeout-minutes"] <= 60

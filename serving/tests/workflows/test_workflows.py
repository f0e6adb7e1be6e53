"""What can be known of the workflows without running them."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from serving.deployment.stages import STAGES
from training.proposal.comment import CHECKS

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / ".github"
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
# What a step may do besides: setting up, which is no target's business.
USES = {
    "actions/checkout",
    "actions/download-artifact",
    "actions/setup-python",
    "actions/upload-artifact",
    "aws-actions/configure-aws-credentials",
}
MAKEFILE = (ROOT / "Makefile").read_text()
VARIABLES = {
    name
    for line in re.findall(r"^(?:TYPED|FLAGS) := (.*)$", MAKEFILE, re.MULTILINE)
    for name in line.split()
}
STANDARD = sys.stdlib_module_names
RIGHTS = "needs.plan.outputs.rights == 'yes'"


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


def read(name):
    text = (FOLDER / "workflows" / f"{name}.yml").read_text()
    return yaml.load(text, yaml.BaseLoader)  # noqa: S506 - it makes texts alone; "on" is one


each_job = pytest.mark.parametrize(
    "job",
    [
        pytest.param(job, id=f"{path.stem}-{name}")
        for path in WORKFLOWS
        for name, job in read(path.stem)["jobs"].items()
    ],
)


@each_job
def test_steps_call_targets_that_there_are(job):
    targets = set(re.findall(r"^([a-z-]+):.*?## ", MAKEFILE, re.MULTILINE))
    for step in job.get("steps", ()):
        if "run" in step:
            assert "${{" not in step["run"]  # a shell would read what somebody else wrote
            program, target, *variables = shlex.split(step["run"])
            assert program == "make"
            assert target in targets
            for one in variables:
                assert one.partition("=")[0] in VARIABLES
                if one.startswith("STAGE="):
                    assert set(one.removeprefix("STAGE=").split()) <= set(STAGES)
        else:
            name, _, commit = step["uses"].partition("@")
            assert name in USES
            assert re.fullmatch("[0-9a-f]{40}", commit)


@each_job
def test_job_has_rights_and_a_time_of_its_own(job):
    assert job["permissions"]
    if "steps" not in job:
        assert (ROOT / job["uses"].removeprefix("$/")).is_file()
        return
    assert int(job["timeout-minutes"]) <= 350  # GitHub ends a job after 360


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_has_no_rights_and_does_not_run_twice_at_once(path):
    workflow = read(path.stem)
    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["group"]


@each_job
def test_job_takes_the_role_of_its_environment_and_no_other_job_can_take_one(job):
    roles = {
        step["with"]["role-to-assume"].rpartition("/")[2]
        for step in job.get("steps", ())
        if step.get("uses", "").startswith("aws-actions/")
    }
    if "steps" in job:
        assert (job["permissions"].get("id-token") == "write") == bool(roles)
    for role in roles:
        name = role.removeprefix("quickthaw-").removeprefix("deploy-")
        assert name in {"training", "plan", *STAGES}
        assert (name in STAGES) == role.startswith("quickthaw-deploy-")
        assert job["environment"] in (name, f"${{{{ {RIGHTS} && '{name}' || '' }}}}")


@each_job
def test_nothing_is_cached_and_no_credentials_are_left_in_a_checkout(job):
    for step in job.get("steps", ()):
        assert "cache" not in json.dumps(step)
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] == "false"


def test_only_the_job_that_runs_nobodys_package_may_write_to_the_repository():
    writing = {
        (path.stem, name)
        for path in WORKFLOWS
        for name, job in read(path.stem)["jobs"].items()
        if "steps" in job and {"contents", "pull-requests", "statuses"} & writes(job)
    }
    assert writing == {("train", "model")}
    runs = [step["run"] for step in read("train")["jobs"]["model"]["steps"] if "run" in step]
    assert runs == ["make propose"]
    (recipe,) = re.findall(r"^propose:([^#]*)##.*\n\t(.*)$", MAKEFILE, re.MULTILINE)
    assert recipe == (" ", "@python3 -m training.proposal")  # not the one of .venv
    (recipe,) = re.findall(r"^take:([^#]*)##.*\n\t(.*)$", MAKEFILE, re.MULTILINE)
    assert recipe == (" ", "@python3 -m training.proposal.files")


def writes(job):
    return {name for name, right in job["permissions"].items() if right == "write"}


def test_modules_that_write_import_the_standard_library_alone():
    for path in (ROOT / "training/proposal").glob("*.py"):
        for name in re.findall(r"^(?:from|import) ([\w.]+)", path.read_text(), re.MULTILINE):
            if path.name != "plan.py":
                assert name.startswith("training.proposal") or name.partition(".")[0] in STANDARD


def test_checks_of_a_bots_commit_are_named_as_the_jobs_that_pull_requests_wait_for():
    jobs = [*read("check")["jobs"].values(), read("train")["jobs"]["model"]]
    assert {job["name"] for job in jobs} == set(CHECKS)


def test_every_push_to_main_is_deployed_whatever_it_touches():
    assert read("deploy")["on"]["push"] == {"branches": ["main"]}


def test_caller_gives_the_rights_that_the_jobs_of_the_workflow_want():
    given = read("retrain")["jobs"]["train"]["permissions"]
    wanted = {}
    for job in read("train")["jobs"].values():
        for name, right in job["permissions"].items():
            wanted[name] = "write" if "write" in (right, wanted.get(name)) else right
    assert given == wanted

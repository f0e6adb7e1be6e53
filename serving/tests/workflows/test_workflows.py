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
from training.paths import list_models
from training.proposal.files import PROPOSAL, Files, list_committed
from training.proposal.pull_request import CHECKS

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / ".github"
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
# What a step may do besides: setting up, which is no target's business.
USES = {
    "actions/checkout",
    "actions/deploy-pages",
    "actions/download-artifact",
    "actions/setup-python",
    "actions/upload-artifact",
    "actions/upload-pages-artifact",
    "aws-actions/configure-aws-credentials",
}
GUIDE = (ROOT / "docs/guides/aws.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
VARIABLES = {
    name
    for line in re.findall(r"^(?:TYPED|FLAGS) := (.*)$", MAKEFILE, re.MULTILINE)
    for name in line.split()
}
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
                if one.startswith("DO="):
                    assert one.removeprefix("DO=") in targets
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
        pages = {"pages"} & writes(job)  # proves itself to GitHub Pages with the same token
        assert (job["permissions"].get("id-token") == "write") == bool(roles or pages)
        assert not (roles and pages)
    for role in roles:
        name = role.removeprefix("quickthaw-").removeprefix("deploy-")
        assert name in {"training", "plan", *STAGES}
        assert (name in STAGES) == role.startswith("quickthaw-deploy-")
        assert job["environment"] in (name, f"${{{{ {RIGHTS} && '{name}' || '' }}}}")


@each_job
def test_role_is_of_the_accounts_partition(job):
    for step in job.get("steps", ()):
        if step.get("uses", "").startswith("aws-actions/"):
            role = step["with"]["role-to-assume"]
            assert role.startswith("arn:${{ vars.AWS_PARTITION || 'aws' }}:iam::")


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
    assert recipe == (" ", "@python3 -m training.proposal.files $(MODELS)")


def writes(job):
    return {name for name, right in job["permissions"].items() if right == "write"}


def test_what_writes_needs_the_standard_library_alone():
    for module in ("training.proposal.__main__", "training.proposal.files"):
        program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {module}"
        command = [sys.executable, "-I", "-S", "-c", program]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_checks_of_a_bots_commit_are_named_as_the_jobs_that_pull_requests_wait_for():
    jobs = [*read("check")["jobs"].values(), read("train")["jobs"]["model"]]
    assert {job["name"] for job in jobs} == set(CHECKS)


def test_every_push_to_main_is_deployed_whatever_it_touches():
    assert read("deploy")["on"]["push"] == {"branches": ["main"]}


@pytest.mark.parametrize(("caller", "called"), [("retrain", "train"), ("deploy", "release")])
def test_caller_gives_the_rights_that_the_jobs_of_the_workflow_want(caller, called):
    given = read(caller)["jobs"][called]["permissions"]
    wanted = {}
    for job in read(called)["jobs"].values():
        for name, right in job["permissions"].items():
            wanted[name] = "write" if "write" in (right, wanted.get(name)) else right
    assert given == wanted


def test_files_that_are_committed_are_those_that_are_handed_on():
    (step,) = (
        one
        for one in read("train")["jobs"]["train"]["steps"]
        if one.get("uses", "").startswith("actions/upload-artifact@")
    )
    paths = set(step["with"]["path"].split())
    files = Files("*")  # whichever model it is
    assert set(list_committed([files])) < paths
    assert files.report.relative_to(PROPOSAL).as_posix() in paths


def test_site_is_published_from_main_where_that_is_wanted_by_a_job_that_runs_nothing_of_ours():
    docs = read("docs")
    assert docs["on"].keys() == {"push", "workflow_dispatch"}
    assert docs["on"]["push"]["branches"] == ["main"]
    build, publish = docs["jobs"].values()
    assert build["if"] == "vars.PUBLISH_DOCS == 'yes'"
    assert [step["run"] for step in build["steps"] if "run" in step] == ["make docs"]
    assert not writes(build)
    assert publish["needs"] == "build"  # and is skipped with it
    assert [step["uses"].partition("@")[0] for step in publish["steps"]] == ["actions/deploy-pages"]
    assert writes(publish) == {"pages", "id-token"}


def test_site_is_made_anew_where_what_it_shows_has_changed():
    paths = read("docs")["on"]["push"]["paths"]
    for one in ("*.md", "docs/**", "tools/site/**", "requirements/docs.txt"):
        assert one in paths
    shown = re.findall(r"\]\((?:\.\./)*([\w/]+\.svg)\)", read_documents())
    assert shown
    for one in shown:
        assert one.startswith("bench/results/")
    assert "bench/results/**.svg" in paths


def read_documents():
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return "".join(path.read_text() for path in documents)


def test_last_job_always_runs_and_knows_all_others():
    jobs = read("train")["jobs"]
    assert jobs["model"]["if"] == "always()"
    assert jobs["model"]["needs"] == [name for name in jobs if name != "model"]


def test_model_is_judged_before_it_is_pushed_and_neither_may_fail():
    calls = [step for step in read("train")["jobs"]["train"]["steps"] if "run" in step]
    assert all(step["run"].startswith("make each DO=") for step in calls)
    assert all(' MODELS="$MODELS"' in step["run"] for step in calls)
    steps = {step["run"].split()[2].removeprefix("DO="): step for step in calls}
    assert [*steps] == ["pull", "train", "bench", "judge", "report", "push"]
    assert [name for name, step in steps.items() if "continue-on-error" in step] == ["bench"]
    for name in ("pull", "push"):
        assert steps[name]["if"] == RIGHTS
    for name in ("judge", "report"):  # of the models, too, that were trained before one failed
        assert steps[name]["if"] == "${{ !cancelled() && steps.train.outcome != 'skipped' }}"
    calls = [step["run"] for step in read("train")["jobs"]["test"]["steps"] if "run" in step]
    assert calls == ['make take MODELS="$MODELS"', "make check", "make test-all"]


def test_each_stage_is_released_after_the_one_before_and_only_where_it_has_to_be():
    jobs = read("release")["jobs"]
    for stage in ("staging", "prod"):
        (call,) = (step["run"] for step in jobs[stage]["steps"] if "run" in step)
        assert call == f'make release STAGE={stage} MODEL="$MODEL" YES=1'
        assert f"inputs.{stage} == 'deploy'" in jobs[stage]["if"]
    assert jobs["prod"]["needs"] == "staging"
    assert '["success", "skipped"]\'), needs.staging.result)' in jobs["prod"]["if"]


def test_each_model_goes_live_by_itself():
    plan, release = read("deploy")["jobs"].values()
    assert plan["steps"][-1]["run"] == 'make plan-deploy STAGE="staging prod"'
    assert release["strategy"]["fail-fast"] == "false"
    assert release["strategy"]["matrix"] == {
        "include": "${{ fromJSON(needs.plan.outputs.models) }}"
    }
    assert release["with"].keys() == read("release")["on"]["workflow_call"]["inputs"].keys()
    # GitHub refuses a matrix of nothing, and skips what needs a job that has failed.
    for rule in ("!cancelled()", "models != ''", "models != '[]'"):
        assert rule in release["if"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_model_is_named_in_a_workflow(path):
    words = set(re.findall(r"\w+", path.read_text()))
    assert not words & set(list_models())


def test_runs_of_other_models_do_not_end_each_other_or_take_each_others_files():
    train = read("train")
    assert "${{ inputs.models }}" in train["concurrency"]["group"]
    names = {
        step["with"]["name"]
        for job in train["jobs"].values()
        for step in job["steps"]
        if "-artifact@" in step.get("uses", "")
    }
    assert names == {"${{ inputs.models || 'models' }}"}
    retrain = read("retrain")["jobs"]["train"]
    assert retrain["strategy"]["fail-fast"] == "false"
    assert retrain["with"]["models"] == "${{ matrix.model }}"


def test_label_does_not_end_a_run_and_nothing_ends_a_deployment():
    for name in ("deploy", "release"):
        assert read(name)["concurrency"]["cancel-in-progress"] == "false"
    train = read("train")
    assert train["concurrency"]["cancel-in-progress"] == (
        "${{ github.event.action == 'synchronize' }}"
    )
    assert {"labeled", "unlabeled"} < set(train["on"]["pull_request"]["types"])


@pytest.mark.parametrize("job", ["plan", "train", "test", "model"])
def test_what_is_trained_tested_and_committed_to_is_the_pull_requests_own_commit(job):
    first = read("train")["jobs"][job]["steps"][0]
    assert first["with"]["ref"] == "${{ github.event.pull_request.head.sha || github.sha }}"


def test_guide_names_the_environments_that_roles_trust():
    named = set(re.findall(r"`(\w+)`", GUIDE[GUIDE.index("protect GitHub's environments") :][:80]))
    assert named == {"plan", "training", *STAGES}

"""What people run on a stage whose host is Fargate: rollback, live, prune and so on; on moto."""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import boto3
import pytest

from serving.deployment.commands import live, prune, push, rollback, running, tasks
from serving.deployment.commands.logs.line import Entry, Kind, Sorter
from serving.deployment.image import builder
from serving.deployment.stack import SAID, Deployment, StackError
from serving.deployment.stages import Stage
from serving.tests.cloud.registry import list_tags, put_images
from serving.tests.moto_server import serve_moto
from tools.cloud import local

DEV = Deployment("hobbies", "dev")
NAME = DEV.name
FARGATE = Stage(host="fargate", auth="none", rate_per_second=None, burst=None)


@pytest.fixture
def aws(monkeypatch):
    with serve_moto() as port:
        for name, value in local.list_variables(port).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setitem(rollback.STAGES, "dev", FARGATE)
        yield


@pytest.fixture
def ecs(aws):
    return boto3.client("ecs", region_name=local.REGION)


@pytest.fixture
def register(ecs):
    """Register revisions, each of an image of its own."""

    def register(*numbers, name=NAME):
        for number in numbers:
            ecs.register_task_definition(
                family=name,
                containerDefinitions=[
                    {
                        "name": "web",
                        "image": f"registry.example.org/quickthaw:{number}",
                        "memory": 512,
                        "dockerLabels": {SAID: f"model {number}, image {number}"},
                    }
                ],
            )

    return register


@pytest.fixture
def serve(ecs, register):
    """Make a service that has had so many revisions, and runs the last one."""

    def serve(count, name=NAME):
        register(*range(1, count + 1), name=name)
        ecs.create_cluster(clusterName=name)
        ecs.create_service(
            cluster=name, serviceName=name, taskDefinition=f"{name}:{count}", desiredCount=1
        )
        return ecs

    return serve


@pytest.fixture
def settle(monkeypatch):
    """Let deployments of moto's, which start no tasks, end in a state."""

    def settle(*states):
        left, real = list(states), tasks.read_service

        def read(client, name):
            service = real(client, name)
            if left:
                service["deployments"] = [{"status": "PRIMARY", "rolloutState": left.pop(0)}]
            return service

        monkeypatch.setattr(tasks, "read_service", read)
        monkeypatch.setattr(tasks, "POLL_SECONDS", 0)

    return settle


def find_live(client):
    return tasks.read_current(client, NAME)


def test_rollback_goes_to_the_task_definition_before_and_says_so(ecs, serve, settle, capsys):
    serve(3)
    settle("COMPLETED", "IN_PROGRESS", "COMPLETED")
    assert rollback.rollback(DEV, yes=True) == 2
    assert find_live(ecs) == 2
    said = capsys.readouterr().err
    assert "from version 3 (model 3, image 3) to version 2 (model 2, image 2)" in said
    settle("COMPLETED", "COMPLETED")
    assert rollback.rollback(DEV, 3, yes=True) == 3
    with pytest.raises(StackError, match="live already"):
        rollback.rollback(DEV, 3, yes=True)
    with pytest.raises(StackError, match="there is no version 7"):
        rollback.rollback(DEV, 7, yes=True)


def test_there_is_nothing_to_go_back_to_rollback_says_what_to_do(serve):
    serve(1)
    with pytest.raises(StackError, match="first one that is kept"):
        rollback.rollback(DEV, yes=True)


def test_nobody_is_there_nothing_is_moved(ecs, serve, monkeypatch):
    serve(2)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(StackError, match="YES=1"):
        rollback.rollback(DEV)
    assert find_live(ecs) == 2


@pytest.mark.parametrize("is_cluster", [False, True])
def test_there_is_no_service_rollback_says_what_makes_it(ecs, is_cluster):
    if is_cluster:
        ecs.create_cluster(clusterName=NAME)
    with pytest.raises(StackError, match=f"there is no service {NAME}: 'make deploy'"):
        rollback.rollback(DEV, yes=True)


def test_tasks_do_not_start_that_is_said(ecs, serve, settle):
    serve(2)
    settle("COMPLETED", "IN_PROGRESS", "FAILED")
    with pytest.raises(StackError, match=r"the tasks of version 1 of .* do not start"):
        rollback.rollback(DEV, yes=True)


def test_breaker_has_gone_back_that_is_said(monkeypatch):
    # At first what ECS says may be old.
    shown = iter([(2, "COMPLETED"), (1, "IN_PROGRESS"), (2, "COMPLETED")])

    def read(*_):
        number, state = next(shown)
        return {
            "taskDefinition": f"arn:aws:ecs:r:a:task-definition/{NAME}:{number}",
            "deployments": [{"status": "PRIMARY", "rolloutState": state}],
        }

    monkeypatch.setattr(tasks, "read_service", read)
    monkeypatch.setattr(tasks, "POLL_SECONDS", 0)
    with pytest.raises(StackError, match="do not start: it went back"):
        tasks.wait(None, NAME, 1)


def test_tasks_take_too_long_it_is_said_what_tells_why(serve, ecs, settle, monkeypatch):
    serve(2)
    settle(*["IN_PROGRESS"] * 100)
    monkeypatch.setattr(tasks, "PATIENCE_SECONDS", 0.05)
    with pytest.raises(StackError, match=r"'aws ecs describe-services --cluster quickthaw-hobbies"):
        tasks.wait(ecs, NAME, 2)


def test_stage_has_bulk_its_function_follows(ecs, serve, settle, monkeypatch):
    serve(2)
    settle("COMPLETED", "COMPLETED")
    moved = []
    monkeypatch.setattr(
        rollback,
        "plan_bulk",
        lambda deployment, now, then, *, back: rollback.Move(deployment.bulk, 1, then, now),
    )
    monkeypatch.setattr(rollback, "move", lambda _, *what: moved.append(what))
    rollback.rollback(DEV, yes=True)
    assert moved == [(DEV.bulk, 1, "model 1, image 1")]


@pytest.fixture
def bulk_tasks(monkeypatch):
    """Stage dev has bulk on Fargate, beside a web service there."""
    monkeypatch.setitem(rollback.STAGES, "dev", replace(FARGATE, bulk=True, bulk_host="fargate"))


def test_stage_has_workers_they_follow_to_the_same_model(ecs, serve, settle, bulk_tasks, capsys):
    serve(2)
    serve(3, name=DEV.bulk)
    settle("COMPLETED", "COMPLETED", "COMPLETED", "COMPLETED", "COMPLETED", "COMPLETED")
    ecs.update_service(cluster=DEV.bulk, service=DEV.bulk, taskDefinition=f"{DEV.bulk}:2")
    assert rollback.rollback(DEV, yes=True) == 1
    assert find_live(ecs) == 1
    assert tasks.read_current(ecs, DEV.bulk) == 1
    said = capsys.readouterr().err
    assert f"{DEV.bulk}: goes from version 2 (model 2, image 2) to version 1 (model 1" in said


def test_workers_do_not_start_it_is_said_what_has_moved(serve, settle, bulk_tasks):
    serve(2)
    serve(2, name=DEV.bulk)
    settle(*["COMPLETED"] * 3, "FAILED")
    with pytest.raises(StackError, match=f"{NAME} has moved, {DEV.bulk} has not: the tasks of"):
        rollback.rollback(DEV, yes=True)


def test_workers_were_never_deployed_the_service_goes_back_all_the_same(
    ecs, serve, settle, bulk_tasks
):
    serve(2)
    settle("COMPLETED", "COMPLETED")
    assert rollback.rollback(DEV, yes=True) == 1


def test_workers_were_rolled_back_it_is_said_what_goes_forward(serve, bulk_tasks):
    said = live._go_forward(DEV, DEV.bulk, 3)
    assert said.startswith(f"'aws ecs update-service --cluster {DEV.bulk} --service {DEV.bulk} ")
    assert f"--task-definition {DEV.bulk}:3" in said


def test_workers_are_listed_beside_the_web_process(serve, capsys):
    serve(1)
    serve(3, name=DEV.bulk)
    running.main()
    lines = [one.split() for one in capsys.readouterr().out.splitlines()]
    assert ["dev", "hobbies", "(bulk,", "fargate)", "model", "3,", "image", "3"] in lines
    assert ["dev", "hobbies", "(fargate)", "model", "1,", "image", "1"] in lines


def make_template(said, **more):
    container = {"Name": "web", "DockerLabels": {SAID: said}}
    definition = {
        "Type": "AWS::ECS::TaskDefinition",
        "Properties": {"ContainerDefinitions": [container]},
    }
    return {"Resources": {"Definition": definition} | more}


@pytest.mark.parametrize(
    ("image", "current", "expected"),
    [(2, 2, "live"), (3, 2, "deploy"), (3, 1, "deploy"), (2, 1, "rolled back")],
)
def test_stage_runs_this_commit_or_is_to_be_deployed_or_was_rolled_back(
    serve, monkeypatch, image, current, expected
):
    client, said = serve(2), f"model {image}, image {image}"
    client.update_service(cluster=NAME, service=NAME, taskDefinition=f"{NAME}:{current}")
    body = json.dumps(make_template("model 2, image 2"))
    stacks = SimpleNamespace(
        describe_stacks=lambda **_: {"Stacks": [{"StackStatus": "UPDATE_COMPLETE"}]},
        get_template=lambda **_: {"TemplateBody": body},
    )
    real = live.make_client
    monkeypatch.setattr(
        live, "make_client", lambda name: stacks if name == "cloudformation" else real(name)
    )
    monkeypatch.setattr(live, "synthesize", lambda *_, **__: {NAME: make_template(said)})
    if expected in {*live.Verdict}:
        assert live.look(DEV, "base", local=False) == expected
        return
    with pytest.raises(StackError, match=rf"{expected} from version 2 .* TO=2'"):
        live.look(DEV, "base", local=False)


def test_template_says_its_host_and_its_image():
    template = make_template("model 2, image 2")
    assert live.find_host(template) == "fargate"
    assert live.read_image(template) == "model 2, image 2"


def test_versions_are_told_to_a_workflow(serve, monkeypatch, capsys):
    serve(2)
    monkeypatch.setattr(sys, "argv", ["live", "--model", "hobbies", "--stage", "dev", "--versions"])
    live.main()
    assert capsys.readouterr().out == "2 2\n"


def test_stage_has_no_service_yet_there_is_no_version(ecs):
    assert live.read_versions(NAME, "fargate") is None


def test_models_that_run_are_listed_with_their_host(serve, capsys):
    serve(2)
    serve(1, "somebody-else")
    running.main()
    (line,) = capsys.readouterr().out.splitlines()
    assert line.split("  ")[0] == "dev"
    assert "hobbies (fargate)" in line
    assert line.endswith("model 2, image 2")


@pytest.fixture
def prunes(aws, monkeypatch):
    """What is deleted of images when all that no task runs is old."""
    monkeypatch.setattr(prune, "GRACE", timedelta(minutes=-1))
    client = boto3.client("ecr", region_name=local.REGION)
    client.create_repository(repositoryName="quickthaw")
    put_images(client, map(str, range(1, 9)))

    def prunes(keep):
        prune.prune(keep, yes=True)
        return list_tags(client)

    return prunes


def test_prune_keeps_the_newest_and_what_runs_and_their_images(ecs, serve, prunes):
    serve(7)
    ecs.update_service(cluster=NAME, service=NAME, taskDefinition=f"{NAME}:2")
    assert prunes(3) == {"2", "5", "6", "7"}
    assert tasks.list_numbers(ecs, NAME) == [2, 5, 6, 7]


def test_prune_keeps_the_newest_of_workers_and_what_they_run(ecs, serve, prunes):
    serve(6, name=DEV.bulk)
    ecs.update_service(cluster=DEV.bulk, service=DEV.bulk, taskDefinition=f"{DEV.bulk}:1")
    assert prunes(2) == {"1", "5", "6"}
    assert tasks.list_numbers(ecs, DEV.bulk) == [1, 5, 6]


def test_service_is_gone_prune_takes_back_its_task_definitions(ecs, register, prunes):
    register(1, 2)
    assert prunes(3) == set()
    assert tasks.list_numbers(ecs, NAME) == []


def test_task_definition_is_new_it_is_kept_for_a_service_that_is_being_made(
    ecs, register, prunes, monkeypatch
):
    register(1, 2)
    monkeypatch.setattr(prune, "GRACE", timedelta(days=1))
    real = tasks.read_revision
    monkeypatch.setattr(
        tasks, "read_revision", lambda *one: real(*one)._replace(registered=datetime.now(UTC))
    )
    assert prunes(1) == {*map(str, range(1, 9))}
    assert tasks.list_numbers(ecs, NAME) == [1, 2]


def test_prune_leaves_what_is_somebody_elses(ecs, register, prunes):
    register(1, name="somebody-else")
    prunes(1)
    found = ecs.list_task_definition_families(status="ACTIVE")["families"]
    assert found == ["somebody-else"]


def test_stage_is_on_fargate_the_image_of_the_web_process_is_pushed(aws, monkeypatch, capsys):
    pushed = []

    def take(model, base, target, *, local):
        pushed.append(target)
        return "-".join(target)

    bulk = Stage(**{**vars(FARGATE), "bulk": True, "architecture": "arm64"})
    monkeypatch.setitem(push.STAGES, "dev", bulk)
    monkeypatch.setattr(push, "push", take)
    monkeypatch.setattr(builder, "read_revision", lambda _: "0")
    monkeypatch.setattr(sys, "argv", ["push", "--model", "hobbies", "--base", "base"])
    push.main()
    assert pushed == [("arm64", "web"), ("arm64", "bulk")]
    assert capsys.readouterr().out == "arm64-web\n"


@pytest.mark.parametrize(
    "text",
    [
        "a worker ended (by SIGKILL): another takes its place",
        "2 workers did not end in 9.5 s: killed",
    ],
)
def test_worker_ends_the_log_shows_it_as_an_error(text):
    assert Sorter().sort(Entry(text)).kind is Kind.ERROR

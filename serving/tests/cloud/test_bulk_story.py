"""Bulk on a local AWS: the real CDK, real containers of the real image, a real queue."""

import json
import time

import pytest
from sklearn.linear_model import LogisticRegression

from serving.tests.cloud.checkout import Checkout, Clients
from serving.tests.cloud.node import install_cdk
from serving.tests.sample import fit
from tools.cloud import local
from tools.image.container import docker

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.node]
STAGES = "serving/deployment/stages.py"
BULK = "quickthaw-topics-bulk-dev"
TEXTS = ["tie the rope to the boat", "bake bread", "hoist the sail"]


@pytest.fixture
def checkout(tmp_path):
    install_cdk()
    with local.run(tmp_path, host=local.find_bridge()) as variables:
        made = Checkout(tmp_path / "checkout", variables)
        change_dev(made, "", "bulk=True, ")
        made.cloud = Clients(variables)
        yield made


def change_dev(checkout, before, after):
    """Give the checkout's stage dev other settings."""
    stages, start = checkout.folder / STAGES, '"dev": Stage('
    text = stages.read_text()
    assert f"{start}{before}" in text
    stages.write_text(text.replace(f"{start}{before}", f"{start}{after}"))


@pytest.fixture
def asked(tmp_path):
    """A folder of files that are to be answered."""
    folder = tmp_path / "asked"
    (folder / "more").mkdir(parents=True)
    lines = [json.dumps({"text": one}) for one in TEXTS]
    (folder / "posts.jsonl").write_text("\n".join([*lines, '{"text": 1}', ""]))
    (folder / "more/posts.csv").write_text("id,text\n" + "".join(f"7,{one}\n" for one in TEXTS))
    return folder


def answer(checkout, asked, out):
    """Have the files answered: the bytes of each answer, by its form."""
    said = checkout.make("bulk", f"IN={asked}", f"OUT={out}")
    assert "2 of 2 answered" in said
    return {path.name.split(".")[1]: path.read_bytes() for path in out.rglob("posts*")}


def test_files_are_put_answered_fetched_and_nothing_of_people_is_deleted(
    checkout, pipeline, asked, tmp_path
):
    version = checkout.take_model(pipeline)
    checkout.make("bootstrap", "GITHUB=owner/name", "PROVIDER=false", "YES=1")
    checkout.make("deploy", "YES=1")
    said = checkout.make("bulk", f"IN={asked}", f"OUT={tmp_path / 'out'}")
    assert "2 of 2 answered" in said
    found = {path.name.split(".")[1]: path for path in (tmp_path / "out" / version).rglob("posts*")}
    assert set(found) == {"jsonl", "csv"}
    rows = [json.loads(line) for line in found["jsonl"].read_text().splitlines()]
    labels = list(pipeline.predict(TEXTS))
    assert [one["label"] for one in rows] == [*labels, None]
    assert {one["model"] for one in rows} == {version}
    assert rows[-1]["error"].startswith("body.text: ")
    assert [line.split(",")[3] for line in found["csv"].read_text().splitlines()[1:]] == labels

    assert "nothing is dead" in checkout.make("redrive", "YES=1")
    assert "the stack is as committed" in checkout.make("live")
    checkout.make("destroy", "YES=1")
    assert "set bulk=True" in checkout.make("bulk", status=2)


def test_tasks_take_the_functions_place_answer_the_same_roll_over_and_go_back(
    checkout, pipeline, asked, tmp_path
):
    old = checkout.take_model(pipeline)
    checkout.make("bootstrap", "GITHUB=owner/name", "PROVIDER=false", "YES=1")
    checkout.make("deploy", "YES=1")
    of_function = answer(checkout, asked, tmp_path / "function")
    assert set(of_function) == {"jsonl", "csv"}

    change_dev(checkout, "bulk=True, ", 'bulk=True, bulk_host="fargate", ')
    checkout.make("bootstrap", "GITHUB=owner/name", "PROVIDER=false", "YES=1")
    checkout.make("deploy", "YES=1")
    functions = checkout.cloud.client("lambda").list_functions()["Functions"]
    assert [one["FunctionName"] for one in functions] == ["quickthaw-topics-dev"]
    assert answer(checkout, asked, tmp_path / "tasks") == of_function
    check_container(checkout.cloud)
    logged = checkout.make("logs", "BULK=1", "SINCE=1h")
    assert f"/aws/ecs/{BULK}" in logged
    assert old in logged
    assert "topics (bulk, fargate)" in checkout.make("models", "STAGES=1")
    assert "the stack is as committed" in checkout.make("live")

    new = checkout.take_model(fit(LogisticRegression(C=1)))
    checkout.make("deploy", "YES=1")
    wait_for_task(checkout.cloud, 2)
    answer(checkout, asked, tmp_path / "new")
    assert [path.name for path in (tmp_path / "new").iterdir()] == [new]
    said = checkout.make("rollback", "YES=1")
    assert f"{BULK}: goes from version 2 (model {new}" in said
    wait_for_task(checkout.cloud, 1)
    assert "was rolled back" in checkout.make("live", status=2)
    assert answer(checkout, asked, tmp_path / "back") == of_function
    assert "nothing is dead" in checkout.make("redrive", "YES=1")
    checkout.make("destroy", "YES=1")
    assert not checkout.cloud.client("ecs").list_clusters()["clusterArns"]


def check_container(cloud):
    """The task's container is shut in, as its definition says."""
    from serving.deployment.stacks.fargate import worker  # needs Node.js

    (arn,) = cloud.client("ecs").list_tasks(cluster=BULK)["taskArns"]
    name = docker("ps", "--quiet", "--filter", f"label=com.amazonaws.ecs.task-arn={arn}").strip()
    (found,) = json.loads(docker("inspect", name))
    assert found["Config"]["User"] == "993:990"
    assert found["HostConfig"]["ReadonlyRootfs"] is True
    assert [one["Destination"] for one in found["Mounts"]] == ["/tmp"]  # noqa: S108
    docker("exec", name, "python3", "-c", worker.HEALTH)


def wait_for_task(cloud, number):
    """Until the tasks of one revision run, and no others.

    Here what waits for a message goes on for its 20 seconds where its caller was ended, and what
    it gets is hidden for five minutes: it is let end.
    """
    ecs, until = cloud.client("ecs"), time.monotonic() + 120
    while time.monotonic() < until:
        arns = ecs.list_tasks(cluster=BULK)["taskArns"]
        tasks = ecs.describe_tasks(cluster=BULK, tasks=arns)["tasks"] if arns else []
        found = {(one["taskDefinitionArn"].rpartition(":")[2], one["lastStatus"]) for one in tasks}
        if found == {(str(number), "RUNNING")}:
            time.sleep(20)
            return
        time.sleep(1)
    pytest.fail(f"the tasks are {found}")

"""Fargate on a local AWS: the real CDK, containers of the real image behind a load balancer."""

import json
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress

import httpx
import pytest
from sklearn.linear_model import LogisticRegression

from serving.deployment.stack import locate
from serving.tests.cloud.checkout import Checkout, Clients
from serving.tests.cloud.node import install_cdk
from serving.tests.sample import fit
from tools.cloud import local

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.node]
STAGES = "serving/deployment/stages.py"
NAME = "quickthaw-topics-dev"
TEXTS = ["tie the rope to the boat", "bake bread", "hoist the sail"]
PATIENCE = 120
# What the balancer here says by itself: it asks no health, so it sends requests to a task that does
# not listen yet, or no more.
BALANCERS = ("connect error",)


class Cloud(Clients):
    """The local AWS as a caller and an operator see it."""

    def post(self, text):
        url, headers = self.find()
        return httpx.post(f"{url}predict", json={"text": text}, headers=headers, timeout=60)

    def find(self):
        """Where it is to be asked, and with which headers."""
        (stack,) = self.client("cloudformation").describe_stacks(StackName=NAME)["Stacks"]
        outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
        url, headers = locate(outputs["Url"])
        if outputs["KeyId"] != "none":
            keys = self.client("apigateway")
            found = keys.get_api_key(apiKey=outputs["KeyId"], includeValue=True)
            headers["X-Api-Key"] = found["value"]
        return url, headers

    @contextmanager
    def ask_steadily(self):
        """Ask all the time, each time by a connection of its own: gives the answers, as
        (status, model, the balancer's own words) with their number.
        """
        (url, headers), found, ended = self.find(), Counter(), threading.Event()

        def ask():
            while not ended.wait(0.05):
                one = httpx.post(
                    f"{url}predict", json={"text": TEXTS[0]}, headers=headers, timeout=60
                )
                own = one.json().get("message", "") if one.status_code >= 500 else ""
                said = next((words for words in BALANCERS if words in own), own)
                found[one.status_code, one.headers.get("x-model-version"), said] += 1

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield found
        finally:
            ended.set()
            thread.join()

    def wait(self, version):
        """Until a version answers: here a stack is made before its tasks run."""
        until, found = time.monotonic() + PATIENCE, None
        while time.monotonic() < until:
            with suppress(httpx.HTTPError):
                answer = self.post(TEXTS[0])
                found = answer.headers.get("x-model-version"), self.count()
                if found == (version, 2):
                    return
            time.sleep(1)
        pytest.fail(f"{version} does not answer alone: {found}")

    def wait_for_breaker(self):
        """Until the service has gone back, and runs: the service."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            (service,) = self.client("ecs").describe_services(cluster=NAME, services=[NAME])[
                "services"
            ]
            states = {one["status"]: one.get("rolloutState") for one in service["deployments"]}
            said = " ".join(one["message"] for one in service["events"])
            if states["PRIMARY"] == "COMPLETED" and "circuit breaker" in said:
                return service
            time.sleep(0.5)
        pytest.fail(f"the service has not gone back: {service['deployments']}")

    def count(self):
        """The tasks that run."""
        return len(self.client("ecs").list_tasks(cluster=NAME)["taskArns"])

    def list_what_is_there(self):
        """All that has the stack's name, or belongs to it."""
        ecs, balancers, ec2 = (self.client(one) for one in ("ecs", "elbv2", "ec2"))
        logs, cloudwatch = self.client("logs"), self.client("cloudwatch")
        roles = self.client("iam").list_roles()["Roles"]
        return [
            *(one["FunctionName"] for one in self.client("lambda").list_functions()["Functions"]),
            *(one["name"] for one in self.client("apigateway").get_rest_apis()["items"]),
            *ecs.list_clusters()["clusterArns"],
            *(
                one["LoadBalancerName"]
                for one in balancers.describe_load_balancers()["LoadBalancers"]
            ),
            *(one["TargetGroupName"] for one in balancers.describe_target_groups()["TargetGroups"]),
            *(one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"] if not one["IsDefault"]),
            *(one["GroupId"] for one in ec2.describe_security_groups()["SecurityGroups"]),
            *(one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]),
            *(one["AlarmName"] for one in cloudwatch.describe_alarms()["MetricAlarms"]),
            *(one["DashboardName"] for one in cloudwatch.list_dashboards()["DashboardEntries"]),
            *(one["RoleName"] for one in roles if one["Path"] == "/quickthaw/dev/"),
        ]


@pytest.fixture
def story(tmp_path, monkeypatch):
    """A checkout and the cloud that it is deployed to."""
    install_cdk()
    with local.run(tmp_path) as variables:
        monkeypatch.setenv("AWS_ENDPOINT_URL", variables["AWS_ENDPOINT_URL"])  # for locate()
        yield Checkout(tmp_path / "checkout", variables), Cloud(variables)


def test_it_goes_to_fargate_answers_as_before_is_rolled_over_rolled_back_and_destroyed(
    story, pipeline
):
    checkout, cloud = story
    old = checkout.take_model(pipeline)
    checkout.make("bootstrap", "GITHUB=owner/name", "PROVIDER=false", "YES=1")
    before = cloud.list_what_is_there()
    checkout.make("deploy", "YES=1")
    of_function = [cloud.post(text).content for text in TEXTS]

    choose_fargate(checkout)
    checkout.make("bootstrap", "GITHUB=owner/name", "PROVIDER=false", "YES=1")
    checkout.make("deploy", "YES=1")
    cloud.wait(old)
    answers = [cloud.post(text) for text in TEXTS]
    assert [one.status_code for one in answers] == [200] * len(TEXTS)
    assert [one.content for one in answers] == of_function
    assert [one.json()["label"] for one in answers] == list(pipeline.predict(TEXTS))
    assert not cloud.client("lambda").list_functions()["Functions"]
    assert "all are answered" in checkout.make("smoke")
    assert "the stack is as committed" in checkout.make("live")
    assert "topics (fargate)" in checkout.make("models", "STAGES=1")
    check_logs(checkout, cloud, old)

    new = checkout.take_model(fit(LogisticRegression(C=1)))
    checkout.make("deploy", "YES=1")
    cloud.wait(new)
    assert "all are answered" in checkout.make("smoke")

    said = checkout.make("rollback", "YES=1")
    assert f"from version 2 (model {new}" in said
    assert f"to version 1 (model {old}" in said
    cloud.wait(old)
    assert f"model {old} answers, not {new}" in checkout.make("smoke", status=2)
    assert "was rolled back" in checkout.make("live", status=2)
    assert "first one that is kept" in checkout.make("rollback", "YES=1", status=2)

    checkout.make("destroy", "YES=1")
    assert sorted(cloud.list_what_is_there()) == sorted(before)


def test_version_rolls_over_under_requests_and_one_that_dies_at_once_goes_back(story, pipeline):
    checkout, cloud = story
    choose_fargate(checkout)
    old = checkout.take_model(pipeline)
    checkout.make("bootstrap", "GITHUB=owner/name", "PROVIDER=false", "YES=1")
    checkout.make("deploy", "YES=1")
    cloud.wait(old)

    new = checkout.take_model(fit(LogisticRegression(C=1)))
    with cloud.ask_steadily() as answers:
        checkout.make("deploy", "YES=1")
        cloud.wait(new)
    check_answers(answers, {old, new})

    program = checkout.folder / "serving/hosts/web/__main__.py"
    program.write_text(f"raise SystemExit(3)\n{program.read_text()}")
    with cloud.ask_steadily() as answers:
        checkout.make("deploy", "YES=1")
        service = cloud.wait_for_breaker()
    check_answers(answers, {new})
    assert service["taskDefinition"].endswith(":2")
    (failed,) = (one for one in service["deployments"] if one["rolloutState"] == "FAILED")
    assert failed["taskDefinition"].endswith(":3")
    assert failed["failedTasks"] == 3
    assert "was rolled back" in checkout.make("live", status=2)
    assert "all are answered" in checkout.make("smoke")
    checkout.make("destroy", "YES=1")


def check_answers(answers, versions):
    """No task has failed a request or cut it off; the rest is the balancer's own, if any."""
    failed = {one: count for one, count in answers.items() if one[0] != 200}
    assert all(said in BALANCERS for _, _, said in failed), failed
    assert sum(failed.values()) < sum(answers.values()) / 20
    assert {version for status, version, _ in answers if status == 200} == versions


def choose_fargate(checkout):
    """Let the checkout's stage dev be on Fargate."""
    stages = checkout.folder / STAGES
    text, dev = stages.read_text(), '"dev": Stage(retention_days=7, rate_per_second=10, burst=20)'
    assert dev in text
    fargate = '"dev": Stage(host="fargate", auth="none", rate_per_second=None, burst=None)'
    stages.write_text(text.replace(dev, fargate))


def check_logs(checkout, cloud, version):
    """The lines of the process are in the log, without content, and `make logs` reads them."""
    events = cloud.client("logs").filter_log_events(logGroupName=f"/aws/ecs/{NAME}")["events"]
    documents = [json.loads(one["message"]) for one in events if "_aws" in one["message"]]
    assert {one["ServiceName"] for one in documents} == {NAME}
    assert {one["LogGroup"] for one in documents} == {f"/aws/ecs/{NAME}"}
    assert not any(TEXTS[0] in one["message"] for one in events)
    shown = checkout.make("logs", f"VERSION={version}")
    assert " 200 " in shown
    assert version in shown

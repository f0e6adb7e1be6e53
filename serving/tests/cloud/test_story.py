"""The whole way on a local AWS: the real CDK, real containers of the real image, real requests."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError
from sklearn.linear_model import LogisticRegression

from serving.deployment.stack import locate
from serving.tests.cloud.checkout import Checkout, Clients
from serving.tests.cloud.node import install_cdk
from serving.tests.records import EXAMPLE
from serving.tests.sample import fit
from tools.cloud import local

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.node]
STACK = "quickthaw-topics-dev"
TEXT = "tie the rope to the boat"
OTHER = "quickthaw-rents-dev"
BURST = 20  # of stage dev


@pytest.fixture(scope="session", autouse=True)
def cdk():
    install_cdk()


class Cloud(Clients):
    """The local AWS as a caller and an operator see it."""

    def find_api(self, name=STACK):
        (stack,) = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
        key = self.client("apigateway").get_api_key(apiKey=outputs["KeyId"], includeValue=True)
        url, headers = locate(outputs["Url"])
        return f"{url}predict", headers, headers | {"X-Api-Key": key["value"]}

    def predict(self, name=STACK, body=None):
        url, _, headers = self.find_api(name)
        return httpx.post(url, json=body or {"text": TEXT}, headers=headers, timeout=60)

    def list_what_is_there(self):
        """All that has a stack's name, or belongs to it."""
        lambda_, apis = self.client("lambda"), self.client("apigateway")
        logs, cloudwatch = self.client("logs"), self.client("cloudwatch")
        roles = self.client("iam").list_roles()["Roles"]
        return [
            *(one["FunctionName"] for one in lambda_.list_functions()["Functions"]),
            *(one["name"] for one in apis.get_rest_apis()["items"]),
            *(one["id"] for one in apis.get_api_keys()["items"]),
            *(one["id"] for one in apis.get_usage_plans()["items"]),
            *(one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]),
            *(one["AlarmName"] for one in cloudwatch.describe_alarms()["MetricAlarms"]),
            *(one["DashboardName"] for one in cloudwatch.list_dashboards()["DashboardEntries"]),
            *(one["RoleName"] for one in roles if one["Path"] == "/quickthaw/dev/"),
        ]


@pytest.fixture
def story(tmp_path, monkeypatch):
    """A checkout and the cloud that it is deployed to."""
    with local.run(tmp_path) as variables:
        monkeypatch.setenv("AWS_ENDPOINT_URL", variables["AWS_ENDPOINT_URL"])  # for locate()
        yield Checkout(tmp_path / "checkout", variables), Cloud(variables)


def test_it_is_deployed_called_read_retrained_rolled_back_reverted_and_destroyed(story, pipeline):
    checkout, cloud = story
    old = checkout.take_model(pipeline)
    checkout.make("bootstrap", "GITHUB=owner/name", "PROVIDER=false", "YES=1")
    before = cloud.list_what_is_there()
    checkout.make("deploy", "YES=1")

    answer = cloud.predict()
    assert answer.status_code == 200
    assert answer.json()["label"] == pipeline.predict([TEXT])[0]
    assert answer.json()["model"]["version"] == old
    check_keys_and_throttles(cloud)
    check_logs(checkout, cloud, old)
    assert "all are answered" in checkout.make("smoke")
    alone = cloud.list_what_is_there()
    beside = deploy_another(checkout, cloud, old)

    new = checkout.take_model(fit(LogisticRegression(C=1)))
    assert new != old
    checkout.make("deploy", "YES=1")
    assert cloud.predict().json()["model"]["version"] == new
    assert "all are answered" in checkout.make("smoke")

    assert "nobody is there to be asked" in checkout.make("rollback", status=2)
    assert cloud.predict().json()["model"]["version"] == new
    said = checkout.make("rollback", "YES=1")
    assert f"goes from version 2 (model {new}" in said
    assert f"to version 1 (model {old}" in said
    assert cloud.predict().json()["model"]["version"] == old
    assert f"model {old} answers, not {new}" in checkout.make("smoke", status=2)
    assert "first one that is kept" in checkout.make("rollback", "YES=1", status=2)

    assert checkout.take_model(pipeline) == old  # the commit is reverted
    assert "nothing to build" in checkout.make("deploy", "YES=1")
    assert cloud.predict().json()["model"]["version"] == old
    assert "all are answered" in checkout.make("smoke")
    assert "no differences" in checkout.make("diff")

    check_other(checkout, cloud, beside)
    checkout.make("destroy", "YES=1")
    assert "'make deploy MODEL=topics STAGE=dev LOCAL=1'" in checkout.make("smoke", status=2)
    check_other(checkout, cloud, beside)
    assert len(cloud.list_what_is_there()) == len(alone)
    checkout.make("destroy", "MODEL=rents", "YES=1")
    assert sorted(cloud.list_what_is_there()) == sorted(before)


def deploy_another(checkout, cloud, version):
    """Put a model over records beside the first: its version."""
    beside = checkout.take_rents()
    checkout.make("deploy", "MODEL=rents", "YES=1")
    assert cloud.predict().json()["model"]["version"] == version
    url, keyless, headers = cloud.find_api(OTHER)
    _, _, others = cloud.find_api()
    assert others["X-Api-Key"] != headers["X-Api-Key"]
    foreign = keyless | {"X-Api-Key": others["X-Api-Key"]}
    assert httpx.post(url, json=EXAMPLE, headers=foreign).status_code == 403
    check_other(checkout, cloud, beside)
    shown = checkout.make("logs", "MODEL=rents")
    assert beside in shown
    assert version not in shown
    assert beside not in checkout.make("logs")
    boards = cloud.client("cloudwatch").list_dashboards()["DashboardEntries"]
    assert {one["DashboardName"] for one in boards} >= {STACK, OTHER}
    return beside


def check_other(checkout, cloud, version):
    """The other model is as it was deployed."""
    answer = cloud.predict(OTHER, EXAMPLE)
    assert answer.status_code == 200
    assert answer.json()["model"]["version"] == version
    assert answer.json()["unit"] == "EUR"
    alias = cloud.client("lambda").get_alias(FunctionName=OTHER, Name="live")
    assert alias["FunctionVersion"] == "1"
    assert "all are answered" in checkout.make("smoke", "MODEL=rents")


def check_keys_and_throttles(cloud):
    url, keyless, headers = cloud.find_api()
    for wrong in (keyless, keyless | {"X-Api-Key": "wrong"}):
        assert httpx.post(url, json={"text": TEXT}, headers=wrong).status_code == 403
    page = httpx.get(url.removesuffix("predict"), headers=keyless, timeout=60)
    assert (page.status_code, page.headers["content-type"][:9]) == (200, "text/html")

    def post(_):
        return client.post(url, json={"text": TEXT}).status_code

    # One client: to make one takes longer than a request, and a busy machine would send too few.
    with httpx.Client(headers=headers, timeout=60) as client, ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(post, range(6 * BURST)))
    assert set(statuses) == {200, 429}
    assert statuses.count(200) >= BURST


def check_logs(checkout, cloud, version):
    events = cloud.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{STACK}")["events"]
    documents = [json.loads(one["message"]) for one in events if "_aws" in one["message"]]
    assert documents
    for one in documents:
        (directive,) = one["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "quickthaw"
        assert one["LogGroup"] == one["ServiceName"] == STACK
        assert one["modelVersion"] == version
        assert one["functionVersion"] == "1"
    assert not any(TEXT in one["message"] for one in events)
    shown = checkout.make("logs", f"VERSION={version}")
    lines = [line for line in shown.splitlines() if version in line]
    assert len(lines) == len(documents)
    assert all(" 200 " in line for line in lines)
    predicted = [one for one in documents if one["route"] != "/"]  # the page was asked for, too
    assert sum("sailing" in line for line in lines) == len(predicted) == len(documents) - 1


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A local AWS that heeds policies, with the account's stacks."""
    folder = tmp_path_factory.mktemp("guarded")
    with local.run(folder, enforce=True) as variables:
        checkout = Checkout(folder / "checkout", variables)
        checkout.make("bootstrap", "GITHUB=owner/name", "PROVIDER=false", "YES=1")
        yield variables


REFUSED = r"AccessDenied|not authorized|UnauthorizedOp"


def test_role_is_for_its_environment_of_its_repository(guarded):
    for subject in (
        "repo:owner/name:environment:prod",
        "repo:else/name:environment:training",
        "repo:owner/name:ref:refs/heads/main",
        "repo:owner/name:environment:training2",
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            log_in(guarded, "training", subject)


def test_trainer_writes_models_and_may_do_nothing_else(guarded):
    client = log_in(guarded, "training", "repo:owner/name:environment:training")
    bucket, s3 = f"quickthaw-{local.ACCOUNT}-{local.REGION}", client("s3")
    with pytest.raises(ClientError, match="explicit deny"):  # without TLS
        s3.list_objects_v2(Bucket=bucket)
    s3.meta.events.register("before-sign.s3", say_that_it_is_tls)
    s3.put_object(Bucket=bucket, Key="dvc/files/md5/00/1", Body=b"model")
    assert s3.get_object(Bucket=bucket, Key="dvc/files/md5/00/1")["Body"].read() == b"model"
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    Cloud(guarded).client("s3").create_bucket(
        Bucket="another", CreateBucketConfiguration={"LocationConstraint": local.REGION}
    )
    role = f"arn:aws:iam::{local.ACCOUNT}:role/quickthaw-deploy-prod"
    for refused in (
        lambda: s3.delete_object(Bucket=bucket, Key="dvc/files/md5/00/1"),
        lambda: s3.put_bucket_policy(Bucket=bucket, Policy="{}"),
        lambda: s3.put_object(Bucket="another", Key="x", Body=b""),
        lambda: s3.list_objects_v2(Bucket="another"),
        s3.list_buckets,
        client("ecr").describe_repositories,
        client("lambda").list_functions,
        client("cloudformation").describe_stacks,
        client("iam").list_roles,
        client("logs").describe_log_groups,
        lambda: client("sts").assume_role(RoleArn=role, RoleSessionName="job"),
    ):
        with pytest.raises(ClientError, match=REFUSED):
            refused()


def test_deployer_of_a_stage_reaches_its_own_function_and_stack_alone(guarded):
    client = log_in(guarded, "deploy-dev", "repo:owner/name:environment:dev")
    lambda_, stacks, s3 = client("lambda"), client("cloudformation"), client("s3")
    s3.meta.events.register("before-sign.s3", say_that_it_is_tls)
    with pytest.raises(ClientError, match="ResourceNotFound"):  # it may ask
        lambda_.get_alias(FunctionName="quickthaw-topics-dev", Name="live")
    with pytest.raises(ClientError, match="does not exist"):
        stacks.describe_stacks(StackName="quickthaw-topics-dev")
    for refused in (
        lambda: lambda_.get_alias(FunctionName="quickthaw-topics-prod", Name="live"),
        lambda: lambda_.update_alias(
            FunctionName="quickthaw-topics-prod", Name="live", FunctionVersion="1"
        ),
        lambda: lambda_.delete_function(FunctionName="quickthaw-topics-dev"),
        lambda: stacks.describe_stacks(StackName="quickthaw-topics-prod"),
        lambda: stacks.delete_stack(StackName="quickthaw-topics-prod"),
        lambda: stacks.delete_stack(StackName="quickthaw-account"),
        lambda: stacks.delete_stack(StackName="quickthaw-dev-access"),
        lambda: s3.put_object(
            Bucket=f"quickthaw-{local.ACCOUNT}-{local.REGION}", Key="dvc/x", Body=b""
        ),
        lambda: client("iam").create_role(
            RoleName="quickthaw-dev-x", AssumeRolePolicyDocument="{}"
        ),
        lambda: client("ecr").delete_repository(repositoryName="quickthaw"),
    ):
        with pytest.raises(ClientError, match=REFUSED):
            refused()


def say_that_it_is_tls(request, **_):
    """As a proxy says it that ends TLS: the local AWS itself has no certificate."""
    request.headers["X-Forwarded-Proto"] = "https"


def log_in(variables, role, subject):
    """Take a role as a job of a workflow does, by a token of the given subject: makes clients.

    The local AWS does not verify its signature.
    """
    claims = {
        "iss": "https://token.actions.githubusercontent.com",
        "aud": "sts.amazonaws.com",
        "sub": subject,
    }
    parts = [
        base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in ({}, claims)
    ]
    endpoint = variables["AWS_ENDPOINT_URL"]
    sts = boto3.client("sts", region_name=local.REGION, endpoint_url=endpoint)
    found = sts.assume_role_with_web_identity(
        RoleArn=f"arn:aws:iam::{local.ACCOUNT}:role/quickthaw-{role}",
        RoleSessionName="job",
        WebIdentityToken=b".".join([*parts, b"signature"]).decode(),
    )["Credentials"]
    session = boto3.Session(
        found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], local.REGION
    )
    return lambda service: session.client(service, endpoint_url=endpoint)

"""The template of a stage that has bulk: what would hurt if it were otherwise."""

import json
import re

import pytest

from serving.deployment import stack
from serving.deployment.image import builder
from serving.deployment.stack import BulkOutputs, Deployment, StackError, read_bulk
from serving.deployment.stages import Stage
from serving.tests.cloud.conftest import MANIFEST
from serving.tests.cloud.test_service import LEFT
from serving.tests.moto_server import serve_moto
from tools.cloud import local

pytestmark = pytest.mark.node
NAME = "quickthaw-hobbies-dev"
BULK, DEAD = "quickthaw-hobbies-bulk-dev", "quickthaw-hobbies-dead-dev"
GUID = {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}
GUID = {"Fn::Select": [4, {"Fn::Split": ["-", {"Fn::Select": [2, GUID]}]}]}


@pytest.fixture(scope="module")
def template(write_service):
    return write_service("dev", bulk=True)[BULK]


def find_named(synth, template, kind, key, name):
    """Logical id and properties of a template's one resource of a name."""
    ((identity, found),) = (
        (identity, one)
        for identity, one in synth.find(template, kind).items()
        if name in synth.as_text(one.get(key, ""))
    )
    return identity, found


@pytest.fixture(scope="module")
def found(synth, template):
    """Logical id and properties of what bulk is made of."""
    wanted = {
        "in": ("AWS::S3::Bucket", "BucketName", "-in-dev"),
        "out": ("AWS::S3::Bucket", "BucketName", "-out-dev"),
        "queue": ("AWS::SQS::Queue", "QueueName", BULK),
        "dead": ("AWS::SQS::Queue", "QueueName", DEAD),
        "function": ("AWS::Lambda::Function", "FunctionName", BULK),
    }
    return {name: find_named(synth, template, *where) for name, where in wanted.items()}


def test_stage_has_no_bulk_nothing_of_it_is_there(write_service):
    templates = write_service("dev", bulk=False)
    text = json.dumps(templates)
    assert [*templates] == [NAME]
    assert not re.search(r"AWS::S3|AWS::SQS|EventSourceMapping|[Bb]ulk", text)


def test_nothing_is_acknowledged_the_findings_are_those_and_no_more(write_service, monkeypatch):
    from serving.deployment.stacks import bulk, service

    monkeypatch.setattr(service, "LEFT", {})
    monkeypatch.setattr(bulk, "LEFT", {})
    findings = write_service("dev", bulk=True).findings
    assert {one.split()[0] for one in findings} == LEFT | {
        "AwsSolutions-S1",
        "Serverless-LambdaEventSourceMappingDestination",
        "Serverless-SQSRedrivePolicy",
    }


def test_buckets_are_the_stacks_own_private_encrypted_and_kept(synth, template, found):
    for name in ("in", "out"):
        identity, bucket = found[name]
        parts = ["quickthaw-hobbies-", GUID, f"-{name}-dev"]
        assert bucket["BucketName"] == {"Fn::Join": ["", parts]}
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        blocked = bucket["PublicAccessBlockConfiguration"]
        assert len(blocked) == 4
        assert set(blocked.values()) == {True}
        resource = template["Resources"][identity]
        kept = (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
        assert kept == ("RetainExceptOnCreate", "Retain")
        (lifecycle,) = bucket["LifecycleConfiguration"]["Rules"]
        assert lifecycle.pop("AbortIncompleteMultipartUpload") == {"DaysAfterInitiation": 1}
        assert lifecycle.pop("Status") == "Enabled"
        old = {"NoncurrentVersionExpiration": {"NoncurrentDays": 30}}
        assert lifecycle == (old if name == "in" else {})
    assert found["in"][1]["VersioningConfiguration"] == {"Status": "Enabled"}


def test_names_are_no_longer_than_aws_takes_them():
    from serving.deployment.stacks.bulk import MODEL_CHARS

    longest = f"quickthaw-{'m' * MODEL_CHARS}-{'0' * 12}-out-{'s' * 16}"
    assert len(longest) == 63  # Amazon S3 User Guide, "Bucket naming rules"
    deployment = Deployment("m" * 32, "s" * 16)
    assert len(deployment.bulk) == len(deployment.dead) == 64  # "Lambda quotas"


def test_nothing_is_reached_but_by_tls(synth, template, found):
    denied = {}
    for kind, key in (("AWS::S3::BucketPolicy", "Bucket"), ("AWS::SQS::QueuePolicy", "Queues")):
        for policy in synth.find(template, kind).values():
            (deny,) = (
                one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"
            )
            denied[synth.as_text(synth.as_list(policy[key])[0])] = deny
    assert set(denied) == {
        json.dumps({"Ref": found[name][0]}) for name in ("in", "out", "queue", "dead")
    }
    for deny in denied.values():
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert deny["Principal"] == {"AWS": "*"}
        assert deny["Action"] in ("s3:*", "sqs:*")


def test_bucket_alone_sends_to_the_queue_and_waits_until_it_may(synth, template, found):
    bucket, queue = found["in"], found["queue"][0]
    (notification,) = bucket[1]["NotificationConfiguration"]["QueueConfigurations"]
    arn = {"Fn::GetAtt": [queue, "Arn"]}
    assert notification == {"Event": "s3:ObjectCreated:*", "Queue": arn}
    ((policy, properties),) = (
        (name, one)
        for name, one in synth.find(template, "AWS::SQS::QueuePolicy").items()
        if one["Queues"] == [{"Ref": queue}]
    )
    (allowed,) = (
        one for one in properties["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"
    )
    prefix, *name = bucket[1]["BucketName"]["Fn::Join"][1]
    source = ["arn:", {"Ref": "AWS::Partition"}, f":s3:::{prefix}", *name]
    assert allowed == {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {
            "ArnEquals": {"aws:SourceArn": {"Fn::Join": ["", source]}},
            "StringEquals": {"aws:SourceAccount": synth.ACCOUNT},
        },
    }
    assert policy in template["Resources"][bucket[0]]["DependsOn"]
    assert "Custom::" not in json.dumps(template)


def test_message_is_dead_after_five_attempts_and_kept_fourteen_days(synth, found):
    queue, (dead_name, dead) = found["queue"][1], found["dead"]
    assert queue["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": [dead_name, "Arn"]},
        "maxReceiveCount": 5,
    }
    allowed = dead["RedriveAllowPolicy"]
    (source,) = allowed["sourceQueueArns"]
    assert allowed["redrivePermission"] == "byQueue"
    assert source["Fn::Join"][1][-1] == f":sqs:{synth.REGION}:{synth.ACCOUNT}:{BULK}"
    for one in (queue, dead):
        assert one["MessageRetentionPeriod"] == 14 * 24 * 60 * 60
        assert one["SqsManagedSseEnabled"] is True
    assert queue["VisibilityTimeout"] == 6 * found["function"][1]["Timeout"]


def test_function_runs_its_image_with_the_most_time_and_room_for_an_object(synth, found):
    function = found["function"][1]
    assert (function["Timeout"], function["EphemeralStorage"]) == (900, {"Size": 4096})
    assert function["MemorySize"] == Stage().memory_mb
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert "quickthaw:bulk-0123456789ab" in synth.as_text(function["Code"]["ImageUri"])
    assert function["Environment"]["Variables"] == {
        "AWS_EMF_ENVIRONMENT": "Lambda",
        "AWS_EMF_NAMESPACE": "quickthaw",
        "QUICKTHAW_BULK_OUT": {"Ref": found["out"][0]},
        "QUICKTHAW_BULK_QUEUE": {"Ref": found["queue"][0]},
    }


@pytest.mark.parametrize(
    "setting", [{"reserved_concurrency": 5}, {"provisioned_concurrency": 5}, {"snap_start": True}]
)
def test_how_the_apis_function_starts_is_no_matter_of_bulk(write_service, synth, setting):
    template = write_service("dev", bulk=True, **setting)[BULK]
    _, function = find_named(synth, template, "AWS::Lambda::Function", "FunctionName", BULK)
    assert not function.keys() & {"ReservedConcurrentExecutions", "SnapStart"}
    assert set(synth.only(template, "AWS::Lambda::Alias")) == {
        "FunctionName",
        "FunctionVersion",
        "Name",
    }


def test_queue_hands_the_alias_one_object_at_a_time_and_ten_at_most(
    synth, template, found, write_service
):
    mapping = synth.only(template, "AWS::Lambda::EventSourceMapping")
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": [found["queue"][0], "Arn"]}
    assert mapping["BatchSize"] == 1
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 10}
    assert mapping["FunctionName"]["Fn::Join"][1][-1] == ":live"
    assert "FunctionAlias" in synth.as_text(mapping["FunctionName"])
    other = write_service("dev", bulk=True, bulk_concurrency=2)[BULK]
    found = synth.only(other, "AWS::Lambda::EventSourceMapping")
    assert found["ScalingConfig"] == {"MaximumConcurrency": 2}


def test_role_reads_one_bucket_writes_the_other_and_takes_from_the_queue(synth, template, found):
    role = found["function"][1]["Role"]["Fn::GetAtt"][0]
    (policy,) = (
        one
        for one in synth.find(template, "AWS::IAM::Policy").values()
        if {"Ref": role} in one["Roles"]
    )

    def arn(name):
        return {"Fn::GetAtt": [found[name][0], "Arn"]}

    def objects(name):
        return {"Fn::Join": ["", [arn(name), "/*"]]}

    logs, *statements = (
        (tuple(synth.as_list(one["Action"])), one["Resource"], one["Effect"])
        for one in policy["PolicyDocument"]["Statement"]
    )
    assert logs[0] == ("logs:CreateLogStream", "logs:PutLogEvents")
    assert statements == [
        (("s3:GetObject", "s3:GetObjectVersion"), objects("in"), "Allow"),
        (("s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"), objects("out"), "Allow"),
        (("s3:ListBucket",), [arn("in"), arn("out")], "Allow"),
        (
            (
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ReceiveMessage",
            ),
            arn("queue"),
            "Allow",
        ),
    ]
    properties = template["Resources"][role]["Properties"]
    (managed,) = properties["ManagedPolicyArns"]
    assert "quickthaw-traces" in synth.as_text(managed)
    assert "quickthaw-boundary-dev" in synth.as_text(properties["PermissionsBoundary"])
    assert properties["Path"] == "/quickthaw/dev/"


def test_logs_end_after_the_days_of_the_stage(synth, template):
    _, group = find_named(synth, template, "AWS::Logs::LogGroup", "LogGroupName", BULK)
    assert group["LogGroupName"] == f"/aws/lambda/{BULK}"
    assert group["RetentionInDays"] == Stage().retention_days


# Alarm: metric, dimension, statistic, seconds, least value that sets it off.
ALARMS = {
    "bulk-age": ("ApproximateAgeOfOldestMessage", BULK, "Maximum", 300, 3600),
    "bulk-dead": ("ApproximateNumberOfMessagesVisible", DEAD, "Maximum", 300, 1),
    "bulk-errors": ("Errors", BULK, "Sum", 60, 1),
}


def test_alarms_look_at_the_queues_and_the_function(synth, template):
    alarms = {
        one["AlarmName"].removeprefix(f"{NAME}/"): one
        for one in synth.find(template, "AWS::CloudWatch::Alarm").values()
        if "/bulk-" in one["AlarmName"]
    }
    assert {
        name: (
            one["MetricName"],
            one["Dimensions"][0]["Value"],
            one["Statistic"],
            one["Period"],
            one["Threshold"],
        )
        for name, one in alarms.items()
    } == ALARMS
    for one in alarms.values():
        assert one["AlarmDescription"].endswith("'make logs MODEL=hobbies STAGE=dev BULK=1'")
        assert one["TreatMissingData"] == "notBreaching"


def test_dashboard_shows_what_waits_and_what_is_dead(synth, write_service):
    template = write_service("dev", bulk=True)[NAME]
    board = synth.as_text(synth.only(template, "AWS::CloudWatch::Dashboard")["DashboardBody"])
    board = board.replace("\\", "")
    for metric, queue, *_ in (ALARMS["bulk-age"], ALARMS["bulk-dead"]):
        assert f'"AWS/SQS","{metric}","QueueName","{queue}"' in board


def test_outputs_are_those_that_the_programs_read(template):
    assert set(template["Outputs"]) == {*BulkOutputs._fields}
    assert template["Outputs"]["BulkLogs"]["Value"] == f"/aws/lambda/{BULK}"


def test_image_of_bulk_is_that_host_for_the_processors_of_the_stage(synth, monkeypatch):
    from serving.deployment.stacks import app

    monkeypatch.setattr(builder, "read_manifest", lambda *_: MANIFEST | {"engine": "frozen"})
    monkeypatch.setattr(builder, "find_tag", lambda *given: "-".join(given[-1]))
    monkeypatch.setitem(app.STAGES, "dev", Stage(bulk=True, architecture="arm64"))
    templates = synth.Templates(app.build_app({"model": "hobbies", "stage": "dev"}))
    for name, tag in ((NAME, "arm64-lambda"), (BULK, "arm64-bulk")):
        one = synth.only(templates[name], "AWS::Lambda::Function")
        assert f"quickthaw:{tag}" in synth.as_text(one["Code"]["ImageUri"])


def test_stack_has_bulk_its_outputs_are_read(monkeypatch):
    outputs = {BULK: {name: name.lower() for name in BulkOutputs._fields}}
    monkeypatch.setattr(stack, "read_stack", lambda name, _: outputs[name])
    found = read_bulk(Deployment("hobbies", "dev"))
    assert found == ("bulkin", "bulkout", "bulkqueue", "bulkdead", "bulklogs")


def test_stack_has_no_bulk_it_is_said_how_it_gets_one(monkeypatch):
    with serve_moto() as port:
        for name, value in local.list_variables(port).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(
            StackError,
            match=r"there is no stack quickthaw-hobbies-bulk-dev: set bulk=True in "
            r"serving/deployment/stages\.py, then 'make deploy MODEL=hobbies STAGE=dev'",
        ):
            read_bulk(Deployment("hobbies", "dev"))

"""The template of a stage whose bulk runs on Fargate: what would hurt if it were otherwise."""

import json
import os
import re
import subprocess
import sys
import time

import pytest

from scoring.cloud import __main__ as process
from scoring.cloud import protection
from scoring.cloud.taking import OUT, QUEUE
from serving.app.settings import read_settings
from serving.app.telemetry.log import log_failure
from serving.bulk import MessageError
from serving.deployment.stack import SAID, BulkOutputs
from serving.deployment.stages import Stage, StageError
from serving.tests.cloud.test_bulk_stack import find_named
from serving.tests.cloud.test_fargate import FARGATE
from training.console import StepError

pytestmark = pytest.mark.node
NAME, BULK = "quickthaw-hobbies-dev", "quickthaw-hobbies-bulk-dev"
TASKS = {"bulk": True, "bulk_host": "fargate"}
VARIANTS = {
    "plain": {},
    "arm": {"architecture": "arm64", "memory_mb": 4096, "bulk_tasks": 1, "bulk_concurrency": 3},
    "topic": {"alarm_topic_arn": "arn:aws:sns:eu-central-1:123456789012:alarms"},
    "both": FARGATE,
}


def read_variables(container):
    return {one["Name"]: one["Value"] for one in container["Environment"]}


@pytest.fixture(scope="module")
def variants(write_service):
    return {name: write_service("dev", **TASKS, **more) for name, more in VARIANTS.items()}


@pytest.fixture(scope="module")
def template(variants):
    return variants["plain"][BULK]


@pytest.fixture(scope="module")
def of_function(write_service):
    return write_service("dev", bulk=True)[BULK]


@pytest.fixture(scope="module")
def container(synth, template):
    (found,) = synth.only(template, "AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    return found


def test_cdk_nag_finds_what_is_acknowledged_and_nothing_else(variants, write_service, monkeypatch):
    from serving.deployment.stacks import bulk

    for name, found in variants.items():
        assert not found.findings, name
    monkeypatch.setattr(bulk, "LEFT_OF_TASKS", {})
    findings = {one.split()[0] for one in write_service("dev", **TASKS).findings}
    assert findings == {
        "AwsSolutions-ECS2",
        "AwsSolutions-ECS4",
        "AwsSolutions-IAM5[Resource::*]",
        "AwsSolutions-VPC7",
    }


def test_every_template_is_clean_for_cfn_lint_and_small_enough(synth, variants):
    assert not synth.lint(*variants.values())
    for templates in variants.values():
        for one in templates.values():
            assert synth.measure(one) < 51_200  # CloudFormation's limit of a body


def test_nothing_is_left_to_functions_or_to_a_look_up(template):
    assert not re.search(r"AWS::Lambda|Custom::|NatGateway|dummy", json.dumps(template))


def test_buckets_and_queues_are_those_of_the_function_but_for_the_hold(
    synth, template, of_function
):
    """By the same ids, so a stage that goes from one host to the other keeps what they hold."""
    kinds = r"AWS::(S3|SQS)::.*"
    ours, its = (
        {
            name: one.get("Properties")
            for name, one in found["Resources"].items()
            if re.fullmatch(kinds, one["Type"])
        }
        for found in (template, of_function)
    )
    _, queue = find_named(synth, template, "AWS::SQS::Queue", "QueueName", BULK)
    _, other = find_named(synth, of_function, "AWS::SQS::Queue", "QueueName", BULK)
    assert (queue.pop("VisibilityTimeout"), other.pop("VisibilityTimeout")) == (300, 5400)
    assert ours == its


def test_nobody_connects_to_a_task_and_it_calls_by_https_alone(synth, template):
    group = synth.only(template, "AWS::EC2::SecurityGroup")
    assert "SecurityGroupIngress" not in group
    (out,) = group["SecurityGroupEgress"]
    assert (out["FromPort"], out["ToPort"], out["CidrIp"]) == (443, 443, "0.0.0.0/0")
    network = synth.only(template, "AWS::ECS::Service")["NetworkConfiguration"]
    network = network["AwsvpcConfiguration"]
    ((name, _),) = synth.find(template, "AWS::EC2::SecurityGroup").items()
    assert network["SecurityGroups"] == [{"Fn::GetAtt": [name, "GroupId"]}]
    # Without NAT it fetches its image by an address of its own.
    assert network["AssignPublicIp"] == "ENABLED"
    assert len(network["Subnets"]) == len(synth.find(template, "AWS::EC2::Subnet")) == 2


def test_task_is_shut_in_and_writes_to_a_volume_of_its_own(synth, template, container):
    assert container["ReadonlyRootFilesystem"] is True
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", container["User"])
    assert not container.keys() & {"Privileged", "PortMappings", "Secrets", "Command"}
    (mount,) = container["MountPoints"]
    assert (mount["ContainerPath"], mount["ReadOnly"]) == ("/tmp", False)  # noqa: S108
    definition = synth.only(template, "AWS::ECS::TaskDefinition")
    assert definition["Volumes"] == [{"Name": mount["SourceVolume"]}]


def test_task_runs_the_worker_of_its_image(synth, template, container, variants):
    assert synth.as_text(container["Image"]).endswith('/quickthaw:bulk-0123456789ab"]]}')
    assert container["EntryPoint"] == ["python3", "-m", process.__spec__.parent]
    assert container["DockerLabels"] == {SAID: "model 000000000000, image bulk-0123456789ab"}
    found = synth.only(template, "AWS::ECS::TaskDefinition")
    assert (found["Cpu"], found["Memory"], found["Family"]) == ("512", "1024", BULK)
    arm = synth.only(variants["arm"][BULK], "AWS::ECS::TaskDefinition")
    assert (arm["Cpu"], arm["Memory"]) == ("2048", "4096")
    assert arm["RuntimePlatform"]["CpuArchitecture"] == "ARM64"


def test_environment_is_what_the_worker_reads(synth, container, template):
    variables = read_variables(container)
    (queue, _), (out, _) = (
        find_named(synth, template, kind, key, name)
        for kind, key, name in (
            ("AWS::SQS::Queue", "QueueName", BULK),
            ("AWS::S3::Bucket", "BucketName", "-out-dev"),
        )
    )
    assert (variables.pop(QUEUE), variables.pop(OUT)) == ({"Ref": queue}, {"Ref": out})
    assert variables.pop("AWS_REGION") == synth.REGION
    assert process.read_hold(variables) == 300
    assert read_settings(variables).emf_dimensions == {
        "LogGroup": f"/aws/ecs/{BULK}",
        "ServiceName": BULK,
        "ServiceType": "AWS::ECS::Service",
    }


def test_task_is_unhealthy_where_its_worker_shows_no_life(container, tmp_path):
    kind, _, flag, check = container["HealthCheck"]["Command"]
    assert (kind, flag) == ("CMD", "-c")
    assert str(process.ALIVE) in check
    file = tmp_path / "alive"

    def is_healthy():
        command = [sys.executable, "-c", check.replace(str(process.ALIVE), str(file))]
        return not subprocess.run(command, capture_output=True, check=False).returncode

    assert not is_healthy()
    file.touch()
    assert is_healthy()
    # A worker touches it before each wait for a message, and thrice a hold while its work moves.
    hold = int(read_variables(container)["QUICKTHAW_BULK_HOLD"])
    for seconds, healthy in ((process.WAIT_SECONDS, True), (hold / 3, True), (301, False)):
        os.utime(file, (time.time() - seconds,) * 2)
        assert is_healthy() is healthy


def test_worker_that_is_stopped_has_the_most_time_that_there_is(container):
    assert container["StopTimeout"] == 120


def test_deployment_has_no_more_tasks_than_before_and_goes_back_where_new_ones_fail(
    synth, template
):
    service = synth.only(template, "AWS::ECS::Service")
    found = service["DeploymentConfiguration"]
    assert found["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    # With one task, too: it ends, and the new one starts.
    assert (found["MinimumHealthyPercent"], found["MaximumPercent"]) == (0, 100)
    # Where nothing is said, ECS may have it.
    assert service["AvailabilityZoneRebalancing"] == "DISABLED"
    ((name, _),) = synth.find(template, "AWS::ECS::TaskDefinition").items()
    resource = template["Resources"][name]  # the one before is for a rollback
    assert (resource["UpdateReplacePolicy"], resource["DeletionPolicy"]) == ("Retain", "Delete")


def test_task_may_do_what_the_function_may_ask_not_to_be_stopped_and_no_more(
    synth, template, of_function
):
    def list_rights(found, role):
        (policy,) = (
            one
            for one in synth.find(found, "AWS::IAM::Policy").values()
            if {"Ref": role} in one["Roles"]
        )
        statements = policy["PolicyDocument"]["Statement"]
        return [one for one in statements if "logs:PutLogEvents" not in one["Action"]]

    definition = synth.only(template, "AWS::ECS::TaskDefinition")
    task, start = (
        definition[name]["Fn::GetAtt"][0] for name in ("TaskRoleArn", "ExecutionRoleArn")
    )
    _, function = find_named(synth, of_function, "AWS::Lambda::Function", "FunctionName", BULK)
    *of_task, protects = list_rights(template, task)
    assert protects["Action"] == ["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"]
    # Of its own cluster alone, whose name is the service's.
    assert synth.only(template, "AWS::ECS::Cluster")["ClusterName"] == BULK
    place = f":ecs:{synth.REGION}:{synth.ACCOUNT}:task/{BULK}/*"
    assert protects["Resource"] == {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, place]]}
    assert of_task == list_rights(of_function, function["Role"]["Fn::GetAtt"][0])
    assert len(of_task) == 4
    actions = {tuple(synth.as_list(one["Action"])) for one in list_rights(template, start)}
    assert all(one.startswith("ecr:") for several in actions for one in several)
    for one in (task, start):
        found = template["Resources"][one]["Properties"]
        assert not found.keys() & {"ManagedPolicyArns", "Policies"}
        assert "quickthaw-boundary-dev" in synth.as_text(found["PermissionsBoundary"])
        assert found["Path"] == "/quickthaw/dev/"
        (trust,) = found["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
        ours = {"StringEquals": {"aws:SourceAccount": synth.ACCOUNT}}
        assert trust.get("Condition") == (ours if one == task else None)


def test_service_starts_after_its_rights(synth, template):
    ((name, _),) = synth.find(template, "AWS::ECS::Service").items()
    needed = set(template["Resources"][name]["DependsOn"])
    assert needed >= set(synth.find(template, "AWS::IAM::Policy"))


def read_alarms(synth, template):
    return {
        one["AlarmName"].removeprefix(f"{NAME}/"): one
        for one in synth.find(template, "AWS::CloudWatch::Alarm").values()
    }


def test_workers_start_while_messages_wait_one_or_all(synth, template):
    target = synth.only(template, "AWS::ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 10)
    assert "RoleARN" not in target
    policies = synth.find(template, "AWS::ApplicationAutoScaling::ScalingPolicy")
    alarm = read_alarms(synth, template)["bulk-more"]
    assert (alarm["MetricName"], alarm["Period"], alarm["Threshold"]) == (
        "ApproximateNumberOfMessagesVisible",
        60,
        1,
    )
    (action,) = alarm["AlarmActions"]
    step = policies[action["Ref"]]["StepScalingPolicyConfiguration"]
    assert step["AdjustmentType"] == "ChangeInCapacity"
    assert [one["ScalingAdjustment"] for one in step["StepAdjustments"]] == [1, 10]


def test_workers_end_only_where_nothing_waits_and_nothing_is_under_way(synth, template, variants):
    alarm = read_alarms(synth, template)["bulk-less"]
    counted = {
        one["MetricStat"]["Metric"]["MetricName"] for one in alarm["Metrics"] if "MetricStat" in one
    }
    assert counted == {
        "ApproximateNumberOfMessagesVisible",
        "ApproximateNumberOfMessagesNotVisible",
    }
    # Without FILL there is no sum of a minute in which SQS tells of one of them alone.
    (summed,) = (one["Expression"] for one in alarm["Metrics"] if "Expression" in one)
    assert summed == "FILL(waiting, 0) + FILL(hidden, 0)"
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert alarm["EvaluationPeriods"] == 15
    assert alarm["TreatMissingData"] == "breaching"
    for name, least in (("plain", 0), ("arm", 1)):
        found = variants[name][BULK]
        (action,) = read_alarms(synth, found)["bulk-less"]["AlarmActions"]
        policies = synth.find(found, "AWS::ApplicationAutoScaling::ScalingPolicy")
        step = policies[action["Ref"]]["StepScalingPolicyConfiguration"]
        assert step["AdjustmentType"] == "ExactCapacity"
        assert [one["ScalingAdjustment"] for one in step["StepAdjustments"]] == [least]
    # Said, a deployment would stop workers that have come.
    assert "DesiredCount" not in synth.only(template, "AWS::ECS::Service")


def test_alarms_are_those_of_the_function_but_errors_come_of_the_log(
    synth, template, of_function, variants
):
    ours, its = read_alarms(synth, template), read_alarms(synth, of_function)
    assert set(ours) - set(its) == {"bulk-more", "bulk-less"}
    for name in ("bulk-dead", "bulk-age"):
        assert ours[name] == its[name]
    found = ours["bulk-errors"]
    (filtered,) = synth.only(template, "AWS::Logs::MetricFilter")["MetricTransformations"]
    assert (found["Namespace"], found["MetricName"]) == (
        filtered["MetricNamespace"],
        filtered["MetricName"],
    )
    assert (found["Threshold"], found["Statistic"], found["TreatMissingData"]) == (
        1,
        "Sum",
        "notBreaching",
    )
    for name, one in read_alarms(synth, variants["topic"][BULK]).items():
        wakes = "OKActions" in one
        assert wakes == (name not in ("bulk-more", "bulk-less")), name


OBJECT = "an object was not answered"


def is_counted(pattern, record):
    """Whether a pattern of the form that the template has finds a record."""
    compared = re.findall(r'\(\$\.(\w+) (!?=) "([\w ]+)"\)', pattern)
    assert pattern == "{ " + " && ".join(f'($.{a} {b} "{c}")' for a, b, c in compared) + " }"
    return all((record.get(key) == value) == (how == "=") for key, how, value in compared)


@pytest.mark.parametrize(
    ("error", "message", "counted"),
    [
        (StepError("no such column"), OBJECT, False),
        (MessageError("none of S3"), OBJECT, False),
        (OSError("no space left on device"), OBJECT, True),
        (MemoryError(), OBJECT, True),
        (TimeoutError(), "the work on an object stands still", True),
        # After these it goes on by itself.
        (OSError(), process.NO_QUEUE, False),
        (OSError(), protection.FAILED, False),
    ],
)
def test_filter_counts_what_is_not_an_objects_own_fault(  # noqa: PLR0913, PLR0917
    synth, template, error, message, counted, capsys
):
    log_failure(error, "1", message)
    record = json.loads(capsys.readouterr().err)
    pattern = synth.only(template, "AWS::Logs::MetricFilter")["FilterPattern"]
    assert is_counted(pattern, record) == counted


def test_logs_end_after_the_days_of_the_stage(synth, template, container):
    group = synth.only(template, "AWS::Logs::LogGroup")
    assert (group["LogGroupName"], group["RetentionInDays"]) == (
        f"/aws/ecs/{BULK}",
        Stage().retention_days,
    )
    assert container["LogConfiguration"]["LogDriver"] == "awslogs"


def test_outputs_are_those_that_the_programs_read(template):
    assert set(template["Outputs"]) == {*BulkOutputs._fields}
    assert template["Outputs"]["BulkLogs"]["Value"] == f"/aws/ecs/{BULK}"


def test_aws_is_a_local_one_it_scales_nothing(write_service, synth):
    for least, expected in ((0, 1), (2, 2)):
        template = write_service("dev", local=True, bulk_tasks=least, **TASKS)[BULK]
        assert "AutoScaling" not in json.dumps(template)
        assert synth.only(template, "AWS::ECS::Service")["DesiredCount"] == expected


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"bulk_host": "ecs"}, "bulk_host must be lambda or fargate"),
        ({"memory_mb": 1536}, "512 or a multiple of 1,024 where bulk_host is fargate"),
        ({"bulk_tasks": -1}, "bulk_tasks must be at least 0"),
        ({"bulk_tasks": 11}, "bulk_concurrency no less"),
        ({"bulk_host": "lambda", "bulk_tasks": 1}, "bulk_tasks must be left out"),
    ],
)
def test_settings_cannot_be_it_is_said_which(wrong, named):
    with pytest.raises(StageError, match=named):
        Stage(**(TASKS | wrong))

"""The template of a stage whose host is Fargate: what would hurt if it were otherwise."""

import inspect
import json
import re

import pytest

from serving.app.settings import read_settings
from serving.deployment.image import builder
from serving.deployment.stack import SAID, Deployment, Outputs, locate
from serving.deployment.stages import Domain, Stage, StageError
from serving.hosts.web import server, supervisor
from serving.hosts.web.app import ANSWER_SECONDS
from serving.hosts.web.settings import read_trust, read_workers
from serving.tests.cloud.conftest import MANIFEST

pytestmark = pytest.mark.node
NAME = "quickthaw-hobbies-dev"
FARGATE = {"host": "fargate", "auth": "none", "rate_per_second": None, "burst": None}
DOMAIN = Domain(
    name="api.example.org",
    certificate_arn="arn:aws:acm:eu-central-1:123456789012:certificate/1",
    zone_id="Z1",
    zone_name="example.org",
)
# cdk-nag's findings that are left; fargate/stack.py says why.
LEFT = {
    "AwsSolutions-EC23",
    "AwsSolutions-ECS2",
    "AwsSolutions-ECS4",
    "AwsSolutions-ELB2",
    "AwsSolutions-IAM5[Resource::*]",
    "AwsSolutions-VPC7",
}
VARIANTS = {
    "plain": {},
    "arm": {"architecture": "arm64", "memory_mb": 4096, "tasks": 3, "max_tasks": 3},
    "domain": {"domain": DOMAIN, "allow_origin": "https://app.example.org"},
    "all": {
        "domain": DOMAIN,
        "bulk": True,
        "alarm_topic_arn": "arn:aws:sns:eu-central-1:123456789012:alarms",
    },
}


@pytest.fixture(scope="module")
def variants(write_service):
    return {name: write_service("dev", **FARGATE, **more) for name, more in VARIANTS.items()}


@pytest.fixture(scope="module")
def template(variants):
    return variants["plain"][NAME]


@pytest.fixture(scope="module")
def container(synth, template):
    (found,) = synth.only(template, "AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    return found


@pytest.fixture(scope="module")
def variables(container):
    return {one["Name"]: one["Value"] for one in container["Environment"]}


def test_cdk_nag_finds_what_is_acknowledged_and_nothing_else(variants, write_service, monkeypatch):
    from serving.deployment.stacks.fargate import stack

    assert set(stack.LEFT) == LEFT
    for name, found in variants.items():
        assert not found.findings, name
    monkeypatch.setattr(stack, "LEFT", {})
    assert {one.split()[0] for one in write_service("dev", **FARGATE).findings} == LEFT


def test_every_template_is_clean_for_cfn_lint_and_small_enough(synth, variants):
    assert not synth.lint(*variants.values())
    for templates in variants.values():
        assert synth.measure(templates[NAME]) < 51_200  # CloudFormation's limit of a body


def test_nothing_is_left_to_functions_of_its_own_or_to_a_look_up(variants):
    for templates in variants.values():
        text = json.dumps(templates[NAME])
        assert not re.search(r"AWS::Lambda|ApiGateway|Custom::|NatGateway|dummy", text)


def test_tasks_are_reached_from_the_balancer_alone_and_reach_https_alone(synth, template):
    groups = synth.find(template, "AWS::EC2::SecurityGroup")
    assert not synth.find(template, "AWS::EC2::SecurityGroupIngress")
    balancer = synth.only(template, "AWS::ElasticLoadBalancingV2::LoadBalancer")
    service = synth.only(template, "AWS::ECS::Service")
    network = service["NetworkConfiguration"]["AwsvpcConfiguration"]
    (front,), (tasks,) = (
        [one["Fn::GetAtt"][0] for one in found]
        for found in (balancer["SecurityGroups"], network["SecurityGroups"])
    )
    (let_in,) = groups[tasks]["SecurityGroupIngress"]
    assert let_in.pop("SourceSecurityGroupId") == {"Fn::GetAtt": [front, "GroupId"]}
    assert let_in == {"FromPort": 8080, "IpProtocol": "tcp", "ToPort": 8080}
    (out,) = groups[tasks]["SecurityGroupEgress"]
    assert (out["FromPort"], out["ToPort"], out["CidrIp"]) == (443, 443, "0.0.0.0/0")
    (let_in,) = groups[front]["SecurityGroupIngress"]
    assert (let_in["FromPort"], let_in["ToPort"], let_in["CidrIp"]) == (80, 80, "0.0.0.0/0")
    (out,) = groups[front]["SecurityGroupEgress"]
    assert out["CidrIp"] == synth.only(template, "AWS::EC2::VPC")["CidrBlock"]
    # Without NAT they fetch their image by an address of their own.
    assert network["AssignPublicIp"] == "ENABLED"
    assert len(network["Subnets"]) == len(synth.find(template, "AWS::EC2::Subnet")) == 2


def test_task_is_shut_in_and_may_do_nothing(synth, template, container):
    assert container["ReadonlyRootFilesystem"] is True
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", container["User"])
    assert not container.keys() & {"Privileged", "MountPoints", "Secrets", "Command", "EntryPoint"}
    definition = synth.only(template, "AWS::ECS::TaskDefinition")
    role, start = (
        definition[name]["Fn::GetAtt"][0] for name in ("TaskRoleArn", "ExecutionRoleArn")
    )
    (policy,) = synth.find(template, "AWS::IAM::Policy").values()
    assert policy["Roles"] == [{"Ref": start}]
    for one in (role, start):
        found = template["Resources"][one]["Properties"]
        assert not found.keys() & {"ManagedPolicyArns", "Policies"}
        assert "quickthaw-boundary-dev" in synth.as_text(found["PermissionsBoundary"])
        assert found["Path"] == "/quickthaw/dev/"
        (trust,) = found["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
        ours = {"StringEquals": {"aws:SourceAccount": synth.ACCOUNT}}
        assert trust.get("Condition") == (ours if one == role else None)


def test_its_start_fetches_from_one_repository_and_writes_one_log(synth, template):
    ((group, _),) = synth.find(template, "AWS::Logs::LogGroup").items()
    found = {tuple(actions): resources for actions, resources, _ in synth.list_statements(template)}
    assert found.pop(("ecr:GetAuthorizationToken",)) == ["*"]
    assert found.pop(("logs:CreateLogStream", "logs:PutLogEvents")) == [
        {"Fn::GetAtt": [group, "Arn"]}
    ]
    ((actions, resources),) = found.items()
    assert all(one.startswith("ecr:") for one in actions)
    assert [synth.as_text(one).count("repository/quickthaw") for one in resources] == [1]
    assert not [one for one in resources if "*" in synth.as_text(one)]


def test_task_runs_its_image_with_the_processors_that_go_with_its_memory(
    synth, template, container, variants
):
    assert synth.as_text(container["Image"]).endswith('/quickthaw:0123456789ab"]]}')
    assert container["DockerLabels"] == {SAID: "model 000000000000, image 0123456789ab"}
    found = synth.only(template, "AWS::ECS::TaskDefinition")
    assert (found["Cpu"], found["Memory"], found["Family"]) == ("512", "1024", NAME)
    assert found["RuntimePlatform"]["CpuArchitecture"] == "X86_64"
    arm = synth.only(variants["arm"][NAME], "AWS::ECS::TaskDefinition")
    assert (arm["Cpu"], arm["Memory"]) == ("2048", "4096")
    assert arm["RuntimePlatform"]["CpuArchitecture"] == "ARM64"


@pytest.mark.parametrize(
    ("memory", "cpu"), [(512, 256), (1024, 512), (2048, 1024), (3072, 1024), (8192, 4096)]
)
def test_memory_of_a_task_is_one_that_fargate_has_with_its_processors(memory, cpu):
    assert Stage(**FARGATE, memory_mb=memory).cpu_units == cpu


@pytest.mark.parametrize("memory", [512, *range(1024, 10_241, 1024)])
def test_pairs_of_memory_and_processors_are_those_of_fargate(memory):
    # Amazon ECS Developer Guide, "Task CPU and memory": units, least and most MB.
    pairs = {256: (512, 2048), 512: (1024, 4096), 1024: (2048, 8192)}
    pairs |= {2048: (4096, 16_384), 4096: (8192, 30_720)}
    least, most = pairs[Stage(**FARGATE, memory_mb=memory).cpu_units]
    assert least <= memory <= most


def test_environment_is_what_the_process_and_the_handler_read(variables, variants, synth):
    read = read_settings(variables)
    assert (read.metrics_namespace, read.emf_environment) == ("quickthaw", "Local")
    assert read.emf_dimensions == {
        "LogGroup": f"/aws/ecs/{NAME}",
        "ServiceName": NAME,
        "ServiceType": "AWS::ECS::Service",
    }
    assert read_workers(variables) == 2
    assert read_trust(variables) is False  # the balancer passes a client's prefix on
    dockerfile = (builder.ROOT / builder.DOCKERFILE).read_text()
    assert f"EXPOSE {variables['PORT']}" in dockerfile
    (other,) = synth.only(variants["domain"][NAME], "AWS::ECS::TaskDefinition")[
        "ContainerDefinitions"
    ]
    found = read_settings({one["Name"]: one["Value"] for one in other["Environment"]})
    assert found.cors_headers["Access-Control-Allow-Origin"] == ["https://app.example.org"]


def test_health_is_asked_by_the_balancer_and_in_the_container(synth, template, container):
    group = synth.only(template, "AWS::ElasticLoadBalancingV2::TargetGroup")
    assert (group["HealthCheckPath"], group["Matcher"]) == ("/health", {"HttpCode": "200"})
    check = container["HealthCheck"]
    assert check["Command"][:3] == ["CMD", "python3", "-c"]
    assert "/health" in check["Command"][3]
    compile(check["Command"][3], "check", "exec")
    service = synth.only(template, "AWS::ECS::Service")
    assert service["HealthCheckGracePeriodSeconds"] == check["StartPeriod"] == 60


def test_deployment_keeps_all_tasks_and_goes_back_where_new_ones_fail(synth, template):
    found = synth.only(template, "AWS::ECS::Service")["DeploymentConfiguration"]
    assert found["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert (found["MinimumHealthyPercent"], found["MaximumPercent"]) == (100, 200)
    ((name, _),) = synth.find(template, "AWS::ECS::TaskDefinition").items()
    resource = template["Resources"][name]  # the one before is for a rollback
    assert (resource["UpdateReplacePolicy"], resource["DeletionPolicy"]) == ("Retain", "Delete")


def test_request_under_way_ends_before_its_task_does(synth, template, container):
    group = synth.only(template, "AWS::ElasticLoadBalancingV2::TargetGroup")
    settings = {one["Key"]: one["Value"] for one in group["TargetGroupAttributes"]}
    assert int(settings["deregistration_delay.timeout_seconds"]) > ANSWER_SECONDS
    assert container["StopTimeout"] > supervisor.STOP_SECONDS > server.DRAIN_SECONDS
    balancer = synth.only(template, "AWS::ElasticLoadBalancingV2::LoadBalancer")
    settings = {one["Key"]: one["Value"] for one in balancer["LoadBalancerAttributes"]}
    assert ANSWER_SECONDS < int(settings["idle_timeout.timeout_seconds"]) < 65


def test_service_starts_after_what_it_needs(synth, template):
    ((name, _),) = synth.find(template, "AWS::ECS::Service").items()
    needed = set(template["Resources"][name]["DependsOn"])
    for kind in ("AWS::ElasticLoadBalancingV2::Listener", "AWS::IAM::Policy"):
        assert needed & set(synth.find(template, kind)), kind


def test_tasks_become_more_by_processors_and_requests_and_no_fewer_than_the_least(synth, variants):
    template = variants["plain"][NAME]
    target = synth.only(template, "AWS::ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 10)
    assert "RoleARN" not in target
    policies = [
        one["TargetTrackingScalingPolicyConfiguration"]
        for one in synth.find(template, "AWS::ApplicationAutoScaling::ScalingPolicy").values()
    ]
    assert {
        one["PredefinedMetricSpecification"]["PredefinedMetricType"]: one["TargetValue"]
        for one in policies
    } == {"ECSServiceAverageCPUUtilization": 60, "ALBRequestCountPerTarget": 18_000}
    # Said, a deployment in a busy hour would take tasks away.
    assert "DesiredCount" not in synth.only(template, "AWS::ECS::Service")
    arm = synth.only(variants["arm"][NAME], "AWS::ApplicationAutoScaling::ScalableTarget")
    assert (arm["MinCapacity"], arm["MaxCapacity"]) == (3, 3)


def test_stage_has_no_certificate_it_is_http_alone(synth, template):
    found = synth.only(template, "AWS::ElasticLoadBalancingV2::Listener")
    assert (found["Port"], found["Protocol"]) == (80, "HTTP")
    assert [one["Type"] for one in found["DefaultActions"]] == ["forward"]
    url = template["Outputs"]["Url"]["Value"]["Fn::Join"][1]
    assert (url[0], url[-1]) == ("http://", "/")


def test_stage_has_a_certificate_http_is_sent_to_https_and_the_name_is_the_balancers(
    synth, variants
):
    template = variants["domain"][NAME]
    listeners = {
        one["Port"]: one
        for one in synth.find(template, "AWS::ElasticLoadBalancingV2::Listener").values()
    }
    assert set(listeners) == {80, 443}
    (away,) = listeners[80]["DefaultActions"]
    redirect = {"Port": "443", "Protocol": "HTTPS", "StatusCode": "HTTP_301"}
    assert away == {"RedirectConfig": redirect, "Type": "redirect"}
    https = listeners[443]
    assert https["Protocol"] == "HTTPS"
    assert https["Certificates"] == [{"CertificateArn": DOMAIN.certificate_arn}]
    assert re.match(r"ELBSecurityPolicy-TLS13-1-2-", https["SslPolicy"])
    record = synth.only(template, "AWS::Route53::RecordSet")
    assert (record["Name"], record["HostedZoneId"]) == ("api.example.org.", "Z1")
    assert template["Outputs"]["Url"]["Value"] == "https://api.example.org/"
    ports = {
        one["FromPort"]
        for group in synth.find(template, "AWS::EC2::SecurityGroup").values()
        for one in group["SecurityGroupIngress"]
        if one.get("CidrIp") == "0.0.0.0/0"
    }
    assert ports == {80, 443}


# Alarm: metric, statistic, seconds, times, threshold.
ALARMS = {
    "init-failures": (f"init.failures.{NAME}", "Sum", 60, 1, 1),
    "slow": ("TargetResponseTime", "p99", 300, 3, Stage().p99_ms / 1000),
    "tasks": ("HealthyHostCount", "Minimum", 60, 5, 2),
    "unhealthy": ("UnHealthyHostCount", "Maximum", 60, 3, 1),
    "workers": (f"workers.ended.{NAME}", "Sum", 60, 1, 1),
}


def test_alarms_look_at_the_balancer_the_tasks_and_the_log(synth, template):
    alarms = {
        one["AlarmName"].removeprefix(f"{NAME}/"): one
        for one in synth.find(template, "AWS::CloudWatch::Alarm").values()
    }
    for name, one in alarms.items():
        assert one["AlarmDescription"].endswith("'make logs MODEL=hobbies STAGE=dev'")
        missing, compare = ("notBreaching", "GreaterThanOrEqualToThreshold")
        if name == "tasks":  # no metric means no task
            missing, compare = ("breaching", "LessThanThreshold")
        assert (one["TreatMissingData"], one["ComparisonOperator"]) == (missing, compare)
    failed = alarms.pop("answers-5xx")
    counted = {
        one["MetricStat"]["Metric"]["MetricName"]
        for one in failed["Metrics"]
        if "MetricStat" in one
    }
    assert counted == {"HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count"}
    assert {
        name: (
            one["MetricName"],
            one.get("Statistic") or one["ExtendedStatistic"],
            one["Period"],
            one["EvaluationPeriods"],
            one["Threshold"],
        )
        for name, one in alarms.items()
    } == ALARMS


def test_stage_has_a_topic_alarms_go_to_it(synth, variants):
    for one in synth.find(variants["all"][NAME], "AWS::CloudWatch::Alarm").values():
        assert one["AlarmActions"] == one["OKActions"] == [VARIANTS["all"]["alarm_topic_arn"]]


def test_filters_find_what_the_process_says(synth, template, start_service, tmp_path, logged):
    filters = {
        one["FilterPattern"]: one["MetricTransformations"][0]
        for one in synth.find(template, "AWS::Logs::MetricFilter").values()
    }
    start_service(tmp_path)  # no model there
    message = logged()[0]["message"]
    assert 'say(f"a worker ended (' in inspect.getsource(supervisor)
    assert set(filters) == {f'{{ $.message = "{message}" }}', '"a worker ended"'}
    alarmed = {
        one.get("MetricName") for one in synth.find(template, "AWS::CloudWatch::Alarm").values()
    }
    assert {one["MetricName"] for one in filters.values()} <= alarmed


def test_dashboard_shows_requests_tasks_and_the_log(synth, template, variants):
    def read(template):
        body = synth.as_text(synth.only(template, "AWS::CloudWatch::Dashboard")["DashboardBody"])
        return body.replace("\\", "")

    shown = read(template)
    for metric in ("RequestCount", "TargetResponseTime", "HealthyHostCount", "CPUUtilization"):
        assert f'"{metric}"' in shown
    assert "modelVersion" in shown
    assert "AWS/SQS" not in shown
    assert "AWS/SQS" in read(variants["all"][NAME])


def test_deployment_goes_to_another_host_what_has_a_name_of_its_own_goes_along(
    synth, template, write_service
):
    """A second alarm, or dashboard, of the same name could not be made before the first goes."""
    functions = write_service("dev", auth="none")[NAME]
    kinds = {"AWS::CloudWatch::Alarm": "AlarmName", "AWS::CloudWatch::Dashboard": "DashboardName"}
    for kind, key in kinds.items():
        before, after = (
            {one[key]: identity for identity, one in synth.find(where, kind).items()}
            for where in (functions, template)
        )
        both = before.keys() & after.keys()
        assert both
        assert {name: before[name] for name in both} == {name: after[name] for name in both}

    def list_names(where):
        return {
            value
            for one in where["Resources"].values()
            if one["Type"] not in kinds
            for key, value in one.get("Properties", {}).items()
            if key == "Name" or key.endswith("Name")
            if isinstance(value, str)
        }

    assert not (list_names(functions) - {NAME}) & (list_names(template) - {NAME})


def test_outputs_are_those_that_the_programs_read(template, variants):
    for templates in variants.values():
        outputs = templates[NAME]["Outputs"]
        assert set(outputs) == set(Outputs._fields)
        assert outputs["KeyId"]["Value"] == "none"
        assert outputs["FunctionName"]["Value"] == NAME
        assert outputs["LogGroup"]["Value"] == f"/aws/ecs/{NAME}"


def test_logs_end_after_the_days_of_the_stage(synth, template, container):
    group = synth.only(template, "AWS::Logs::LogGroup")
    assert (group["LogGroupName"], group["RetentionInDays"]) == (
        f"/aws/ecs/{NAME}",
        Stage().retention_days,
    )
    assert container["LogConfiguration"]["LogDriver"] == "awslogs"


def test_aws_is_a_local_one_it_scales_nothing_and_can_be_reached(write_service, synth, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4667")
    template = write_service("dev", local=True, **FARGATE, **VARIANTS["domain"])[NAME]
    assert "AutoScaling" not in json.dumps(template)
    assert synth.only(template, "AWS::ECS::Service")["DesiredCount"] == 2
    url = template["Outputs"]["Url"]["Value"]
    assert url == f"http://{NAME}.alb.localhost:4667/"
    assert locate(url) == ("http://127.0.0.1:4667/", {"Host": f"{NAME}.alb.localhost:4667"})


@pytest.mark.parametrize("model", ["topics", "m" * 32])
def test_name_of_the_balancer_is_one_that_aws_takes_and_ends_in_the_stage(model):
    from serving.deployment.stacks.fargate.balancer import make_name

    for stage in ("dev", "s" * 16):
        name = make_name(Deployment(model, stage))
        assert re.fullmatch(rf"quickthaw-[a-z0-9]+-{stage}", name)
        assert len(name) <= 32


def test_stage_is_on_fargate_its_stack_runs_the_image_of_the_web_process(synth, monkeypatch):
    from serving.deployment.stacks import app

    monkeypatch.setattr(builder, "read_manifest", lambda *_: MANIFEST | {"engine": "frozen"})
    monkeypatch.setattr(builder, "find_tag", lambda *given: "-".join(given[-1]))
    monkeypatch.setitem(app.STAGES, "dev", Stage(models={"hobbies": FARGATE}))
    for model, kind, tag in (
        ("hobbies", "AWS::ECS::TaskDefinition", "x86_64-web"),
        ("others", "AWS::Lambda::Function", "x86_64-lambda"),
    ):
        templates = synth.Templates(app.build_app({"model": model, "stage": "dev"}))
        found = synth.only(templates[f"quickthaw-{model}-dev"], kind)
        assert f"/quickthaw:{tag}" in json.dumps(found)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"host": "ecs"}, "host must be lambda or fargate"),
        ({"api": "url"}, "api must be left out where host is fargate"),
        ({"auth": "api_key"}, "neither keys nor signatures"),
        ({"auth": "iam"}, "neither keys nor signatures"),
        ({"rate_per_second": 50}, "has no throttle: max_tasks bounds it"),
        ({"burst": 50}, "has no throttle: max_tasks bounds it"),
        ({"reserved_concurrency": 1}, "tasks is how many always run"),
        ({"provisioned_concurrency": 1}, "tasks is how many always run"),
        ({"snap_start": True}, "tasks is how many always run"),
        ({"canary": True}, "canary must be False where host is fargate"),
        ({"memory_mb": 1536}, "512 or a multiple of 1,024"),
        ({"memory_mb": 256}, "512 or a multiple of 1,024"),
        ({"tasks": 0}, "tasks must be at least 1"),
        ({"tasks": 3, "max_tasks": 2}, "max_tasks no less"),
        (
            {"domain": Domain(name="api.example.org", certificate_arn="arn", base_path="nlp")},
            "base_path must be left out",
        ),
    ],
)
def test_settings_cannot_be_it_is_said_which(wrong, named):
    with pytest.raises(StageError, match=named):
        Stage(**(FARGATE | wrong))

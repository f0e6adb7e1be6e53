"""The account's templates: what would hurt if it were otherwise."""

import fnmatch
import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import cfnlint
import pytest

from serving.deployment.stages import STAGES, Stage

pytestmark = pytest.mark.node
BUCKET = "quickthaw-123456789012-eu-central-1"
# What a role that is stolen must never be able to do.
FORBIDDEN = re.compile(
    r"iam:(CreateUser|CreateAccessKey|CreatePolicy|AddUser|PutUser|AttachUser|"
    r"DeleteRolePermissionsBoundary|PutRolePermissionsBoundary)|organizations:|sts:|"
    r"s3:(Delete|PutBucket|PutObjectAcl)|ecr:(Delete|BatchDelete)|lambda:InvokeFunction"
)


def test_cdk_nag_finds_nothing_that_has_no_reason(account):
    assert not account.findings


def test_wildcards_have_no_reasons_they_are_found(write_account, monkeypatch):
    from infrastructure import permissions

    monkeypatch.setattr(permissions, "WILDCARDS", {})
    found = write_account().findings
    assert found
    assert {one.partition("[")[0] for one in found} == {"AwsSolutions-IAM5"}


def test_every_template_is_clean_for_cfn_lint_and_small_enough(account, synth):
    paths = sorted(account.folder.glob("*.template.json"))
    assert len(paths) == len(STAGES) + 3
    for path in paths:
        assert path.stat().st_size < 51_200  # CloudFormation's limit of a body
    assert not synth.lint(account)


def test_no_right_is_wider_than_its_reason(account, synth):
    from infrastructure.permissions import WILDCARDS

    used = set()
    for template in account.values():
        for actions, resources, _ in synth.list_statements(template):
            assert not [one for one in actions if "*" in one or FORBIDDEN.match(one)]
            for resource in resources:
                text = resource if isinstance(resource, str) else join(resource)
                if "*" in text:
                    fits = [one for one in WILDCARDS if re.fullmatch(one, text)]
                    assert fits, text
                    used |= set(fits)
    # For a stage with a domain, one that wants signatures, one with bulk, one with tasks.
    bulk = ("s3:::quickthaw", ":sqs:", "event-source-mapping", ":task/")
    lacking = ("route53", "execute-api", *bulk)
    unused = {one for one in WILDCARDS if any(part in one for part in lacking)}
    assert used == set(WILDCARDS) - unused - set(TASKS)


# Of WILDCARDS, those for a stage whose host is Fargate.
TASKS = (
    r".*:cluster/quickthaw-\*-[a-z0-9]+",
    r".*:service/(quickthaw-\*-[a-z0-9]+)/\1",
    r".*:service-deployment/(quickthaw-\*-[a-z0-9]+)/\1/\*",
    r".*:(loadbalancer|listener)/app/quickthaw-\*-[a-z0-9]+/\*",
    r".*:targetgroup/quickthaw-\*-[a-z0-9]+/\*",
    r".*:alarm:TargetTracking-service/(quickthaw-\*-[a-z0-9]+)/\1-\*",
    r".*:scalable-target/\*",
    r".*:ec2:[^*]*:[a-z-]+/\*",
)


# What knows no resources (Service Authorization Reference), by role.
EVERYWHERE = {
    "quickthaw-STAGE-access": {
        "cloudwatch:DescribeAlarms",
        "ecr:GetAuthorizationToken",
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    },
    "quickthaw-plan-access": set(),
    "quickthaw-training-access": set(),
    "quickthaw-account": {
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogGroups",
        "logs:DescribeLogStreams",
        "logs:FilterLogEvents",
        "logs:GetLogEvents",
        "logs:PutLogEvents",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    },
}


CALLS = {
    "http": ({"api": "http"}, ("/apis", "/apis/*"), "*/$default/*"),
    "url": (
        {"api": "url", "rate_per_second": None, "burst": None},
        ("lambda:CreateFunctionUrlConfig", "lambda:DeleteFunctionUrlConfig"),
        "lambda:InvokeFunctionUrl",
    ),
}


@pytest.mark.parametrize("kind", CALLS)
def test_stage_has_another_api_its_roles_may_make_and_call_it_and_its_account_is_clean(
    write_account, synth, monkeypatch, kind
):
    settings, made, called = CALLS[kind]
    before = json.dumps(dict(write_account()))
    assert called not in before
    monkeypatch.setitem(STAGES, "dev", Stage(auth="iam", **settings))
    after = write_account()
    assert not after.findings
    assert not synth.lint(after)
    for one in (*made, called):
        assert json.dumps(dict(after)).count(one) > before.count(one), one


GIVEN, ANSWERS, QUEUES = "quickthaw-*-in-dev", "quickthaw-*-out-dev", "quickthaw-*-dev"
BULK_ROLE = {
    ("s3:GetObject", "s3:GetObjectVersion"): [f"{GIVEN}/*"],
    ("s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"): [f"{ANSWERS}/*"],
    ("s3:ListBucket",): [GIVEN, ANSWERS],
    (
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
    ): [QUEUES],
}
BULK_DEPLOYER = {
    ("s3:ListBucket", "s3:ListBucketVersions"): [GIVEN, ANSWERS],
    ("s3:GetObject",): [f"{GIVEN}/*", f"{ANSWERS}/*"],
    ("s3:AbortMultipartUpload", "s3:PutObject"): [f"{GIVEN}/*"],
    (
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ListMessageMoveTasks",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
        "sqs:StartMessageMoveTask",
    ): [QUEUES],
}
BULK_EXECUTOR = {
    "lambda:CreateEventSourceMapping",
    "s3:CreateBucket",
    "s3:PutBucketNotification",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "sqs:CreateQueue",
    "sqs:SetQueueAttributes",
}


WITH_BULK = Stage(canary=True, models={"hobbies": {"bulk": True}})


@pytest.fixture(scope="module")
def with_bulk(write_account):
    """The account's templates where one model of dev has bulk, and no other stage's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STAGES, "dev", WITH_BULK)
        return write_account()


ON_FARGATE = {"host": "fargate", "auth": "none", "rate_per_second": None, "burst": None}
WITH_FARGATE = Stage(models={"hobbies": {**ON_FARGATE, "bulk": True}})


@pytest.fixture(scope="module")
def with_fargate(write_account):
    """The account's templates where one model of dev runs on Fargate, and no other stage's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STAGES, "dev", WITH_FARGATE)
        return write_account()


WITH_WORKERS = Stage(models={"hobbies": {"bulk": True, "bulk_host": "fargate"}})


@pytest.fixture(scope="module")
def with_workers(write_account):
    """The account's templates where one model of dev has bulk on Fargate, and nothing else is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STAGES, "dev", WITH_WORKERS)
        return write_account()


# What only a task of bulk does.
PROTECTION = {"ecs:GetTaskProtection", "ecs:UpdateTaskProtection"}
# What knows no resources, of what a stage gets whose host is Fargate.
EVERYWHERE_ON_FARGATE = {
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    "application-autoscaling:DescribeScheduledActions",
    "cloudwatch:GetMetricData",
    "ecs:DeregisterTaskDefinition",
    "ecs:DescribeTaskDefinition",
    "ecs:ListTaskDefinitions",
    "ecs:RegisterTaskDefinition",
}


def test_stage_is_on_fargate_its_account_is_clean_and_no_right_is_wider_than_its_reason(
    account, with_fargate, synth
):
    from infrastructure.permissions import WILDCARDS

    assert not with_fargate.findings
    assert not synth.lint(with_fargate)
    used, everywhere = set(), set()
    for actions, resources, _ in synth.list_statements(with_fargate["quickthaw-dev-access"]):
        assert not [one for one in actions if "*" in one]
        forbidden = [one for one in actions if FORBIDDEN.match(one)]
        assert all(one.startswith("s3:") for one in forbidden)  # bulk's
        for resource in resources:
            text = resource if isinstance(resource, str) else join(resource)
            if text == "*":
                everywhere |= set(actions)
            if "*" in text:
                fits = {one for one in WILDCARDS if re.fullmatch(one, text)}
                assert fits, text
                used |= fits
    assert set(TASKS) <= used
    more = everywhere - EVERYWHERE["quickthaw-STAGE-access"] - EVERYWHERE_ON_FARGATE
    described = r"(ec2|elasticloadbalancing):Describe|lambda:CreateEventSource"  # the latter bulk's
    assert all(re.match(described, one) for one in more), more
    assert everywhere >= EVERYWHERE_ON_FARGATE
    assert with_fargate["quickthaw-prod-access"] == account["quickthaw-prod-access"]
    assert not re.search("ecs|ec2|elasticload", json.dumps(account["quickthaw-dev-access"]))


def test_stage_has_workers_its_roles_get_what_they_need_and_no_balancer(
    account, with_workers, with_fargate, with_bulk, synth
):
    assert not with_workers.findings
    assert not synth.lint(with_workers)

    def list_actions(templates):
        statements = synth.list_statements(templates["quickthaw-dev-access"])
        return {one for actions, _, _ in statements for one in actions}

    ours = list_actions(with_workers)
    assert ours - list_actions(with_fargate) == PROTECTION
    assert ours >= list_actions(with_bulk)
    services = {one.partition(":")[0] for one in ours - list_actions(with_bulk)}
    assert services == {"application-autoscaling", "cloudwatch", "ec2", "ecs", "iam"}
    text = json.dumps(with_workers["quickthaw-dev-access"])
    assert "elasticloadbalancing" not in text
    (protected,) = (
        resources
        for actions, resources, _ in synth.list_statements(with_workers["quickthaw-dev-access"])
        if PROTECTION & set(actions)
    )
    assert [join(one).partition(":ecs:")[2].split(":")[-1] for one in protected] == [
        "task/quickthaw-*-dev/*"
    ]
    assert "TargetTracking" not in text
    assert "AWSServiceRoleForApplicationAutoScaling_ECSService" in text
    assert with_workers["quickthaw-prod-access"] == account["quickthaw-prod-access"]


def test_stage_has_no_bulk_its_host_gives_no_rights(account, write_account, monkeypatch):
    monkeypatch.setitem(STAGES, "prod", replace(STAGES["prod"], bulk_host="fargate"))
    assert write_account()["quickthaw-prod-access"] == account["quickthaw-prod-access"]


# What CloudFormation's handlers do only for properties that stacks/fargate/ does not set.
NOT_SET = {
    "application-autoscaling:DeleteScheduledAction",
    "application-autoscaling:PutScheduledAction",
    "cognito-idp:DescribeUserPoolClient",
    "ec2:AssociateSubnetCidrBlock",
    "ec2:AttachVpnGateway",
    "ec2:CreateVpcEncryptionControl",
    "ec2:DetachVpnGateway",
    "ec2:DisassociateSubnetCidrBlock",
    "ec2:ModifyVpcTenancy",
    "ecs:PutAccountSetting",
    "ecs:PutAccountSettingDefault",
    "ecs:PutClusterCapacityProviders",
    "elasticloadbalancing:DeregisterTargets",
    "elasticloadbalancing:ModifyCapacityReservation",
    "elasticloadbalancing:ModifyIpPools",
    "elasticloadbalancing:RegisterTargets",
    "kms:DescribeKey",
}


@pytest.mark.parametrize("written", ["with_fargate", "with_workers"])
def test_stage_has_tasks_its_executor_may_do_what_the_handlers_of_its_resources_do(
    request, written, synth
):
    """By the schemas of CloudFormation's registry, which cfn-lint has."""
    import aws_cdk as cdk

    from serving.deployment.stack import Deployment
    from serving.deployment.stacks.bulk import Bulk
    from serving.deployment.stacks.fargate.stack import Fargate
    from serving.deployment.stacks.function import Image

    kind, stage = {"with_fargate": (Fargate, WITH_FARGATE), "with_workers": (Bulk, WITH_WORKERS)}[
        written
    ]
    app = cdk.App()
    kind(
        app,
        deployment=Deployment("hobbies", "dev"),
        stage=stage.of("hobbies"),
        image=Image("0" * 12, {"version": "0" * 12, "task": "classification"}),
        env=synth.ENVIRONMENT,
    )
    (template,) = synth.Templates(app).values()
    kinds = {
        one["Type"]
        for one in template["Resources"].values()
        if re.match(r"AWS::(ApplicationAutoScaling|EC2|ECS|ElasticLoadBalancingV2)", one["Type"])
    }
    found, wanted = set(), set()
    for path in (Path(cfnlint.__file__).parent / "data/schemas/resources").glob("*.json"):
        schema = json.loads(path.read_text())
        if schema.get("typeName") in kinds and "handlers" in schema:
            found.add(schema["typeName"])
            for name in ("create", "read", "update", "delete"):
                wanted |= {*schema["handlers"].get(name, {}).get("permissions", ())}
    assert found == kinds
    allowed = {
        action.lower()
        for actions, _, _ in synth.list_statements(
            request.getfixturevalue(written)["quickthaw-dev-access"]
        )
        for action in actions
    }
    lacking = {one for one in wanted if one.lower() not in allowed}
    assert lacking == (NOT_SET if written == "with_fargate" else lacking & NOT_SET)


def test_stage_is_on_fargate_its_roles_may_fetch_the_image_and_write_the_log(with_fargate, synth):
    template = with_fargate["quickthaw-dev-access"]
    (boundary,) = (
        one
        for one in synth.find(template, "AWS::IAM::ManagedPolicy").values()
        if one["ManagedPolicyName"] == "quickthaw-boundary-dev"
    )
    found = {
        tuple(synth.as_list(one["Action"])): synth.as_text(one["Resource"])
        for one in boundary["PolicyDocument"]["Statement"]
    }
    pull = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
    assert "repository/quickthaw" in found[pull]
    assert found[("ecr:GetAuthorizationToken",)] == "*"
    logs = [
        synth.as_text(one["Resource"])
        for one in boundary["PolicyDocument"]["Statement"]
        if "logs:PutLogEvents" in one["Action"]
    ]
    assert any("log-group:/aws/ecs/quickthaw-*-dev:*" in one for one in logs)


def test_stage_is_on_fargate_roles_are_passed_to_tasks_and_linked_ones_made_by_name(
    with_fargate, synth
):
    statements = synth.list_statements(with_fargate["quickthaw-dev-access"])
    passed = {
        conditions["StringEquals"]["iam:PassedToService"]: resources
        for actions, resources, conditions in statements
        if actions == ["iam:PassRole"]
    }
    assert len([one for one, _, _ in statements if one == ["iam:PassRole"]]) == len(passed) + 1
    (roles,) = passed["ecs-tasks.amazonaws.com"]
    assert join(roles).endswith(":role/quickthaw/dev/*")
    linked = {
        conditions["StringEquals"]["iam:AWSServiceName"]: join(resources[0])
        for actions, resources, conditions in statements
        if actions == ["iam:CreateServiceLinkedRole"]
    }
    assert set(linked) == {
        "ecs.amazonaws.com",
        "ecs.application-autoscaling.amazonaws.com",
        "elasticloadbalancing.amazonaws.com",
    }
    for service, role in linked.items():
        assert f":role/aws-service-role/{service}/AWSServiceRoleFor" in role
        assert "*" not in role


def test_stage_is_on_fargate_its_deployer_moves_services_and_reads_their_log(with_fargate, synth):
    template = with_fargate["quickthaw-dev-access"]
    (policy,) = (
        one
        for name, one in synth.find(template, "AWS::IAM::Policy").items()
        if "DeployDevPolicy" in name
    )
    found = {
        action: synth.as_text(one["Resource"])
        for one in policy["PolicyDocument"]["Statement"]
        for action in synth.as_list(one["Action"])
    }
    for action in ("ecs:DescribeServices", "ecs:UpdateService"):
        assert "service/quickthaw-*-dev/quickthaw-*-dev" in found[action]
    assert "log-group:/aws/ecs/quickthaw-*-dev:*" in found["logs:FilterLogEvents"]
    planned = json.dumps(with_fargate["quickthaw-plan-access"])
    assert "ecs:DescribeServices" in planned
    assert "ecs:UpdateService" not in planned


def list_bulk(synth, template, kind, name):
    """What an entity may do of bulk: (actions, ends of resources, conditions)."""
    (policy,) = (one for key, one in synth.find(template, kind).items() if name in key)
    statements = synth.list_statements({"Resources": {"One": {"Type": kind, "Properties": policy}}})
    found = [
        (tuple(actions), [one if isinstance(one, str) else join(one) for one in resources], test)
        for actions, resources, test in statements
    ]
    return [
        (actions, [one.rpartition(":")[2] for one in resources], test)
        for actions, resources, test in found
        if re.match(r"s3|sqs|lambda:\w+EventSource", actions[0]) and BUCKET not in str(resources)
    ]


def test_stage_has_bulk_its_roles_get_what_it_needs_and_its_account_is_clean(
    account, with_bulk, synth
):
    assert not with_bulk.findings
    assert not synth.lint(with_bulk)
    template = with_bulk["quickthaw-dev-access"]
    policies = {
        "Boundary": ("AWS::IAM::ManagedPolicy", BULK_ROLE),
        "DeployDevPolicy": ("AWS::IAM::Policy", BULK_DEPLOYER),
    }
    for name, (kind, wanted) in policies.items():
        found = list_bulk(synth, template, kind, name)
        assert {actions: resources for actions, resources, _ in found} == wanted
        assert not list_bulk(synth, account["quickthaw-dev-access"], kind, name)
    assert with_bulk["quickthaw-prod-access"] == account["quickthaw-prod-access"]


def test_stage_has_bulk_its_executor_makes_its_stages_and_deletes_no_object(with_bulk, synth):
    template = with_bulk["quickthaw-dev-access"]
    found = list_bulk(synth, template, "AWS::IAM::Policy", "ExecutorDevPolicy")
    actions = {one for some, _, _ in found for one in some}
    assert actions >= BULK_EXECUTOR
    assert not {one for one in actions if re.match(r"s3:(DeleteObject|GetObject|PutObject)", one)}
    for some, resources, test in found:
        if some[0].startswith("lambda"):
            (functions,) = test["ArnLike"].values()
            assert all(":function:quickthaw-*-dev" in join(one) for one in functions)
        else:
            assert all(one.endswith("-dev") for one in resources)


@pytest.mark.parametrize("written", ["with_bulk", "with_fargate", "with_workers"])
def test_policies_of_a_stage_are_of_a_size_that_iam_takes(request, written, synth):
    template = request.getfixturevalue(written)["quickthaw-dev-access"]
    limits = {"AWS::IAM::ManagedPolicy": 6_144, "AWS::IAM::Policy": 10_240}  # "IAM quotas"
    for kind, limit in limits.items():
        for policy in synth.find(template, kind).values():
            written = re.sub(
                r'\{"Fn::Join":\["",\[(.*?)\]\]\}',
                lambda match: match[1].replace('","', ""),
                json.dumps(policy["PolicyDocument"], separators=(",", ":")),
            )
            assert len(written) < limit


def test_what_is_allowed_everywhere_is_what_knows_no_resources(account, synth):
    for name, template in account.items():
        stage = name.removeprefix("quickthaw-").removesuffix("-access")
        found = {
            action
            for actions, resources, _ in synth.list_statements(template)
            for action in actions
            if "*" in resources
        }
        assert found == EVERYWHERE[name.replace(stage, "STAGE") if stage in STAGES else name]


def test_each_role_is_trusted_to_whom_it_is_for(account, synth):
    services = {}
    for template in account.values():
        for name, role in synth.find(template, "AWS::IAM::Role").items():
            (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
            if "Service" in statement["Principal"]:
                services[role.get("RoleName", name[:11])] = statement["Principal"]["Service"]
    assert services == {"GatewayRole": "apigateway.amazonaws.com"} | {
        f"quickthaw-executor-{stage}": "cloudformation.amazonaws.com" for stage in STAGES
    }


def test_lambda_may_pull_images_for_our_functions_alone(account, synth):
    found = synth.only(account["quickthaw-account"], "AWS::ECR::Repository")
    (statement,) = found["RepositoryPolicyText"]["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert set(statement["Action"]) == {"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}
    ((test, condition),) = statement["Condition"].items()
    assert test == "ArnLike"
    assert join(condition["aws:SourceArn"]).endswith(":function:quickthaw-*")


def test_planner_reads_stages_and_models_and_changes_nothing(account, synth):
    statements = synth.list_statements(account["quickthaw-plan-access"])
    allowed = {one for actions, _, _ in statements for one in actions}
    assert allowed == {
        "cloudformation:DescribeStacks",
        "cloudformation:GetTemplate",
        "lambda:GetAlias",
        "lambda:ListVersionsByFunction",
        "s3:GetBucketLocation",
        "s3:GetObject",
        "s3:ListBucket",
    }
    for stage in STAGES:
        assert any(f"quickthaw-*-{stage}" in str(resources) for _, resources, _ in statements)


@pytest.mark.parametrize("stage", STAGES)
def test_deployer_may_do_what_deploying_is(account, synth, stage):
    statements = synth.list_statements(account[f"quickthaw-{stage}-access"])
    allowed = {one for actions, _, _ in statements for one in actions}
    assert {
        "cloudformation:CreateChangeSet",
        "cloudformation:DeleteStack",
        "cloudformation:DescribeStacks",
        "cloudformation:ExecuteChangeSet",
        "ecr:InitiateLayerUpload",
        "ecr:PutImage",
        "iam:PassRole",
        "lambda:UpdateAlias",
        "logs:FilterLogEvents",
        "s3:GetObject",
    } <= allowed


def join(value):
    """A resource's name, with what CloudFormation puts in as it writes it."""
    if "Fn::Join" in value:
        return "".join(one if isinstance(one, str) else join(one) for one in value["Fn::Join"][1])
    ((_, name),) = value.items()
    return f"<{name}>"


def test_workflows_are_trusted_by_repository_and_environment_and_no_pattern(account, synth):
    trusted = {}
    for template in account.values():
        for role in synth.find(template, "AWS::IAM::Role").values():
            (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
            if statement["Action"] == "sts:AssumeRoleWithWebIdentity":
                (condition,) = statement["Condition"].items()
                trusted[role["RoleName"]] = condition
            else:
                assert set(statement["Principal"]) == {"Service"}
    issuer = "token.actions.githubusercontent.com"
    environments = {"quickthaw-training": "training", "quickthaw-plan": "plan"} | {
        f"quickthaw-deploy-{stage}": stage for stage in STAGES
    }
    assert trusted == {
        role: (
            "StringEquals",
            {
                f"{issuer}:aud": "sts.amazonaws.com",
                f"{issuer}:sub": f"repo:owner/name:environment:{environment}",
            },
        )
        for role, environment in environments.items()
    }


def test_models_are_versioned_encrypted_private_and_sent_by_tls_alone(account, synth):
    template = account["quickthaw-account"]
    buckets = synth.find(template, "AWS::S3::Bucket")
    (models,) = [one for one in buckets.values() if one.get("BucketName") == BUCKET]
    assert models["VersioningConfiguration"] == {"Status": "Enabled"}
    assert models["LoggingConfiguration"]["DestinationBucketName"]
    (rule,) = models["LifecycleConfiguration"]["Rules"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 180}
    assert rule["AbortIncompleteMultipartUpload"]
    assert "ExpirationInDays" not in rule  # a commit may name the oldest one
    for name, bucket in buckets.items():
        assert bucket["BucketEncryption"]
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert template["Resources"][name]["DeletionPolicy"] == "RetainExceptOnCreate"
    for policy in synth.find(template, "AWS::S3::BucketPolicy").values():
        denied = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"]
        conditions = [one["Condition"] for one in denied]
        assert {"Bool": {"aws:SecureTransport": "false"}} in conditions


def test_trainer_can_read_and_write_models_and_nothing_else(account, synth):
    statements = synth.list_statements(account["quickthaw-training-access"])
    actions = {one for found, _, _ in statements for one in found}
    assert actions == {
        "s3:AbortMultipartUpload",
        "s3:GetBucketLocation",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
    }
    for _, resources, _ in statements:
        assert all(f"s3:::{BUCKET}" in synth.as_text(one) for one in resources)


# As AWS writes the ARNs of what a deployment is made of.
OWNED = [
    "cloudformation:R:A:stack/{name}/0a1b2c",
    "lambda:R:A:function:{name}",
    "lambda:R:A:function:{name}:live",
    "logs:R:A:log-group:/aws/lambda/{name}",
    "logs:R:A:log-group:/aws/apigateway/{name}:log-stream:1",
    "iam::A:role/quickthaw/{stage}/{name}-FunctionRole0A1B-2C3D",
    "cloudwatch:R:A:alarm:{name}/errors",
    "cloudwatch::A:dashboard/{name}",
    "codedeploy:R:A:application:{name}",
    "codedeploy:R:A:deploymentgroup:{name}/{name}",
]
MODELS = ["topics", "house-prices", *(f"a-{one}" for one in STAGES), *STAGES, "access", "account"]
# What the account's own stacks make.
OURS = [
    "cloudformation:R:A:stack/{name}/0a1b2c".format(name=f"quickthaw-{one}")
    for one in ("account", "plan-access", "training-access", *(f"{one}-access" for one in STAGES))
]
OURS += ["iam::A:role/quickthaw-plan", "iam::A:role/quickthaw-training"]


@pytest.mark.parametrize("stage", STAGES)
def test_roles_of_a_stage_reach_its_deployments_and_no_other_stages_or_the_accounts(
    account, synth, stage
):
    statements = synth.list_statements(account[f"quickthaw-{stage}-access"])
    patterns = [
        re.sub(r"<AWS::(\w)\w+>", r"\1", text).replace(":P:", ":", 1).removeprefix("arn:")
        for _, resources, _ in statements
        for one in resources
        if (text := one if isinstance(one, str) else join(one)) not in ("*", "<GetAtt>")
    ]
    patterns = [one.replace(synth.REGION, "R").replace(synth.ACCOUNT, "A") for one in patterns]

    def is_reached(arn):
        return any(fnmatch.fnmatchcase(arn, one) for one in patterns)

    for other in STAGES:
        for model in MODELS:
            for form in OWNED:
                arn = form.format(name=f"quickthaw-{model}-{other}", stage=other)
                assert is_reached(arn) == (other == stage), arn
    for arn in OURS:
        assert not is_reached(arn), arn
    for other in set(STAGES) - {stage}:
        assert not is_reached(f"iam::A:role/quickthaw-executor-{other}")


@pytest.mark.parametrize("stage", STAGES)
def test_roles_that_a_deployment_makes_are_bounded(account, synth, stage):
    template = account[f"quickthaw-{stage}-access"]
    makes = {"iam:CreateRole", "iam:PutRolePolicy"}
    attaches = {"iam:AttachRolePolicy", "iam:DetachRolePolicy"}
    for actions, _, conditions in synth.list_statements(template):
        if makes & set(actions):
            assert f"quickthaw-boundary-{stage}" in synth.as_text(conditions["StringEquals"])
        if attaches & set(actions):
            assert "quickthaw-traces" in synth.as_text(conditions["StringEquals"])
        if "iam:PassRole" in actions:
            assert conditions["StringEquals"]["iam:PassedToService"].endswith(".amazonaws.com")


@pytest.mark.parametrize(
    ("written", "stage"),
    [("account", "prod"), ("with_bulk", "dev"), ("with_fargate", "dev"), ("with_workers", "dev")],
)
def test_executor_may_do_what_the_template_needs(request, synth, written, stage):
    """Each kind of resource that a stage's template has is one that its executor can make."""
    from serving.deployment.stacks.app import build_app

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CDK_DEFAULT_ACCOUNT", synth.ACCOUNT)
        patch.setenv("CDK_DEFAULT_REGION", synth.REGION)
        from serving.deployment.image import builder

        manifest = {
            "engine": "frozen",
            "version": "0" * 12,
            "task": "classification",
            "input": {"kind": "text", "example": "the boat"},
        }
        patch.setattr(builder, "read_manifest", lambda *_: manifest)
        patch.setattr(builder, "find_tag", lambda *_: "0" * 12)
        if written != "account":
            settings = {"with_bulk": WITH_BULK, "with_workers": WITH_WORKERS}
            patch.setitem(STAGES, stage, settings.get(written, WITH_FARGATE))
        templates = synth.Templates(build_app({"model": "hobbies", "stage": stage}))
    creates = {
        "ApiGateway": "apigateway:POST",
        "ApplicationAutoScaling::ScalableTarget": "application-autoscaling:RegisterScalableTarget",
        "ApplicationAutoScaling::ScalingPolicy": "application-autoscaling:PutScalingPolicy",
        "CloudWatch::Alarm": "cloudwatch:PutMetricAlarm",
        "CloudWatch::Dashboard": "cloudwatch:PutDashboard",
        "CodeDeploy::Application": "codedeploy:CreateApplication",
        "CodeDeploy::DeploymentGroup": "codedeploy:CreateDeploymentGroup",
        "EC2::InternetGateway": "ec2:CreateInternetGateway",
        "EC2::Route": "ec2:CreateRoute",
        "EC2::RouteTable": "ec2:CreateRouteTable",
        "EC2::SecurityGroup": "ec2:AuthorizeSecurityGroupEgress",
        "EC2::Subnet": "ec2:CreateSubnet",
        "EC2::SubnetRouteTableAssociation": "ec2:AssociateRouteTable",
        "EC2::VPC": "ec2:CreateVpc",
        "EC2::VPCGatewayAttachment": "ec2:AttachInternetGateway",
        "ECS::Cluster": "ecs:CreateCluster",
        "ECS::Service": "ecs:CreateService",
        "ECS::TaskDefinition": "ecs:RegisterTaskDefinition",
        "ElasticLoadBalancingV2::Listener": "elasticloadbalancing:CreateListener",
        "ElasticLoadBalancingV2::LoadBalancer": "elasticloadbalancing:CreateLoadBalancer",
        "ElasticLoadBalancingV2::TargetGroup": "elasticloadbalancing:CreateTargetGroup",
        "IAM::Policy": "iam:PutRolePolicy",
        "IAM::Role": "iam:CreateRole",
        "Lambda::Alias": "lambda:CreateAlias",
        "Lambda::EventSourceMapping": "lambda:CreateEventSourceMapping",
        "Lambda::Function": "lambda:CreateFunction",
        "Lambda::Permission": "lambda:AddPermission",
        "Lambda::Version": "lambda:PublishVersion",
        "Logs::LogGroup": "logs:CreateLogGroup",
        "Logs::MetricFilter": "logs:PutMetricFilter",
        "S3::Bucket": "s3:CreateBucket",
        "S3::BucketPolicy": "s3:PutBucketPolicy",
        "SQS::Queue": "sqs:CreateQueue",
        "SQS::QueuePolicy": "sqs:SetQueueAttributes",
    }
    allowed = {
        one
        for actions, _, _ in synth.list_statements(
            request.getfixturevalue(written)[f"quickthaw-{stage}-access"]
        )
        for one in actions
    }
    kinds = {
        resource["Type"].removeprefix("AWS::")
        for template in templates.values()
        for resource in template["Resources"].values()
    }
    for kind in kinds:
        wanted = creates.get(kind) or creates[kind.partition("::")[0]]
        assert wanted in allowed, kind


def test_images_are_never_overwritten_and_only_untagged_ones_expire(account, synth):
    found = synth.only(account["quickthaw-account"], "AWS::ECR::Repository")
    assert found["RepositoryName"] == "quickthaw"
    assert found["ImageTagMutability"] == "IMMUTABLE"
    assert found["ImageScanningConfiguration"] == {"ScanOnPush": True}
    assert '"tagStatus":"untagged"' in found["LifecyclePolicy"]["LifecyclePolicyText"]
    assert found["LifecyclePolicy"]["LifecyclePolicyText"].count("rulePriority") == 1


@pytest.mark.parametrize(
    ("kind", "switch"),
    [("AWS::IAM::OIDCProvider", "provider"), ("AWS::ApiGateway::Account", "gateway")],
)
def test_account_has_its_one_already_it_is_left_out(account, write_account, synth, kind, switch):
    assert len(synth.find(account["quickthaw-account"], kind)) == 1
    assert not synth.find(write_account(**{switch: "false"})["quickthaw-account"], kind)


@pytest.mark.parametrize(
    "github",
    [
        *("owner", "owner/name:*", "*/*", "owner/na me", "a/b/c", "owner/", "/name", "owner/.git"),
        *("owner/..", "owner/.", "https://gitlab.com/owner/name", "git@example.org:owner/name.git"),
        *("https://notgithub.com/owner/name", "https://example.org/github.com/owner/name"),
        *(
            "https://github.com/owner",
            "https://github.com/owner/name/pulls",
            "owner/name?",
            "öwner/a",
        ),
    ],
)
def test_repository_is_no_repository_it_is_refused(github):
    from infrastructure.app import read_repository
    from serving.deployment.stack import StackError

    with pytest.raises(StackError, match="GITHUB=owner/name"):
        read_repository(github)


SPELLINGS = {
    "owner/name": "owner/name",
    "owner/name.git": "owner/name",
    "owner/name/": "owner/name",
    "Owner/.github": "Owner/.github",
    "owner@12/name@34": "owner@12/name@34",
    "github.com/owner/name": "owner/name",
    "https://github.com/owner/name": "owner/name",
    "https://github.com/owner/name.git": "owner/name",
    "https://www.github.com/owner/name/": "owner/name",
    "https://user:token@github.com/owner/name.git": "owner/name",
    "git@github.com:owner/na.me": "owner/na.me",
    "git@github.com:owner/name.git": "owner/name",
    "https://GitHub.com/owner/name": "owner/name",
    "HTTPS://github.com/Owner/Name": "Owner/Name",
    "git@github.com:/owner/name": "owner/name",
    "git+ssh://git@github.com/owner/name": "owner/name",
    "ssh://git@github.com/owner/name/": "owner/name",
    "ssh://git@ssh.github.com:443/owner/name.git": "owner/name",
}


@pytest.mark.parametrize(("spelling", "name"), SPELLINGS.items(), ids=SPELLINGS)
def test_repository_is_spelt_otherwise_it_is_read_as_the_token_has_it(spelling, name):
    from infrastructure.app import read_repository

    assert read_repository(spelling) == name


def test_repository_is_spelt_as_an_address_the_trust_is_of_its_name(write_account, synth):
    template = write_account(github="https://github.com/owner/name.git")["quickthaw-plan-access"]
    assert '"repo:owner/name:environment:plan"' in json.dumps(template)


def test_repository_is_read_from_origin(tmp_path, monkeypatch):
    from infrastructure.app import read_origin, read_repository

    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    url = "https://github.com/owner/name.git"
    subprocess.run(["git", "-C", tmp_path, "remote", "add", "origin", url], check=True)
    monkeypatch.chdir(tmp_path)
    assert read_repository(read_origin()) == "owner/name"


def test_git_does_not_tell_the_origin_it_is_said_why_and_what_to_do(tmp_path, monkeypatch):
    from infrastructure.app import read_origin
    from serving.deployment.stack import StackError

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(StackError, match=r"(?s)not a git repository.*GITHUB=owner/name"):
        read_origin()
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(StackError, match=r"(?s)dubious ownership.*GITHUB=owner/name"):
        read_origin()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match="git cannot be run"):
        read_origin()

"""The function: the image, its role, its logs, its published version and the alias `live`."""

from typing import Any, NamedTuple, cast

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from serving.deployment.stack import ALIAS, NAME, Deployment
from serving.deployment.stages import Stage

ARCHITECTURES = {"x86_64": lambda_.Architecture.X86_64, "arm64": lambda_.Architecture.ARM_64}


class Image(NamedTuple):
    """An image: its tag in the account's repository, and the manifest of the model in it."""

    tag: str
    manifest: dict[str, Any]


class Function(Construct):
    """The function of a deployment.

    Args:
        deployment: Of which model, and where.
        image: What it runs.
        stage: The settings.

    Attributes:
        function, alias: Callers use the alias.
        image: What it runs.
        logs: Where it writes.
    """

    def __init__(
        self,
        scope: Construct,
        identity: str,
        *,
        deployment: Deployment,
        image: Image,
        stage: Stage,
    ) -> None:
        super().__init__(scope, identity)
        self._name = name = deployment.name
        # By its path a policy tells a role's stage, for CloudFormation makes up its name.
        self._path = f"/{NAME}/{deployment.stage}/"
        self.image = image
        self.logs = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/lambda/{name}",
            removal_policy=RemovalPolicy.DESTROY,
        )
        set_retention(self.logs, stage.retention_days)
        self.function = lambda_.DockerImageFunction(
            self,
            "Function",
            function_name=name,
            description=f"Quickthaw: predicts with the model {deployment.model}",
            code=lambda_.DockerImageCode.from_ecr(
                ecr.Repository.from_repository_name(self, "Repository", NAME),
                tag_or_digest=image.tag,
            ),
            architecture=ARCHITECTURES[stage.architecture],
            memory_size=stage.memory_mb,
            timeout=Duration.seconds(stage.timeout_seconds),
            role=self._make_role().without_policy_updates(),
            log_group=self.logs,
            tracing=lambda_.Tracing.ACTIVE,
            environment=list_variables(stage),
            reserved_concurrent_executions=stage.reserved_concurrency,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if stage.snap_start else None,
            # Kept when the next one takes its place, for a rollback; not if it failed its canary.
            current_version_options=lambda_.VersionOptions(
                removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
                description=f"model {image.manifest['version']}, image {image.tag}",
            ),
        )
        self.alias = lambda_.Alias(
            self,
            "Alias",
            alias_name=ALIAS,
            version=self.function.current_version,
            provisioned_concurrent_executions=stage.provisioned_concurrency,
        )

    def _make_role(self) -> iam.Role:
        # Lambda's managed policy would let it write to every log group.
        role = iam.Role(
            self,
            "Role",
            path=self._path,
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description="Quickthaw's function: its own logs and traces, nothing else",
        )
        self.logs.grant_write(role)
        # Traces know no resources; the account's stack has their policy, for all stages.
        role.add_managed_policy(
            iam.ManagedPolicy.from_managed_policy_name(self, "Traces", f"{NAME}-traces")
        )
        return role

    def shift_slowly(self, alarm: cloudwatch.IAlarm) -> None:
        """Let a tenth of the requests try a new version for five minutes; back at the alarm."""
        role = iam.Role(
            self,
            "ShiftRole",
            path=self._path,
            assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com"),
            description="CodeDeploy: moves this function's alias, reads its alarm, nothing else",
        )
        # CodeDeploy's managed policy would let it move every alias of the account.
        arns = [self.function.function_arn, f"{self.function.function_arn}:{ALIAS}"]
        for actions, resources in (
            (["lambda:GetAlias", "lambda:UpdateAlias"], arns),
            (["lambda:GetProvisionedConcurrencyConfig"], arns),
            (["cloudwatch:DescribeAlarms"], [alarm.alarm_arn]),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources))
        group = codedeploy.LambdaDeploymentGroup(
            self,
            "Shift",
            application=codedeploy.LambdaApplication(
                self, "Application", application_name=self._name
            ),
            deployment_group_name=self._name,  # `make rollback` finds it by that
            alias=self.alias,
            alarms=[alarm],
            deployment_config=codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES,
            role=role.without_policy_updates(),
        )
        group.node.add_dependency(role)


def set_retention(group: logs.LogGroup, days: int) -> None:
    """Set how long a log group keeps what it has."""
    resource = cast("logs.CfnLogGroup", group.node.default_child)
    resource.retention_in_days = days


def list_variables(stage: Stage) -> dict[str, str]:
    """The handler's settings; docs/reference/settings.md says what they mean."""
    variables = {"AWS_EMF_ENVIRONMENT": "Lambda", "AWS_EMF_NAMESPACE": NAME}
    # The others' own answers to other origins would come on top of the handler's.
    if stage.allow_origin and stage.api == "rest":
        variables["QUICKTHAW_ALLOW_ORIGIN"] = stage.allow_origin
    if stage.domain and stage.domain.base_path:
        variables["QUICKTHAW_BASE_PATH"] = stage.domain.base_path
    return variables

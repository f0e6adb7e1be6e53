"""The function: the image, its role, its logs, its published version and the alias `live`."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from aws_cdk import Duration, RemovalPolicy, Size
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from serving.deployment.stack import ALIAS, NAME, Deployment
from serving.deployment.stages import Stage

# The environment variables of every function: where its metrics go.
EMF = {"AWS_EMF_ENVIRONMENT": "Lambda", "AWS_EMF_NAMESPACE": NAME}
ARCHITECTURES = {"x86_64": lambda_.Architecture.X86_64, "arm64": lambda_.Architecture.ARM_64}


class Image(NamedTuple):
    """An image: its tag in the account's repository, and the manifest of the model in it."""

    tag: str
    manifest: dict[str, Any]

    @property
    def said(self) -> str:
        """What a version that runs it says of itself."""
        return f"model {self.manifest['version']}, image {self.tag}"


class Work(NamedTuple):
    """What a function of a deployment is for: all that it does not share with the other.

    Attributes:
        name, description: Its own.
        timeout_seconds: What an invocation may take.
        variables: Its environment variables.
        storage_mb: Its /tmp; without, Lambda's 512 MB.
        rights, statements: What its role may do besides writing logs and traces, in words too.
        reserved_concurrency, provisioned_concurrency, snap_start: As the stage has them.
    """

    name: str
    description: str
    timeout_seconds: int
    variables: Mapping[str, str]
    storage_mb: int | None = None
    rights: str = "nothing else"
    statements: Sequence[iam.PolicyStatement] = ()
    reserved_concurrency: int | None = None
    provisioned_concurrency: int | None = None
    snap_start: bool = False


class Function(Construct):
    """A function of a deployment.

    Args:
        deployment: Of which model, and where.
        image: What it runs.
        stage: The settings.
        work: What it is for; without, it answers an API's requests.

    Attributes:
        function, alias: Callers use the alias.
        image: What it runs.
        logs: Where it writes.
    """

    def __init__(  # noqa: PLR0913 - a construct's
        self,
        scope: Construct,
        identity: str,
        *,
        deployment: Deployment,
        image: Image,
        stage: Stage,
        work: Work | None = None,
    ) -> None:
        super().__init__(scope, identity)
        work = work or _answer_requests(deployment, stage)
        self._name = name = work.name
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
            description=work.description,
            code=lambda_.DockerImageCode.from_ecr(
                ecr.Repository.from_repository_name(self, "Repository", NAME),
                tag_or_digest=image.tag,
            ),
            architecture=ARCHITECTURES[stage.architecture],
            memory_size=stage.memory_mb,
            timeout=Duration.seconds(work.timeout_seconds),
            ephemeral_storage_size=Size.mebibytes(work.storage_mb) if work.storage_mb else None,
            role=self._make_role(work).without_policy_updates(),
            log_group=self.logs,
            tracing=lambda_.Tracing.ACTIVE,
            environment=work.variables,
            reserved_concurrent_executions=work.reserved_concurrency,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if work.snap_start else None,
            # Kept when the next one takes its place, for a rollback; not if it failed its canary.
            current_version_options=lambda_.VersionOptions(
                removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
                description=image.said,
            ),
        )
        self.alias = lambda_.Alias(
            self,
            "Alias",
            alias_name=ALIAS,
            version=self.function.current_version,
            provisioned_concurrent_executions=work.provisioned_concurrency,
        )

    def _make_role(self, work: Work) -> iam.Role:
        # Lambda's managed policy would let it write to every log group.
        role = iam.Role(
            self,
            "Role",
            path=self._path,
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"Quickthaw's function: its own logs and traces, {work.rights}",
        )
        self.logs.grant_write(role)
        for statement in work.statements:
            role.add_to_policy(statement)
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


def _answer_requests(deployment: Deployment, stage: Stage) -> Work:
    return Work(
        name=deployment.name,
        description=f"Quickthaw: predicts with the model {deployment.model}",
        timeout_seconds=stage.timeout_seconds,
        variables=list_variables(stage),
        reserved_concurrency=stage.reserved_concurrency,
        provisioned_concurrency=stage.provisioned_concurrency,
        snap_start=stage.snap_start,
    )


def set_retention(group: logs.LogGroup, days: int) -> None:
    """Set how long a log group keeps what it has."""
    resource = cast("logs.CfnLogGroup", group.node.default_child)
    resource.retention_in_days = days


def list_variables(stage: Stage) -> dict[str, str]:
    """The handler's settings; docs/reference/settings.md says what they mean."""
    variables = {**EMF}
    # The others' own answers to other origins would come on top of the handler's.
    if stage.allow_origin and stage.api == "rest":
        variables["QUICKTHAW_ALLOW_ORIGIN"] = stage.allow_origin
    if stage.domain and stage.domain.base_path:
        variables["QUICKTHAW_BASE_PATH"] = stage.domain.base_path
    return variables

"""Who may do what: the statements of each role, narrowed to one bucket, repository or stage.

Actions, and the resources that they know, are those of AWS's Service Authorization Reference.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from serving.deployment.stack import NAME, match_names
from serving.deployment.stages import STAGES

# Every resource that has an asterisk, and why it has to.
WILDCARDS = {
    r"\*": "the actions know no resources",
    r".*:s3:::[^*]+/\*": "an object's name is the hash of what is in it",
    r".*:s3:::quickthaw-\*-(in|out)-[a-z0-9]+": "the buckets of one stage, by their end",
    r".*:s3:::quickthaw-\*-(in|out)-[a-z0-9]+/\*": "their objects, which callers name",
    r".*:sqs:[^*]*:quickthaw-\*-[a-z0-9]+": "the queues of one stage",
    r".*:event-source-mapping:\*": "Lambda makes up ids; a condition names the functions",
    r".*:stack/quickthaw-\*-[a-z0-9]+/\*": "the stacks of one stage, each with an id at its end",
    # The names of a stage's deployments, whatever the model; no other stage's names match.
    r".*:function:quickthaw-\*-[a-z0-9]+": "the functions of one stage",
    r".*:function:quickthaw-\*-[a-z0-9]+:\*": "their versions and aliases",
    r".*:log-group:/aws/[a-z]+/quickthaw-\*-[a-z0-9]+": "the log groups of one stage",
    r".*:log-group:/aws/[a-z]+/quickthaw-\*-[a-z0-9]+:\*": "their streams",
    r".*:(application|dashboard)[:/]quickthaw-\*-[a-z0-9]+": "one of each for a model at one stage",
    r".*:deploymentgroup:(quickthaw-\*-[a-z0-9]+)/\1": "the same",
    r".*:alarm:quickthaw-\*-[a-z0-9]+/\*": "the alarms of one stage",
    r".*:role/quickthaw/[a-z0-9]+/\*": "the roles of one stage, by their path",
    r".*:deploymentconfig:CodeDeployDefault\.\*": "AWS's own settings",
    r".*:apigateway:[^*]*:/[a-z]+/\*": "API Gateway makes up ids",
    r".*:route53:::change/\*": "Route 53 makes up ids",
    r".*:cluster/quickthaw-\*-[a-z0-9]+": "the clusters of one stage",
    r".*:service/(quickthaw-\*-[a-z0-9]+)/\1": "their services",
    r".*:task/quickthaw-\*-[a-z0-9]+/\*": "their tasks, whose ids ECS makes up",
    r".*:service-deployment/(quickthaw-\*-[a-z0-9]+)/\1/\*": "what ECS makes of them, with ids",
    r".*:(loadbalancer|listener)/app/quickthaw-\*-[a-z0-9]+/\*": "a stage's, each with an id",
    r".*:targetgroup/quickthaw-\*-[a-z0-9]+/\*": "the same",
    r".*:alarm:TargetTracking-service/(quickthaw-\*-[a-z0-9]+)/\1-\*": "AWS makes up the end",
    r".*:scalable-target/\*": "AWS makes up ids",
    r".*:ec2:[^*]*:[a-z-]+/\*": "EC2 makes up ids",
    r".*:execute-api:[^*]*:\*/(\$default|[a-z0-9]+)/\*": "ids are made up; any route",
}


def acknowledge(scope: cdk.Stack, statements: Iterable[iam.PolicyStatement]) -> None:
    """Tell cdk-nag why resources have asterisks, one by one; without a reason it is a finding."""
    partition = cdk.Stack.of(scope).partition
    for resource in {one for statement in statements for one in statement.resources}:
        for pattern, reason in WILDCARDS.items():
            if re.fullmatch(pattern, resource):
                shown = resource.replace(partition, "<AWS::Partition>")
                cdk.Validations.of(scope).acknowledge(
                    cdk.Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{shown}]", reason=reason)
                )


def allow(
    actions: Sequence[str],
    *resources: str,
    condition: dict[str, str] | None = None,
    like: Mapping[str, Sequence[str]] | None = None,
) -> iam.PolicyStatement:
    """A statement: actions on resources, where keys of the request equal values, or an ARN that it
    has is like one of several.
    """
    tests = {"StringEquals": condition, "ArnLike": like}
    return iam.PolicyStatement(
        actions=list(actions),
        resources=list(resources),
        conditions={test: keys for test, keys in tests.items() if keys} or None,
    )


def has_bulk(stage: str) -> bool:
    """Whether any model's stack at a stage has bulk."""
    return any(one.bulk for one in STAGES[stage].list_variants())


def has_web_tasks(stage: str) -> bool:
    """Whether any model's requests are answered by tasks of Fargate at a stage."""
    return any(one.host == "fargate" for one in STAGES[stage].list_variants())


def has_workers(stage: str) -> bool:
    """Whether any model's bulk is answered by tasks of Fargate at a stage."""
    return any(one.bulk and one.bulk_host == "fargate" for one in STAGES[stage].list_variants())


def has_fargate(stage: str) -> bool:
    """Whether any model has tasks of Fargate at a stage: for its requests, or for bulk."""
    return has_web_tasks(stage) or has_workers(stage)


class Permissions:
    """The statements, for the account and region of a stack."""

    def __init__(self, stack: cdk.Stack) -> None:
        self._stack = stack

    def arn(self, service: str, resource: str, *, region: bool = True, account: bool = True) -> str:
        """The ARN of something in this account and region."""
        place = self._stack.region if region else ""
        owner = self._stack.account if account else ""
        return f"arn:{self._stack.partition}:{service}:{place}:{owner}:{resource}"

    def bound(self, stage: str) -> list[iam.PolicyStatement]:
        """The most that roles of a stage's stacks may do: a function's, a task's, CodeDeploy's."""
        name = match_names(stage)
        function = self.arn("lambda", f"function:{name}")
        return [
            allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*"),
            allow(
                ["logs:CreateLogStream", "logs:PutLogEvents"],
                self.arn("logs", f"log-group:/aws/lambda/{name}:*"),
            ),
            allow(
                ["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"],
                function,
                f"{function}:*",
            ),
            allow(["cloudwatch:DescribeAlarms"], "*"),
            *(self._bound_bulk(stage) if has_bulk(stage) else ()),
            *(self._bound_fargate(stage) if has_fargate(stage) else ()),
            *(self._bound_workers(stage) if has_workers(stage) else ()),
        ]

    def name_buckets(self, stage: str, rest: str = "") -> tuple[str, str]:
        """The ARNs of a stage's buckets, of what is to be answered and of the answers; with "/*"
        of their objects.
        """
        given, answers = (
            self.arn("s3", f"{NAME}-*-{end}-{stage}{rest}", region=False, account=False)
            for end in ("in", "out")
        )
        return given, answers

    def name_queues(self, stage: str) -> str:
        """The ARNs of a stage's queues."""
        return self.arn("sqs", match_names(stage))

    def _bound_bulk(self, stage: str) -> list[iam.PolicyStatement]:
        given, answers = self.name_buckets(stage, "/*")
        return [
            allow(["s3:GetObject", "s3:GetObjectVersion"], given),
            allow(["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"], answers),
            allow(["s3:ListBucket"], *self.name_buckets(stage)),
            allow(
                [
                    "sqs:ChangeMessageVisibility",
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                    "sqs:ReceiveMessage",
                ],
                self.name_queues(stage),
            ),
        ]

    def _bound_fargate(self, stage: str) -> list[iam.PolicyStatement]:
        """How a task's image is fetched, and its log written."""
        return [
            allow(["ecr:GetAuthorizationToken"], "*"),
            allow(
                [
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:BatchGetImage",
                    "ecr:GetDownloadUrlForLayer",
                ],
                self.arn("ecr", f"repository/{NAME}"),
            ),
            allow(
                ["logs:CreateLogStream", "logs:PutLogEvents"],
                self.arn("logs", f"log-group:/aws/ecs/{match_names(stage)}:*"),
            ),
        ]

    def _bound_workers(self, stage: str) -> list[iam.PolicyStatement]:
        """How a task of bulk asks not to be stopped; the rest that it may do is bulk's."""
        tasks = self.arn("ecs", f"task/{match_names(stage)}/*")
        return [allow(["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"], tasks)]

    def pull_models(self, bucket: s3.IBucket) -> list[iam.PolicyStatement]:
        """What `dvc pull` and `make model` do."""
        return [
            allow(["s3:ListBucket", "s3:GetBucketLocation"], bucket.bucket_arn),
            allow(["s3:GetObject"], bucket.arn_for_objects("*")),
        ]

    def push_models(self, bucket: s3.IBucket) -> list[iam.PolicyStatement]:
        """What `dvc push` does besides. It deletes nothing."""
        return [allow(["s3:PutObject", "s3:AbortMultipartUpload"], bucket.arn_for_objects("*"))]

    def push_images(self, repository: ecr.IRepository) -> list[iam.PolicyStatement]:
        """How `make deploy` sends an image."""
        return [
            allow(["ecr:GetAuthorizationToken"], "*"),
            allow(
                [
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:BatchGetImage",
                    "ecr:CompleteLayerUpload",
                    "ecr:DescribeImages",
                    "ecr:GetDownloadUrlForLayer",
                    "ecr:InitiateLayerUpload",
                    "ecr:PutImage",
                    "ecr:UploadLayerPart",
                ],
                repository.repository_arn,
            ),
        ]

    def look(self, stage: str) -> list[iam.PolicyStatement]:
        """What `make live` reads of a stage."""
        name = match_names(stage)
        function = self.arn("lambda", f"function:{name}")
        return [
            allow(
                ["cloudformation:DescribeStacks", "cloudformation:GetTemplate"],
                self.arn("cloudformation", f"stack/{name}/*"),
            ),
            allow(["lambda:GetAlias", "lambda:ListVersionsByFunction"], function, f"{function}:*"),
            *(self._look_at_tasks(stage) if has_fargate(stage) else ()),
        ]

    def deploy(self, stage: str, executor: iam.IRole) -> list[iam.PolicyStatement]:
        """What `cdk deploy`, `make smoke`, `make rollback` and `make logs` of a stage do."""
        name = match_names(stage)
        function = self.arn("lambda", f"function:{name}")
        return [
            allow(
                [
                    "cloudformation:ContinueUpdateRollback",
                    "cloudformation:CreateChangeSet",
                    "cloudformation:DeleteChangeSet",
                    "cloudformation:DeleteStack",  # of a first deployment that failed
                    "cloudformation:DescribeChangeSet",
                    "cloudformation:DescribeEvents",
                    "cloudformation:DescribeStackEvents",
                    "cloudformation:DescribeStackResources",
                    "cloudformation:DescribeStacks",
                    "cloudformation:ExecuteChangeSet",
                    "cloudformation:GetTemplate",
                    "cloudformation:RollbackStack",
                ],
                self.arn("cloudformation", f"stack/{name}/*"),
            ),
            allow(
                ["iam:PassRole"],
                executor.role_arn,
                condition={"iam:PassedToService": "cloudformation.amazonaws.com"},
            ),
            allow(
                [
                    "lambda:GetAlias",
                    "lambda:GetFunction",
                    "lambda:ListAliases",
                    "lambda:ListVersionsByFunction",
                    "lambda:UpdateAlias",
                ],
                function,
                f"{function}:*",
            ),
            allow(["apigateway:GET"], self.arn("apigateway", "/apikeys/*", account=False)),
            allow(
                ["codedeploy:ListDeployments", "codedeploy:StopDeployment"],
                self.arn("codedeploy", f"deploymentgroup:{name}/{name}"),
            ),
            *self._call(stage, function),
            allow(["logs:FilterLogEvents"], self.arn("logs", f"log-group:/aws/lambda/{name}:*")),
            *(self._send_bulk(stage) if has_bulk(stage) else ()),
            *(self._move_tasks(stage) if has_fargate(stage) else ()),
        ]

    def _look_at_tasks(self, stage: str) -> list[iam.PolicyStatement]:
        """What says which task definitions there are, and which one a service runs."""
        name = match_names(stage)
        return [
            allow(["ecs:DescribeServices"], self.arn("ecs", f"service/{name}/{name}")),
            allow(["ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitions"], "*"),
        ]

    def _move_tasks(self, stage: str) -> list[iam.PolicyStatement]:
        """What `make rollback` and `make logs` do besides where there are tasks."""
        name = match_names(stage)
        return [
            *self._look_at_tasks(stage),
            allow(["ecs:UpdateService"], self.arn("ecs", f"service/{name}/{name}")),
            # Who lets ECS run a task definition passes its roles, which the boundary holds.
            allow(
                ["iam:PassRole"],
                self.arn("iam", f"role/{NAME}/{stage}/*", region=False),
                condition={"iam:PassedToService": "ecs-tasks.amazonaws.com"},
            ),
            allow(["logs:FilterLogEvents"], self.arn("logs", f"log-group:/aws/ecs/{name}:*")),
        ]

    def _send_bulk(self, stage: str) -> list[iam.PolicyStatement]:
        """What `make bulk` and `make redrive` do besides."""
        given, answers = self.name_buckets(stage, "/*")
        return [
            allow(["s3:ListBucket", "s3:ListBucketVersions"], *self.name_buckets(stage)),
            allow(["s3:GetObject"], given, answers),
            allow(["s3:AbortMultipartUpload", "s3:PutObject"], given),
            allow(
                [
                    "sqs:ChangeMessageVisibility",  # of dead ones that were looked at
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                    "sqs:ListMessageMoveTasks",
                    "sqs:ReceiveMessage",
                    "sqs:SendMessage",
                    "sqs:StartMessageMoveTask",
                ],
                self.name_queues(stage),
            ),
        ]

    def _call(self, stage: str, function: str) -> list[iam.PolicyStatement]:
        """What calls an API that wants signatures, of each kind that the stage has."""
        kinds = {one.api for one in STAGES[stage].list_variants() if one.auth == "iam"}
        names = {"rest": stage, "http": "$default"}
        found = [
            allow(["execute-api:Invoke"], self.arn("execute-api", f"*/{name}/*"))
            for kind, name in names.items()
            if kind in kinds
        ]
        if "url" in kinds:  # Lambda wants both ("Control access to Lambda function URLs")
            actions = ["lambda:InvokeFunction", "lambda:InvokeFunctionUrl"]
            found.append(allow(actions, function, f"{function}:*"))
        return found

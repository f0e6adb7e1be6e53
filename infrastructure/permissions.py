"""Who may do what: the statements of each role, narrowed to one bucket, repository or stage.

Actions, and the resources that they know, are those of AWS's Service Authorization Reference.
"""

import re
from collections.abc import Iterable, Sequence

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from serving.deployment.stack import NAME, name_stack
from serving.deployment.stages import STAGES

# Every resource that has an asterisk, and why it has to.
WILDCARDS = {
    r"\*": "the actions know no resources",
    r".*:s3:::[^*]+/\*": "an object's name is the hash of what is in it",
    r".*:stack/[^*]+/\*": "CloudFormation ends a stack's ARN in an id of its own",
    r".*:function:[^*]+:\*": "the versions and aliases of one function",
    r".*:log-group:[^*]+:\*": "the streams of one group",
    r".*:(role/|alarm:)quickthaw-[a-z]+-\*": (
        "CloudFormation makes up names that begin with the stack's"
    ),
    r".*:deploymentconfig:CodeDeployDefault\.\*": "AWS's own settings",
    r".*:apigateway:[^*]*:/[a-z]+/\*": "API Gateway makes up ids",
    r".*:route53:::change/\*": "Route 53 makes up ids",
    r".*:execute-api:[^*]*:\*/[a-z]+/\*": "API Gateway makes up ids; any route of the stage",
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
    actions: Sequence[str], *resources: str, condition: dict[str, str] | None = None
) -> iam.PolicyStatement:
    """A statement: actions on resources, where keys of the request equal values."""
    return iam.PolicyStatement(
        actions=list(actions),
        resources=list(resources),
        conditions={"StringEquals": condition} if condition else None,
    )


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
        """The most that the roles of a stage's stack may do: its function's, and CodeDeploy's."""
        name = name_stack(stage)
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
        ]

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

    def deploy(self, stage: str, executor: iam.IRole) -> list[iam.PolicyStatement]:
        """What `cdk deploy`, `make smoke`, `make rollback` and `make logs` of a stage do."""
        name = name_stack(stage)
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
            *(
                [allow(["execute-api:Invoke"], self.arn("execute-api", f"*/{stage}/*"))]
                if STAGES[stage].auth == "iam"
                else []
            ),
            allow(["logs:FilterLogEvents"], self.arn("logs", f"log-group:/aws/lambda/{name}:*")),
        ]

    def list_executor(self, stage: str, repository: ecr.IRepository) -> list[iam.PolicyStatement]:
        """What CloudFormation does to make the stack of a stage what its template says."""
        return [
            *self._make_functions(stage, repository),
            *self._make_roles(stage),
            *self._make_apis(stage),
            *self._make_watch(stage),
            *self._make_shifts(stage),
        ]

    def _make_functions(self, stage: str, repository: ecr.IRepository) -> list[iam.PolicyStatement]:
        function = self.arn("lambda", f"function:{name_stack(stage)}")
        return [
            allow(
                [
                    "lambda:AddPermission",
                    "lambda:CreateAlias",
                    "lambda:CreateFunction",
                    "lambda:DeleteAlias",
                    "lambda:DeleteFunction",
                    "lambda:DeleteFunctionConcurrency",
                    "lambda:DeleteProvisionedConcurrencyConfig",
                    "lambda:GetAlias",
                    "lambda:GetFunction",
                    "lambda:GetFunctionCodeSigningConfig",
                    "lambda:GetFunctionConfiguration",
                    "lambda:GetFunctionRecursionConfig",
                    "lambda:GetPolicy",
                    "lambda:GetFunctionScalingConfig",
                    "lambda:GetProvisionedConcurrencyConfig",
                    "lambda:GetRuntimeManagementConfig",
                    "lambda:ListTags",
                    "lambda:ListVersionsByFunction",
                    "lambda:PublishVersion",
                    "lambda:PutFunctionConcurrency",
                    "lambda:PutProvisionedConcurrencyConfig",
                    "lambda:RemovePermission",
                    "lambda:TagResource",
                    "lambda:UntagResource",
                    "lambda:UpdateAlias",
                    "lambda:UpdateFunctionCode",
                    "lambda:UpdateFunctionConfiguration",
                ],
                function,
                f"{function}:*",
            ),
            allow(
                [
                    "ecr:BatchGetImage",
                    "ecr:DescribeImages",
                    "ecr:GetDownloadUrlForLayer",
                    "ecr:GetRepositoryPolicy",
                ],
                repository.repository_arn,
            ),
        ]

    def _make_roles(self, stage: str) -> list[iam.PolicyStatement]:
        roles = self.arn("iam", f"role/{name_stack(stage)}-*", region=False)
        policies = self.arn("iam", f"policy/{NAME}-", region=False)
        bounded = {"iam:PermissionsBoundary": f"{policies}boundary-{stage}"}
        return [
            # A role that it makes can do no more than the boundary says.
            allow(["iam:CreateRole", "iam:PutRolePolicy"], roles, condition=bounded),
            allow(
                ["iam:AttachRolePolicy", "iam:DetachRolePolicy"],
                roles,
                condition={"iam:PolicyARN": f"{policies}traces"},
            ),
            allow(
                [
                    "iam:DeleteRole",
                    "iam:DeleteRolePolicy",
                    "iam:GetRole",
                    "iam:GetRolePolicy",
                    "iam:ListAttachedRolePolicies",
                    "iam:ListRolePolicies",
                    "iam:TagRole",
                    "iam:UntagRole",
                    "iam:UpdateAssumeRolePolicy",
                    "iam:UpdateRole",
                    "iam:UpdateRoleDescription",
                ],
                roles,
            ),
            *(
                allow(["iam:PassRole"], roles, condition={"iam:PassedToService": service})
                for service in ("lambda.amazonaws.com", "codedeploy.amazonaws.com")
            ),
        ]

    def _make_apis(self, stage: str) -> list[iam.PolicyStatement]:
        """API Gateway gives its things ids of its own, so names cannot narrow them."""
        kinds = ["restapis", "apikeys", "usageplans", "tags"]
        domain = STAGES[stage].domain
        if domain:
            kinds.append("domainnames")
        return [
            allow(
                [f"apigateway:{method}" for method in ("DELETE", "GET", "PATCH", "POST", "PUT")],
                *(
                    self.arn("apigateway", f"/{kind}{rest}", account=False)
                    for kind in kinds
                    for rest in ("", "/*")
                ),
            ),
            *(
                [
                    allow(
                        [
                            "route53:ChangeResourceRecordSets",
                            "route53:GetHostedZone",
                            "route53:ListResourceRecordSets",
                        ],
                        self.arn(
                            "route53", f"hostedzone/{domain.zone_id}", region=False, account=False
                        ),
                    ),
                    allow(
                        ["route53:GetChange"],
                        self.arn("route53", "change/*", region=False, account=False),
                    ),
                ]
                if domain and domain.zone_id
                else []
            ),
        ]

    def _make_watch(self, stage: str) -> list[iam.PolicyStatement]:
        name = name_stack(stage)
        groups = [f"log-group:/aws/{service}/{name}" for service in ("lambda", "apigateway")]
        return [
            allow(
                [
                    "logs:CreateLogGroup",
                    "logs:DeleteLogGroup",
                    "logs:DeleteMetricFilter",
                    "logs:DeleteRetentionPolicy",
                    "logs:DescribeIndexPolicies",
                    "logs:DescribeMetricFilters",
                    "logs:GetDataProtectionPolicy",
                    "logs:ListTagsForResource",
                    "logs:PutMetricFilter",
                    "logs:PutRetentionPolicy",
                    "logs:TagResource",
                    "logs:UntagResource",
                ],
                *(self.arn("logs", f"{group}{rest}") for group in groups for rest in ("", ":*")),
            ),
            # To switch a stage's access logs on; these know no resources.
            allow(
                [
                    "logs:CreateLogDelivery",
                    "logs:DeleteLogDelivery",
                    "logs:DescribeLogGroups",
                    "logs:DescribeResourcePolicies",
                    "logs:GetLogDelivery",
                    "logs:ListLogDeliveries",
                    "logs:PutResourcePolicy",
                    "logs:UpdateLogDelivery",
                ],
                "*",
            ),
            allow(
                [
                    "cloudwatch:DeleteAlarms",
                    "cloudwatch:ListTagsForResource",
                    "cloudwatch:PutMetricAlarm",
                    "cloudwatch:TagResource",
                    "cloudwatch:UntagResource",
                ],
                self.arn("cloudwatch", f"alarm:{name}-*"),
            ),
            # Of several alarms at once it is asked without a name.
            allow(["cloudwatch:DescribeAlarms"], "*"),
            allow(
                [
                    "cloudwatch:DeleteDashboards",
                    "cloudwatch:GetDashboard",
                    "cloudwatch:PutDashboard",
                ],
                self.arn("cloudwatch", f"dashboard/{name}", region=False),
            ),
        ]

    def _make_shifts(self, stage: str) -> list[iam.PolicyStatement]:
        name = name_stack(stage)
        return [
            allow(
                [
                    "codedeploy:CreateApplication",
                    "codedeploy:CreateDeployment",
                    "codedeploy:CreateDeploymentGroup",
                    "codedeploy:DeleteApplication",
                    "codedeploy:DeleteDeploymentGroup",
                    "codedeploy:GetApplication",
                    "codedeploy:GetApplicationRevision",
                    "codedeploy:GetDeployment",
                    "codedeploy:GetDeploymentGroup",
                    "codedeploy:ListTagsForResource",
                    "codedeploy:RegisterApplicationRevision",
                    "codedeploy:StopDeployment",
                    "codedeploy:TagResource",
                    "codedeploy:UntagResource",
                    "codedeploy:UpdateApplication",
                    "codedeploy:UpdateDeploymentGroup",
                ],
                self.arn("codedeploy", f"application:{name}"),
                self.arn("codedeploy", f"deploymentgroup:{name}/{name}"),
            ),
            allow(
                ["codedeploy:GetDeploymentConfig"],
                self.arn("codedeploy", "deploymentconfig:CodeDeployDefault.*"),
            ),
        ]

"""What CloudFormation may do to make a stage's stacks, of any model, what their templates say."""

from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam

from infrastructure.fargate import FargatePermissions
from infrastructure.permissions import allow, has_bulk, has_fargate
from serving.deployment.stack import NAME, match_names
from serving.deployment.stages import STAGES

URL_ACTIONS = [f"lambda:{verb}FunctionUrlConfig" for verb in ("Create", "Delete", "Get", "Update")]


class ExecutorPermissions(FargatePermissions):
    """The statements of a stage's executor."""

    def list_executor(self, stage: str, repository: ecr.IRepository) -> list[iam.PolicyStatement]:
        """All of them."""
        return [
            *self._make_functions(stage, repository),
            *self._make_roles(stage),
            *self._make_apis(stage),
            *self._make_watch(stage),
            *self._make_shifts(stage),
            *(self._make_bulk(stage) if has_bulk(stage) else ()),
        ]

    def _make_functions(self, stage: str, repository: ecr.IRepository) -> list[iam.PolicyStatement]:
        function = self.arn("lambda", f"function:{match_names(stage)}")
        has_url = any(one.api == "url" for one in STAGES[stage].list_variants())
        return [
            allow(
                [
                    *(URL_ACTIONS if has_url else ()),
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
        roles = self.arn("iam", f"role/{NAME}/{stage}/*", region=False)
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
                for service in (
                    *("lambda.amazonaws.com", "codedeploy.amazonaws.com"),
                    *(("ecs-tasks.amazonaws.com",) if has_fargate(stage) else ()),
                )
            ),
        ]

    def _make_apis(self, stage: str) -> list[iam.PolicyStatement]:
        """API Gateway gives its things ids of its own, so names cannot narrow them."""
        kinds = ["restapis", "apikeys", "usageplans", "tags"]
        variants = list(STAGES[stage].list_variants())
        if any(one.api == "http" for one in variants):
            kinds.append("apis")
        domains = [one.domain for one in variants if one.domain]
        if domains:
            kinds.append("domainnames")
        zones = sorted({one.zone_id for one in domains if one.zone_id})
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
                        *(
                            self.arn("route53", f"hostedzone/{zone}", region=False, account=False)
                            for zone in zones
                        ),
                    ),
                    allow(
                        ["route53:GetChange"],
                        self.arn("route53", "change/*", region=False, account=False),
                    ),
                ]
                if zones
                else []
            ),
        ]

    def _make_watch(self, stage: str) -> list[iam.PolicyStatement]:
        name = match_names(stage)
        services = ("lambda", "apigateway", *(("ecs",) if has_fargate(stage) else ()))
        groups = [f"log-group:/aws/{service}/{name}" for service in services]
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
                self.arn("cloudwatch", f"alarm:{name}/*"),
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
        name = match_names(stage)
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

    def _make_bulk(self, stage: str) -> list[iam.PolicyStatement]:
        """What the handlers of these resources do (their schemas in CloudFormation's registry),
        for the properties that stacks/bulk.py sets. It deletes no object.
        """
        function = self.arn("lambda", f"function:{match_names(stage)}")
        functions = {"lambda:FunctionArn": [function, f"{function}:*"]}
        mapping = self.arn("lambda", "event-source-mapping:*")
        return [
            allow(
                [
                    "s3:CreateBucket",
                    "s3:DeleteBucket",  # an empty one, of a first deployment that failed
                    "s3:DeleteBucketPolicy",
                    "s3:GetBucketPolicy",
                    "s3:ListBucket",
                    "s3:ListTagsForResource",
                    "s3:PutBucketNotification",
                    "s3:PutBucketPolicy",
                    "s3:PutBucketPublicAccessBlock",
                    "s3:PutBucketTagging",
                    "s3:PutBucketVersioning",
                    "s3:PutEncryptionConfiguration",
                    "s3:PutLifecycleConfiguration",
                    "s3:TagResource",
                    "s3:UntagResource",
                    *(
                        f"s3:Get{what}"
                        for what in (
                            "AccelerateConfiguration",
                            "AnalyticsConfiguration",
                            "BucketAbac",
                            "BucketAcl",
                            "BucketCORS",
                            "BucketLogging",
                            "BucketMetadataTableConfiguration",
                            "BucketNotification",
                            "BucketObjectLockConfiguration",
                            "BucketOwnershipControls",
                            "BucketPublicAccessBlock",
                            "BucketTagging",
                            "BucketVersioning",
                            "BucketWebsite",
                            "EncryptionConfiguration",
                            "IntelligentTieringConfiguration",
                            "InventoryConfiguration",
                            "LifecycleConfiguration",
                            "MetricsConfiguration",
                            "ReplicationConfiguration",
                        )
                    ),
                ],
                *self.name_buckets(stage),
            ),
            allow(
                [
                    "sqs:CreateQueue",
                    "sqs:DeleteQueue",
                    "sqs:GetQueueAttributes",
                    "sqs:GetQueueUrl",
                    "sqs:ListQueueTags",
                    "sqs:SetQueueAttributes",
                    "sqs:TagQueue",
                    "sqs:UntagQueue",
                ],
                self.name_queues(stage),
            ),
            # Before it has an id; the function is all that a policy can tell it by.
            allow(["lambda:CreateEventSourceMapping"], "*", like=functions),
            allow(
                [f"lambda:{verb}EventSourceMapping" for verb in ("Delete", "Get", "Update")],
                mapping,
                like=functions,
            ),
            allow(["lambda:ListTags", "lambda:TagResource", "lambda:UntagResource"], mapping),
        ]

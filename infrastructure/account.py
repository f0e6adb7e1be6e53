"""What an account needs once: a bucket for models, a repository for images, trust in GitHub."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infrastructure.access import AUDIENCE, ISSUER, name_bucket
from infrastructure.permissions import Permissions, acknowledge, allow
from serving.deployment.stack import ACCOUNT, NAME

ABORT = cdk.Duration.days(7)  # of uploads that were never ended


class Account(cdk.Stack):
    """The account's stack.

    Args:
        has_provider: Whether the stack brings GitHub's OIDC provider: an account can have but one.
        has_gateway_role: Whether it brings the role that API Gateway logs as: the same.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        has_provider: bool = True,
        has_gateway_role: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, ACCOUNT, description="Quickthaw: models, images, roles", **kwargs)
        self._permissions = Permissions(self)
        bucket = self._make_bucket()
        self._make_repository()
        if has_gateway_role:
            self._make_gateway_role()
        self._make_traces()
        if has_provider:
            iam.CfnOIDCProvider(self, "GitHub", url=f"https://{ISSUER}", client_id_list=[AUDIENCE])
        cdk.CfnOutput(
            self, "RemoteOutput", value=f"s3://{bucket.bucket_name}/dvc"
        ).override_logical_id("Remote")

    def _make_bucket(self) -> s3.Bucket:
        common: dict[str, Any] = {
            "encryption": s3.BucketEncryption.S3_MANAGED,
            "enforce_ssl": True,
            "minimum_tls_version": 1.2,
            "block_public_access": s3.BlockPublicAccess.BLOCK_ALL,
            # A bootstrap that fails leaves nothing behind that the next one would trip over.
            "removal_policy": cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        }
        log = s3.Bucket(
            self,
            "Access",
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=cdk.Duration.days(90), abort_incomplete_multipart_upload_after=ABORT
                )
            ],
            **common,
        )
        return s3.Bucket(
            self,
            "Models",
            bucket_name=name_bucket(self),
            versioned=True,
            server_access_logs_bucket=log,
            # What a commit names is never expired; what was overwritten or deleted is, later.
            lifecycle_rules=[
                s3.LifecycleRule(
                    noncurrent_version_expiration=cdk.Duration.days(180),
                    abort_incomplete_multipart_upload_after=ABORT,
                )
            ],
            **common,
        )

    def _make_repository(self) -> None:
        repository = ecr.Repository(
            self,
            "Images",
            repository_name=NAME,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,  # a tag is a hash of the content
            image_scan_on_push=True,
            removal_policy=cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
            # A rule cannot know which images functions run: tagged ones are `make prune`'s.
            lifecycle_rules=[
                ecr.LifecycleRule(
                    tag_status=ecr.TagStatus.UNTAGGED, max_image_age=cdk.Duration.days(1)
                )
            ],
        )
        repository.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("lambda.amazonaws.com")],
                actions=["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                conditions={
                    "ArnLike": {
                        "aws:SourceArn": self._permissions.arn("lambda", f"function:{NAME}-*")
                    }
                },
            )
        )

    def _make_gateway_role(self) -> None:
        """API Gateway writes access logs as one role for all of an account's APIs."""
        role = iam.Role(
            self,
            "GatewayRole",
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
            description="API Gateway: writes logs",
        )
        # AWS, "Set up CloudWatch logging for REST APIs": it refuses a role that may do less.
        statement = allow(
            [
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:DescribeLogGroups",
                "logs:DescribeLogStreams",
                "logs:FilterLogEvents",
                "logs:GetLogEvents",
                "logs:PutLogEvents",
            ],
            "*",
        )
        role.add_to_policy(statement)
        acknowledge(self, [statement])
        account = apigateway.CfnAccount(self, "Gateway", cloud_watch_role_arn=role.role_arn)
        account.node.add_dependency(role)

    def _make_traces(self) -> None:
        """What every function may do besides its own: its traces know no resources."""
        traces = allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*")
        iam.ManagedPolicy(self, "Traces", managed_policy_name=f"{NAME}-traces", statements=[traces])
        acknowledge(self, [traces])

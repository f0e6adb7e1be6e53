"""What every stack of a deployment has."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from serving.deployment.stack import NAME, BulkOutputs, Deployment, Outputs


def bound_roles(stack: cdk.Stack, deployment: Deployment) -> None:
    """Let no role of a stack do more than the account allows at that stage."""
    iam.PermissionsBoundary.of(stack).apply(
        iam.ManagedPolicy.from_managed_policy_name(
            stack, "Boundary", f"{NAME}-boundary-{deployment.stage}"
        )
    )


def write_outputs(stack: cdk.Stack, outputs: Outputs | BulkOutputs) -> None:
    """Let a stack say what programs ask it for."""
    for key, value in outputs._asdict().items():
        cdk.CfnOutput(stack, f"{key}Output", value=value).override_logical_id(key)

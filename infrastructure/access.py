"""Which workflows may do what: a role that trains, one that looks, and one a stage that deploys.

No key leaves AWS: a workflow proves who it is by GitHub's OIDC token, and gets for an hour what
its environment may do.
"""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infrastructure.executor import ExecutorPermissions
from infrastructure.permissions import acknowledge, has_fargate
from serving.deployment.stack import NAME
from serving.deployment.stages import STAGES

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
TRAINING = "training"
PLAN = "plan"


def name_bucket(stack: cdk.Stack) -> str:
    """The models' bucket in a stack's account and region."""
    return f"{NAME}-{stack.account}-{stack.region}"


class Access(cdk.Stack):
    """The roles of one GitHub environment: of training, of looking, or of a stage.

    Args:
        environment: Its name.
        github: The repository whose workflows are trusted: "owner/name".
    """

    def __init__(self, scope: Construct, *, environment: str, github: str, **kwargs: Any) -> None:
        super().__init__(
            scope,
            # Not ending in the stage's name, as the stacks do that its deployer may change.
            f"{NAME}-{environment}-access",
            description=f"Quickthaw: what {github} may do in environment {environment}",
            **kwargs,
        )
        self._environment = environment
        self._permissions = ExecutorPermissions(self)
        self._bucket = s3.Bucket.from_bucket_name(self, "Models", name_bucket(self))
        self._github = self._trust(github)
        if environment == TRAINING:
            self._make_trainer()
        elif environment == PLAN:
            self._make_planner()
        else:
            self._make_deployer()

    def _trust(self, github: str) -> iam.IPrincipal:
        """Jobs of one environment of one repository, whatever its branch: GitHub guards those."""
        return iam.WebIdentityPrincipal(
            self._permissions.arn("iam", f"oidc-provider/{ISSUER}", region=False),
            {
                "StringEquals": {
                    f"{ISSUER}:aud": AUDIENCE,
                    f"{ISSUER}:sub": f"repo:{github}:environment:{self._environment}",
                }
            },
        )

    def _make_trainer(self) -> None:
        permissions = self._permissions
        self._make_role(
            TRAINING,
            self._github,
            permissions.pull_models(self._bucket) + permissions.push_models(self._bucket),
            "GitHub: reads and writes models, nothing else",
        )

    def _make_planner(self) -> None:
        permissions = self._permissions
        self._make_role(
            PLAN,
            self._github,
            permissions.pull_models(self._bucket)
            + [one for stage in STAGES for one in permissions.look(stage)],
            "GitHub: sees what the stages run, and changes nothing",
        )

    def _make_deployer(self) -> None:
        stage, permissions = self._environment, self._permissions
        repository = ecr.Repository.from_repository_name(self, "Images", NAME)
        boundary = permissions.bound(stage)
        iam.ManagedPolicy(
            self,
            "Boundary",
            managed_policy_name=f"{NAME}-boundary-{stage}",
            description=f"The most that a role of stage {stage}'s stacks may do",
            statements=boundary,
        )
        acknowledge(self, boundary)
        executor = self._make_role(
            f"executor-{stage}",
            iam.ServicePrincipal("cloudformation.amazonaws.com"),
            permissions.list_executor(stage, repository),
            f"CloudFormation: makes the stacks of stage {stage}",
        )
        if has_fargate(stage):
            statements = permissions.list_fargate(stage)
            # Not in the role's own policy, which would be larger than IAM takes it.
            iam.ManagedPolicy(
                self,
                "Tasks",
                managed_policy_name=f"{NAME}-tasks-{stage}",
                description=f"CloudFormation: makes stage {stage}'s tasks of Fargate",
                statements=statements,
                roles=[executor],
            )
            acknowledge(self, statements)
        self._make_role(
            f"deploy-{stage}",
            self._github,
            permissions.pull_models(self._bucket)
            + permissions.push_images(repository)
            + permissions.deploy(stage, executor),
            f"GitHub: deploys stage {stage}",
        )

    def _make_role(
        self,
        name: str,
        trusted: iam.IPrincipal,
        statements: list[iam.PolicyStatement],
        description: str,
    ) -> iam.Role:
        identity = name.title().replace("-", "")
        role = iam.Role(
            self,
            identity,
            role_name=f"{NAME}-{name}",
            assumed_by=trusted,
            description=description,
        )
        policy = iam.Policy(self, f"{identity}Policy", statements=statements)
        policy.attach_to_role(role)
        acknowledge(self, statements)
        output = cdk.CfnOutput(self, f"{identity}Output", value=role.role_arn)
        output.override_logical_id(f"{identity}Arn")
        return role

"""The service of a stage as a stack: the function, its API, alarms, dashboard."""

from dataclasses import replace
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from serving.deployment.stack import NAME, Outputs, make_local_url, name_stack
from serving.deployment.stacks.alarms import Alarms
from serving.deployment.stacks.api import Api
from serving.deployment.stacks.dashboard import Dashboard
from serving.deployment.stacks.function import Function, Image
from serving.deployment.stages import Stage

# What cdk-nag finds and we leave, each with its reason.
LEFT = {
    "AwsSolutions-APIG3": "a web ACL would cost more than the service: keys and throttles guard it",
    "AwsSolutions-APIG4": "callers are programs with an API key; a stage can ask for signatures",
    "AwsSolutions-APIG6": "the execution log quotes what a body has wrong; access logs do not",
    "AwsSolutions-COG4": "callers are programs: there are no users to log in",
    "Serverless-LambdaDLQ": "API Gateway waits for the answer: no event is left to be kept",
}


class Service(cdk.Stack):
    """A stage's stack.

    Args:
        stage_name, stage: Which one.
        image: What the function runs.
        local: For a local AWS, which has neither CodeDeploy nor metric math, so no canary, no
            domains, and addresses of its own.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        stage_name: str,
        stage: Stage,
        image: Image,
        local: bool = False,
        **kwargs: Any,
    ) -> None:
        name = name_stack(stage_name)
        if local:
            stage = replace(stage, canary=False, domain=None)
        super().__init__(scope, name, description=f"Quickthaw, stage {stage_name}", **kwargs)
        iam.PermissionsBoundary.of(self).apply(
            iam.ManagedPolicy.from_managed_policy_name(
                self, "Boundary", f"{NAME}-boundary-{stage_name}"
            )
        )
        function = Function(
            self,
            "Function",
            name=name,
            image=image,
            stage=stage,
        )
        api = Api(self, "Api", name=name, function=function, stage=stage)
        alarms = Alarms(self, "Alarms", name=name, function=function, api=api.api, stage=stage)
        if stage.canary:
            function.shift_slowly(alarms.all["canary"])
        dashboard = Dashboard(
            self,
            "Dashboard",
            name=name,
            function=function,
            api=api.api,
            alarms=alarms,
            region=self.region,
        )
        for rule, reason in LEFT.items():
            cdk.Validations.of(self).acknowledge(cdk.Acknowledgment(id=rule, reason=reason))
        outputs = Outputs(
            Url=make_local_url(api.api.rest_api_id, stage_name) if local else api.url,
            KeyId=api.key.key_id if api.key else "none",
            FunctionName=name,
            LogGroup=f"/aws/lambda/{name}",
            Dashboard=dashboard.link,
        )
        for key, value in outputs._asdict().items():
            cdk.CfnOutput(self, f"{key}Output", value=value).override_logical_id(key)

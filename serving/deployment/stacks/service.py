"""A model's service at a stage as a stack: the function, its API, alarms, dashboard."""

from dataclasses import replace
from typing import Any

import aws_cdk as cdk
from constructs import Construct

from serving.deployment.stack import Deployment, Outputs
from serving.deployment.stacks.alarms import Alarms
from serving.deployment.stacks.bulk import make_metrics
from serving.deployment.stacks.dashboard import Dashboard
from serving.deployment.stacks.front import build_front
from serving.deployment.stacks.function import Function, Image
from serving.deployment.stacks.whole import bound_roles, write_outputs
from serving.deployment.stages import Stage

# What cdk-nag finds and we leave, each with its reason.
LEFT = {
    "AwsSolutions-APIG3": "a web ACL would cost more than the service: keys and throttles guard it",
    "AwsSolutions-APIG4": "callers are programs with an API key; the page at / is held down",
    "AwsSolutions-APIG6": "the execution log quotes what a body has wrong; access logs do not",
    "AwsSolutions-COG4": "callers are programs: there are no users to log in",
    "Serverless-LambdaDLQ": "API Gateway waits for the answer: no event is left to be kept",
}


class Service(cdk.Stack):
    """The stack of a deployment.

    Args:
        deployment: Of which model, and where.
        stage: The settings there, as that model has them.
        image: What the function runs.
        local: For a local AWS, which has neither CodeDeploy nor metric math, so no canary, no
            domains, and addresses of its own.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        deployment: Deployment,
        stage: Stage,
        image: Image,
        local: bool = False,
        **kwargs: Any,
    ) -> None:
        name = deployment.name
        if local:
            stage = replace(stage, canary=False, domain=None)
        super().__init__(
            scope,
            name,
            description=f"Quickthaw, model {deployment.model}, stage {deployment.stage}",
            **kwargs,
        )
        bound_roles(self, deployment)
        function = Function(
            self,
            "Function",
            deployment=deployment,
            image=image,
            stage=stage,
        )
        api = build_front(self, deployment=deployment, function=function, stage=stage)
        alarms = Alarms(
            self, "Alarms", deployment=deployment, function=function, api=api, stage=stage
        )
        if stage.canary:
            function.shift_slowly(alarms.all["canary"])
        dashboard = Dashboard(
            self,
            "Dashboard",
            name=name,
            function=function,
            api=api,
            bulk=make_metrics(deployment) if stage.bulk else None,
            alarms=alarms,
            region=self.region,
        )
        for rule, reason in LEFT.items():
            cdk.Validations.of(self).acknowledge(cdk.Acknowledgment(id=rule, reason=reason))
        outputs = Outputs(
            Url=api.local_url if local else api.url,
            KeyId=api.key_id,
            FunctionName=name,
            LogGroup=f"/aws/lambda/{name}",
            Dashboard=dashboard.link,
        )
        write_outputs(self, outputs)

"""A model's service at a stage as a stack where its host is Fargate: the web process in tasks."""

from dataclasses import replace
from typing import Any

import aws_cdk as cdk
from constructs import Construct

from serving.deployment.stack import Deployment, Outputs
from serving.deployment.stacks.bulk import make_metrics
from serving.deployment.stacks.dashboard import show_bulk
from serving.deployment.stacks.fargate.balancer import Balancer
from serving.deployment.stacks.fargate.network import build_network
from serving.deployment.stacks.fargate.tasks import Tasks
from serving.deployment.stacks.fargate.watch import TaskAlarms, TaskDashboard
from serving.deployment.stacks.function import Image
from serving.deployment.stacks.whole import bound_roles, write_outputs
from serving.deployment.stages import Stage

# What cdk-nag finds and we leave, each with its reason.
LEFT = {
    "AwsSolutions-EC23": "callers are everywhere: the load balancer is what they reach",
    "AwsSolutions-ECS2": "the variables are settings: there is no secret among them",
    "AwsSolutions-ECS4": "its metrics are charged; those of the load balancer tell of the tasks",
    "AwsSolutions-ELB2": "the lines would name clients; the service's own tell each request",
    "AwsSolutions-IAM5[Resource::*]": "to log in at ECR knows no resources",
    "AwsSolutions-VPC7": "flow logs would name clients; nothing but the balancer is reached",
}


class Fargate(cdk.Stack):
    """The stack of a deployment; its name and outputs are those of `Service`.

    Args:
        deployment: Of which model, and where.
        stage: The settings there, as that model has them.
        image: What the tasks run, of the host `web`.
        local: For a local AWS, which scales nothing and has neither domains nor metric math.
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
            stage = replace(stage, domain=None)
        super().__init__(
            scope,
            name,
            description=f"Quickthaw, model {deployment.model}, stage {deployment.stage}",
            **kwargs,
        )
        bound_roles(self, deployment)
        network = build_network(self, tls=stage.domain is not None)
        balancer = Balancer(
            self, "Front", deployment=deployment, network=network, domain=stage.domain
        )
        tasks = Tasks(
            self,
            "Tasks",
            deployment=deployment,
            stage=stage,
            image=image,
            network=network,
            balancer=balancer,
            local=local,
        )
        alarms = TaskAlarms(
            self,
            "Alarms",
            deployment=deployment,
            stage=stage,
            tasks=tasks,
            balancer=balancer,
            local=local,
        )
        dashboard = TaskDashboard(
            self,
            "Dashboard",
            name=name,
            task=image.manifest["task"],
            tasks=tasks,
            balancer=balancer,
            bulk=show_bulk(make_metrics(deployment)) if stage.bulk else None,
            alarms=alarms,
            region=self.region,
        )
        for rule, reason in LEFT.items():
            cdk.Validations.of(self).acknowledge(cdk.Acknowledgment(id=rule, reason=reason))
        outputs = Outputs(
            Url=balancer.local_url if local else balancer.url,
            KeyId="none",
            FunctionName=name,
            LogGroup=f"/aws/ecs/{name}",
            Dashboard=dashboard.link,
        )
        write_outputs(self, outputs)

    @property
    def availability_zones(self) -> list[str]:
        """Two of the region's, which CloudFormation knows: CDK would look them up."""
        return [cdk.Fn.select(one, cdk.Fn.get_azs()) for one in range(2)]

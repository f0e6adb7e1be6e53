"""The tasks: the image of the host `web` as an ECS service, as many as the load asks for."""

from aws_cdk import Duration
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from serving.deployment.stack import Deployment
from serving.deployment.stacks.fargate import parts
from serving.deployment.stacks.fargate.balancer import Balancer
from serving.deployment.stacks.fargate.network import PORT, Network
from serving.deployment.stacks.function import Image
from serving.deployment.stages import Stage

VCPU = 1024  # units of a processor
CONTAINER = "web"
# One that is busy for long would else keep a health check waiting.
LEAST_WORKERS = 2
STOPPING = Duration.seconds(30)  # the process needs 10 (serving/hosts/web)
STARTING = Duration.seconds(60)  # until a health check counts: the image is fetched before it
HEALTH = (
    "import os, urllib.request as u; "
    "u.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/health\", timeout=4)"
)
CPU_PERCENT = 60  # what the tasks are to be busy, so that a burst finds room until more have come
# Of a processor's time a request: over twice what docs/guides/web.md measured. It bounds how many
# requests a task is sent; where a model takes longer, CPU_PERCENT is reached first.
REQUEST_SECONDS = 0.001
LESS_AFTER, MORE_AFTER = Duration.minutes(5), Duration.minutes(1)


class Tasks(Construct):
    """The ECS service of a deployment, in a cluster of its own.

    Attributes:
        service: It.
        logs: Where the tasks write.
    """

    def __init__(  # noqa: PLR0913 - a construct's
        self,
        scope: Construct,
        identity: str,
        *,
        deployment: Deployment,
        stage: Stage,
        image: Image,
        network: Network,
        balancer: Balancer,
        local: bool,
    ) -> None:
        super().__init__(scope, identity)
        name = self._name = deployment.name
        self._stage = stage
        self.logs = parts.make_logs(self, name, stage.retention_days)
        definition = self._define(image, deployment)
        self.service = parts.serve(
            self,
            name,
            definition,
            network.vpc,
            network.tasks,
            # Not said on AWS: a deployment in a busy hour would take the tasks away that have come.
            desired_count=stage.tasks if local else None,
            min_healthy_percent=100,
            max_healthy_percent=200,
            health_check_grace_period=STARTING,
        )
        self.service.attach_to_application_target_group(balancer.group)
        # ECS refuses a group that no listener sends to.
        self.service.node.add_dependency(*balancer.balancer.listeners)
        if not local:
            self._scale(balancer)

    def _define(self, image: Image, deployment: Deployment) -> ecs.FargateTaskDefinition:
        definition = parts.define(
            self,
            self._name,
            self._stage,
            parts.make_role(self, "Role", deployment.stage, "Quickthaw's task: may do nothing"),
            parts.make_role(
                self,
                "StartRole",
                deployment.stage,
                "ECS: fetches the image and writes the log of Quickthaw's task",
                starts=True,
            ),
        )
        definition.add_container(
            CONTAINER,
            **parts.shut_in(self, image, CONTAINER, self.logs),
            environment=self._list_variables(),
            port_mappings=[ecs.PortMapping(container_port=PORT)],
            stop_timeout=STOPPING,
            health_check=ecs.HealthCheck(
                command=["CMD", "python3", "-c", HEALTH],
                interval=Duration.seconds(30),
                timeout=Duration.seconds(5),
                retries=3,
                start_period=STARTING,
            ),
        )
        return definition

    def _list_variables(self) -> dict[str, str]:
        """The settings of the process; docs/guides/web.md and docs/reference/settings.md."""
        variables = {
            "PORT": str(PORT),
            # A task of half a processor sees two.
            "WEB_CONCURRENCY": str(max(LEAST_WORKERS, self._stage.cpu_units // VCPU)),
            **parts.list_emf(self._name),
        }
        if self._stage.allow_origin:
            variables["QUICKTHAW_ALLOW_ORIGIN"] = self._stage.allow_origin
        return variables

    def _scale(self, balancer: Balancer) -> None:
        """From `tasks` to `max_tasks`: by the processors, and by the requests that a task gets."""
        count = parts.scale(self.service, self._stage.tasks, self._stage.max_tasks)
        count.scale_on_cpu_utilization(
            "Cpu",
            target_utilization_percent=CPU_PERCENT,
            scale_in_cooldown=LESS_AFTER,
            scale_out_cooldown=MORE_AFTER,
        )
        count.scale_on_request_count(
            "Requests",
            requests_per_target=count_requests(self._stage.cpu_units),
            target_group=balancer.group,
            scale_in_cooldown=LESS_AFTER,
            scale_out_cooldown=MORE_AFTER,
        )


def count_requests(cpu_units: int) -> int:
    """The requests a minute that a task of so many units of a processor is to get at most."""
    return round(cpu_units / VCPU * CPU_PERCENT / 100 * 60 / REQUEST_SECONDS)

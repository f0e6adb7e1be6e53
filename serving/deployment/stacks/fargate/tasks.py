"""The tasks: the image of the host `web` as an ECS service, as many as the load asks for."""

from typing import cast

from aws_cdk import CfnDeletionPolicy, Duration, RemovalPolicy
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from serving.deployment.stack import NAME, SAID, Deployment
from serving.deployment.stacks.fargate.balancer import Balancer
from serving.deployment.stacks.fargate.network import PORT, Network
from serving.deployment.stacks.function import Image, set_retention
from serving.deployment.stages import Stage

ARCHITECTURES = {"x86_64": ecs.CpuArchitecture.X86_64, "arm64": ecs.CpuArchitecture.ARM64}
VCPU = 1024  # units of a processor
CONTAINER = "web"
USER = "993:990"  # any: the image needs no name and no rights
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
        self._path = f"/{NAME}/{deployment.stage}/"
        self._stage = stage
        self.logs = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/ecs/{name}",
            removal_policy=RemovalPolicy.DESTROY,
        )
        set_retention(self.logs, stage.retention_days)
        definition = self._define(image)
        self.service = ecs.FargateService(
            self,
            "Service",
            service_name=name,
            cluster=ecs.Cluster(self, "Cluster", cluster_name=name, vpc=network.vpc),
            task_definition=definition,
            # Not said on AWS: a deployment in a busy hour would take the tasks away that have come.
            desired_count=stage.tasks if local else None,
            assign_public_ip=True,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            security_groups=[network.tasks],
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            min_healthy_percent=100,
            max_healthy_percent=200,
            health_check_grace_period=STARTING,
        )
        # Else tasks would start before they may fetch their image.
        self.service.node.add_dependency(cast("iam.Role", definition.execution_role))
        self.service.attach_to_application_target_group(balancer.group)
        # ECS refuses a group that no listener sends to.
        self.service.node.add_dependency(*balancer.balancer.listeners)
        if not local:
            self._scale(balancer)

    def _define(self, image: Image) -> ecs.FargateTaskDefinition:
        definition = ecs.FargateTaskDefinition(
            self,
            "Definition",
            family=self._name,
            cpu=self._stage.cpu_units,
            memory_limit_mib=self._stage.memory_mb,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ARCHITECTURES[self._stage.architecture],
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
            task_role=self._make_role("Role", "Quickthaw's task: may do nothing"),
            execution_role=self._make_role(
                "StartRole", "ECS: fetches the image and writes the log of Quickthaw's task"
            ),
        )
        # The one before stays active when the next one takes its place, for a rollback.
        resource = cast("ecs.CfnTaskDefinition", definition.node.default_child)
        resource.cfn_options.update_replace_policy = CfnDeletionPolicy.RETAIN
        resource.cfn_options.deletion_policy = CfnDeletionPolicy.DELETE
        repository = ecr.Repository.from_repository_name(self, "Repository", NAME)
        definition.add_container(
            CONTAINER,
            container_name=CONTAINER,
            image=ecs.ContainerImage.from_ecr_repository(repository, image.tag),
            docker_labels={SAID: image.said},
            environment=self._list_variables(),
            port_mappings=[ecs.PortMapping(container_port=PORT)],
            user=USER,
            readonly_root_filesystem=True,
            stop_timeout=STOPPING,
            health_check=ecs.HealthCheck(
                command=["CMD", "python3", "-c", HEALTH],
                interval=Duration.seconds(30),
                timeout=Duration.seconds(5),
                retries=3,
                start_period=STARTING,
            ),
            logging=ecs.LogDrivers.aws_logs(stream_prefix=CONTAINER, log_group=self.logs),
        )
        return definition

    def _make_role(self, identity: str, description: str) -> iam.Role:
        """A role with the rights that CDK gives it for what it is used for, if any."""
        return iam.Role(
            self,
            identity,
            path=self._path,
            assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"),
            description=description,
        )

    def _list_variables(self) -> dict[str, str]:
        """The settings of the process; docs/guides/web.md and docs/reference/settings.md."""
        variables = {
            "PORT": str(PORT),
            # A task of half a processor sees two.
            "WEB_CONCURRENCY": str(max(LEAST_WORKERS, self._stage.cpu_units // VCPU)),
            "AWS_EMF_ENVIRONMENT": "Local",
            "AWS_EMF_NAMESPACE": NAME,
            "AWS_EMF_SERVICE_NAME": self._name,
            "AWS_EMF_SERVICE_TYPE": "AWS::ECS::Service",
            "AWS_EMF_LOG_GROUP_NAME": f"/aws/ecs/{self._name}",
        }
        if self._stage.allow_origin:
            variables["QUICKTHAW_ALLOW_ORIGIN"] = self._stage.allow_origin
        return variables

    def _scale(self, balancer: Balancer) -> None:
        """From `tasks` to `max_tasks`: by the processors, and by the requests that a task gets."""
        count = self.service.auto_scale_task_count(
            min_capacity=self._stage.tasks, max_capacity=self._stage.max_tasks
        )
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
        # Without a role of its own it takes AWS's service-linked one, which nobody has to pass.
        target = cast(
            "scaling.CfnScalableTarget",
            self.service.node.find_child("TaskCount").node.find_child("Target").node.default_child,
        )
        target.add_property_deletion_override("RoleARN")


def count_requests(cpu_units: int) -> int:
    """The requests a minute that a task of so many units of a processor is to get at most."""
    return round(cpu_units / VCPU * CPU_PERCENT / 100 * 60 / REQUEST_SECONDS)

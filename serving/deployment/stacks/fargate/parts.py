"""What the tasks of a web service and those of bulk have in common: definition, roles, log."""

from typing import Any, cast

from aws_cdk import CfnDeletionPolicy, RemovalPolicy, Stack
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from serving.deployment.stack import NAME, SAID
from serving.deployment.stacks.function import Image, set_retention
from serving.deployment.stages import Stage

ARCHITECTURES = {"x86_64": ecs.CpuArchitecture.X86_64, "arm64": ecs.CpuArchitecture.ARM64}
USER = "993:990"  # any: the image needs no name and no rights


def make_logs(scope: Construct, name: str, days: int) -> logs.LogGroup:
    """Where the tasks of a service write."""
    group = logs.LogGroup(
        scope, "Logs", log_group_name=f"/aws/ecs/{name}", removal_policy=RemovalPolicy.DESTROY
    )
    set_retention(group, days)
    return group


def make_role(
    scope: Construct, identity: str, stage: str, description: str, *, starts: bool = False
) -> iam.Role:
    """A role of a stage with the rights that CDK gives it for what it is used for, if any.

    That of a task only tasks of the stack's account get: else ECS could be another account's deputy
    (Amazon ECS Developer Guide, "Amazon ECS task IAM role"). Of a role by which ECS starts tasks
    (`starts`) the guide does not say so.
    """
    ours = {"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}}
    return iam.Role(
        scope,
        identity,
        path=f"/{NAME}/{stage}/",
        assumed_by=iam.ServicePrincipal(
            "ecs-tasks.amazonaws.com", conditions=None if starts else ours
        ),
        description=description,
    )


def define(
    scope: Construct, name: str, stage: Stage, role: iam.Role, start_role: iam.Role
) -> ecs.FargateTaskDefinition:
    """A task definition without containers, of the family `name`."""
    definition = ecs.FargateTaskDefinition(
        scope,
        "Definition",
        family=name,
        cpu=stage.cpu_units,
        memory_limit_mib=stage.memory_mb,
        runtime_platform=ecs.RuntimePlatform(
            cpu_architecture=ARCHITECTURES[stage.architecture],
            operating_system_family=ecs.OperatingSystemFamily.LINUX,
        ),
        task_role=role,
        execution_role=start_role,
    )
    # The one before stays active when the next one takes its place, for a rollback.
    resource = cast("ecs.CfnTaskDefinition", definition.node.default_child)
    resource.cfn_options.update_replace_policy = CfnDeletionPolicy.RETAIN
    resource.cfn_options.deletion_policy = CfnDeletionPolicy.DELETE
    return definition


def shut_in(scope: Construct, image: Image, name: str, group: logs.ILogGroup) -> dict[str, Any]:
    """What every container gets: our image, no root that it could write to, and its log."""
    repository = ecr.Repository.from_repository_name(scope, "Repository", NAME)
    return {
        "container_name": name,
        "image": ecs.ContainerImage.from_ecr_repository(repository, image.tag),
        "docker_labels": {SAID: image.said},
        "user": USER,
        "readonly_root_filesystem": True,
        "logging": ecs.LogDrivers.aws_logs(stream_prefix=name, log_group=group),
    }


def serve(
    scope: Construct,
    name: str,
    definition: ecs.FargateTaskDefinition,
    vpc: ec2.IVpc,
    group: ec2.ISecurityGroup,
    **more: Any,
) -> ecs.FargateService:
    """A service of tasks with public addresses, in a cluster of its own; `more` is what it has
    besides. Where new tasks fail, ECS goes back to the old ones.
    """
    service = ecs.FargateService(
        scope,
        "Service",
        service_name=name,
        cluster=ecs.Cluster(scope, "Cluster", cluster_name=name, vpc=vpc),
        task_definition=definition,
        assign_public_ip=True,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
        security_groups=[group],
        circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
        **more,
    )
    # Else tasks would start before they may fetch their image, or do what they are for.
    service.node.add_dependency(cast("iam.Role", definition.execution_role), definition.task_role)
    return service


def list_emf(name: str) -> dict[str, str]:
    """The settings of the metrics of a service's tasks (docs/reference/settings.md)."""
    return {
        "AWS_EMF_ENVIRONMENT": "Local",
        "AWS_EMF_NAMESPACE": NAME,
        "AWS_EMF_SERVICE_NAME": name,
        "AWS_EMF_SERVICE_TYPE": "AWS::ECS::Service",
        "AWS_EMF_LOG_GROUP_NAME": f"/aws/ecs/{name}",
    }


def scale(service: ecs.FargateService, least: int, most: int) -> ecs.ScalableTaskCount:
    """Let a service have from `least` to `most` tasks."""
    count = service.auto_scale_task_count(min_capacity=least, max_capacity=most)
    # Without a role of its own it takes AWS's service-linked one, which nobody has to pass.
    target = cast("scaling.CfnScalableTarget", find_target(service).node.default_child)
    target.add_property_deletion_override("RoleARN")
    return count


def find_target(service: ecs.FargateService) -> scaling.ScalableTarget:
    """What of a service is scaled."""
    found = service.node.find_child("TaskCount").node.find_child("Target")
    return cast("scaling.ScalableTarget", found)

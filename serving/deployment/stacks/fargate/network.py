"""Where the tasks and their load balancer live: two public subnets, and who may connect to whom.

Without NAT gateways, which would cost more than the tasks: a task has a public address to fetch its
image and to send its log, and its group lets nobody in but the balancer, where there is one.
"""

from typing import NamedTuple

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

CIDR, EVERYWHERE = "10.0.0.0/16", "0.0.0.0/0"
HTTP, HTTPS = 80, 443
PORT = 8080  # of the image's web process


class Network(NamedTuple):
    """It.

    Attributes:
        vpc: With its subnets.
        balancer, tasks: Whom a security group lets in and out.
    """

    vpc: ec2.Vpc
    balancer: ec2.ISecurityGroup
    tasks: ec2.ISecurityGroup


def build_vpc(scope: Construct) -> ec2.Vpc:
    """Two public subnets, and no NAT gateway."""
    return ec2.Vpc(
        scope,
        "Vpc",
        ip_addresses=ec2.IpAddresses.cidr(CIDR),
        max_azs=2,
        nat_gateways=0,
        subnet_configuration=[
            ec2.SubnetConfiguration(
                name="Public",
                subnet_type=ec2.SubnetType.PUBLIC,
                cidr_mask=24,
                map_public_ip_on_launch=False,
            )
        ],
        # A function would empty the default group; nothing is ever in that.
        restrict_default_security_group=False,
    )


def build_closed_group(scope: Construct, vpc: ec2.Vpc) -> ec2.ISecurityGroup:
    """The group of tasks that nobody connects to."""
    return _build_group(
        scope,
        "TaskGroup",
        vpc,
        description="From nowhere to the tasks, and from there to AWS by https",
        ingress=None,
        egress=[_let_out(HTTPS, EVERYWHERE)],
    )


def build_network(scope: Construct, *, tls: bool) -> Network:
    """Build it; with `tls` the balancer is reached by https, too."""
    vpc = build_vpc(scope)
    ports = (HTTP, HTTPS) if tls else (HTTP,)
    balancer = _build_group(
        scope,
        "BalancerGroup",
        vpc,
        description="From everywhere to the load balancer, and from there to the tasks",
        ingress=[_let_in(port, cidr_ip=EVERYWHERE) for port in ports],
        # By addresses: two groups whose rules name each other could not be made.
        egress=[_let_out(PORT, CIDR)],
    )
    tasks = _build_group(
        scope,
        "TaskGroup",
        vpc,
        description="From the load balancer alone to the tasks, and from there to AWS by https",
        ingress=[_let_in(PORT, source_security_group_id=balancer.security_group_id)],
        egress=[_let_out(HTTPS, EVERYWHERE)],
    )
    return Network(vpc, balancer, tasks)


def _build_group(  # noqa: PLR0913 - what a group has
    scope: Construct,
    identity: str,
    vpc: ec2.Vpc,
    *,
    description: str,
    ingress: list[ec2.CfnSecurityGroup.IngressProperty] | None,
    egress: list[ec2.CfnSecurityGroup.EgressProperty],
) -> ec2.ISecurityGroup:
    """A group with its rules in it: a local AWS knows none that are resources of their own."""
    group = ec2.CfnSecurityGroup(
        scope,
        identity,
        vpc_id=vpc.vpc_id,
        group_description=description,
        security_group_ingress=ingress,
        security_group_egress=egress,
    )
    # Immutable, or CDK would add rules of its own.
    return ec2.SecurityGroup.from_security_group_id(
        scope, f"{identity}Rules", group.attr_group_id, mutable=False
    )


def _let_in(port: int, **source: str) -> ec2.CfnSecurityGroup.IngressProperty:
    return ec2.CfnSecurityGroup.IngressProperty(
        ip_protocol="tcp", from_port=port, to_port=port, **source
    )


def _let_out(port: int, addresses: str) -> ec2.CfnSecurityGroup.EgressProperty:
    return ec2.CfnSecurityGroup.EgressProperty(
        ip_protocol="tcp", from_port=port, to_port=port, cidr_ip=addresses
    )

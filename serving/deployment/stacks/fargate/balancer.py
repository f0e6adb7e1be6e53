"""The load balancer in front of the tasks: health checks, https where there is a certificate."""

import hashlib

from aws_cdk import Duration
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from constructs import Construct

from serving.deployment.stack import NAME, Deployment, make_balancer_url
from serving.deployment.stacks.fargate.network import HTTP, HTTPS, PORT, Network
from serving.deployment.stages import Domain

NAME_CHARS = 32  # Elastic Load Balancing API reference, CreateLoadBalancer
IDLE = Duration.seconds(60)  # less than the web process keeps a connection
# As long as an answer may take (serving/hosts/web): only then a task is told to stop.
LEAVING = Duration.seconds(30)


class Balancer(Construct):
    """The load balancer of a deployment.

    Attributes:
        balancer, group: It, and the group of targets that it sends requests to.
        url, local_url: Where it is, on AWS and on a local one, with a slash at the end.
    """

    def __init__(
        self,
        scope: Construct,
        identity: str,
        *,
        deployment: Deployment,
        network: Network,
        domain: Domain | None,
    ) -> None:
        super().__init__(scope, identity)
        name = make_name(deployment)
        self.balancer = elb.ApplicationLoadBalancer(
            self,
            "Balancer",
            load_balancer_name=name,
            vpc=network.vpc,
            internet_facing=True,
            security_group=network.balancer,
            drop_invalid_header_fields=True,
            idle_timeout=IDLE,
        )
        self.group = elb.ApplicationTargetGroup(
            self,
            "Targets",
            target_group_name=name,
            vpc=network.vpc,
            target_type=elb.TargetType.IP,
            port=PORT,
            protocol=elb.ApplicationProtocol.HTTP,
            deregistration_delay=LEAVING,
            load_balancing_algorithm_type=(
                elb.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS
            ),
            health_check=elb.HealthCheck(
                path="/health",
                healthy_http_codes="200",
                interval=Duration.seconds(10),
                timeout=Duration.seconds(5),
                healthy_threshold_count=2,
                # A minute: for so long large batches may keep all workers of a task.
                unhealthy_threshold_count=6,
            ),
        )
        self._listen(domain)
        if domain:
            self._add_record(domain)
        host = self.balancer.load_balancer_dns_name
        self.url = f"https://{domain.name}/" if domain else f"http://{host}/"
        self.local_url = make_balancer_url(name)

    def _listen(self, domain: Domain | None) -> None:
        answer = elb.ListenerAction.forward([self.group])
        away = elb.ListenerAction.redirect(protocol="HTTPS", port=str(HTTPS), permanent=True)
        self.balancer.add_listener(
            "Http",
            port=HTTP,
            protocol=elb.ApplicationProtocol.HTTP,
            default_action=away if domain else answer,
            open=False,  # the group of the network says who may
        )
        if domain:
            self.balancer.add_listener(
                "Https",
                port=HTTPS,
                protocol=elb.ApplicationProtocol.HTTPS,
                certificates=[elb.ListenerCertificate.from_arn(domain.certificate_arn)],
                ssl_policy=elb.SslPolicy.RECOMMENDED_TLS,
                default_action=answer,
                open=False,
            )

    def _add_record(self, domain: Domain) -> None:
        if domain.zone_id and domain.zone_name:
            route53.ARecord(
                self,
                "Record",
                zone=route53.HostedZone.from_hosted_zone_attributes(
                    self, "Zone", hosted_zone_id=domain.zone_id, zone_name=domain.zone_name
                ),
                record_name=f"{domain.name}.",
                target=route53.RecordTarget.from_alias(targets.LoadBalancerTarget(self.balancer)),
            )


def make_name(deployment: Deployment) -> str:
    """The deployment's name, where a load balancer may have it; else one with a hash in place of
    the model's.

    It ends in the stage as all others do: policies tell it by that.
    """
    if len(deployment.name) <= NAME_CHARS:
        return deployment.name
    digest = hashlib.sha256(deployment.model.encode()).hexdigest()
    room = NAME_CHARS - len(f"{NAME}--{deployment.stage}")
    return f"{NAME}-{digest[:room]}-{deployment.stage}"

"""What CloudFormation may do to make a stage's tasks of Fargate, their network and load balancer.

Workers of bulk have no load balancer, so a stage that has no other tasks gets no rights for one.

The actions are those of the handlers of these resources (their schemas in CloudFormation's
registry), for the properties that serving/deployment/stacks/fargate/ sets.
"""

from collections.abc import Iterable

from aws_cdk import aws_iam as iam

from infrastructure.permissions import Permissions, allow, has_web_tasks
from serving.deployment.stack import match_names

# What EC2 makes for a network, by the kind of ARN.
NETWORK = ("internet-gateway", "route-table", "security-group", "subnet", "vpc")
# The services whose own roles an account has from the first such stack on.
LINKED = {
    "ecs": "AWSServiceRoleForECS",
    "elasticloadbalancing": "AWSServiceRoleForElasticLoadBalancing",
    "ecs.application-autoscaling": "AWSServiceRoleForApplicationAutoScaling_ECSService",
}
BALANCER = "elasticloadbalancing"


class FargatePermissions(Permissions):
    """The statements for stacks that have tasks of Fargate."""

    def list_fargate(self, stage: str) -> list[iam.PolicyStatement]:
        """All of them."""
        web = has_web_tasks(stage)
        return [
            *self._make_network(),
            *(self._make_balancer(stage) if web else ()),
            *self._make_tasks(stage),
            *self._make_scaling(),
            *(self._make_targets(stage) if web else ()),
            *self._make_linked_roles(one for one in LINKED if web or one != BALANCER),
        ]

    def _make_network(self) -> list[iam.PolicyStatement]:
        """EC2 gives its things ids of its own, so names cannot narrow them."""
        return [
            allow(
                [
                    "ec2:AssociateRouteTable",
                    "ec2:AttachInternetGateway",
                    "ec2:AuthorizeSecurityGroupEgress",
                    "ec2:AuthorizeSecurityGroupIngress",
                    "ec2:CreateInternetGateway",
                    "ec2:CreateRoute",
                    "ec2:CreateRouteTable",
                    "ec2:CreateSecurityGroup",
                    "ec2:CreateSubnet",
                    "ec2:CreateTags",
                    "ec2:CreateVpc",
                    "ec2:DeleteInternetGateway",
                    "ec2:DeleteRoute",
                    "ec2:DeleteRouteTable",
                    "ec2:DeleteSecurityGroup",
                    "ec2:DeleteSubnet",
                    "ec2:DeleteTags",
                    "ec2:DeleteVpc",
                    "ec2:DetachInternetGateway",
                    "ec2:DisassociateRouteTable",
                    "ec2:ModifySubnetAttribute",
                    "ec2:ModifyVpcAttribute",
                    "ec2:ReplaceRoute",
                    "ec2:ReplaceRouteTableAssociation",
                    "ec2:RevokeSecurityGroupEgress",
                    "ec2:RevokeSecurityGroupIngress",
                    "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
                    "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
                ],
                *(self.arn("ec2", f"{kind}/*") for kind in NETWORK),
            ),
            allow(
                [
                    "ec2:DescribeAccountAttributes",
                    "ec2:DescribeAvailabilityZones",
                    "ec2:DescribeInstances",
                    "ec2:DescribeInternetGateways",
                    "ec2:DescribeIpamPools",
                    "ec2:DescribeNetworkAcls",
                    "ec2:DescribeNetworkInterfaces",
                    "ec2:DescribeRouteTables",
                    "ec2:DescribeSecurityGroups",
                    "ec2:DescribeSubnets",
                    "ec2:DescribeVpcAttribute",
                    "ec2:DescribeVpcEncryptionControls",
                    "ec2:DescribeVpcs",
                    "ec2:DescribeVpnGateways",
                ],
                "*",
            ),
        ]

    def _make_balancer(self, stage: str) -> list[iam.PolicyStatement]:
        name = match_names(stage)
        verbs = ("Create", "Delete", "Modify")
        return [
            allow(
                [
                    *(
                        f"elasticloadbalancing:{verb}{what}"
                        for what in ("Listener", "LoadBalancer", "TargetGroup")
                        for verb in verbs
                        if (verb, what) != ("Modify", "LoadBalancer")
                    ),
                    "elasticloadbalancing:AddTags",
                    "elasticloadbalancing:ModifyListenerAttributes",
                    "elasticloadbalancing:ModifyLoadBalancerAttributes",
                    "elasticloadbalancing:ModifyTargetGroupAttributes",
                    "elasticloadbalancing:RemoveTags",
                    "elasticloadbalancing:SetIpAddressType",
                    "elasticloadbalancing:SetSecurityGroups",
                    "elasticloadbalancing:SetSubnets",
                ],
                *(
                    self.arn("elasticloadbalancing", f"{kind}/{name}/*")
                    for kind in ("listener/app", "loadbalancer/app", "targetgroup")
                ),
            ),
            allow(
                [
                    f"elasticloadbalancing:Describe{what}"
                    for what in (
                        "CapacityReservation",
                        "ListenerAttributes",
                        "Listeners",
                        "LoadBalancerAttributes",
                        "LoadBalancers",
                        "Tags",
                        "TargetGroupAttributes",
                        "TargetGroups",
                        "TargetHealth",
                    )
                ],
                "*",
            ),
        ]

    def _make_tasks(self, stage: str) -> list[iam.PolicyStatement]:
        name = match_names(stage)
        return [
            allow(
                [
                    "ecs:CreateCluster",
                    "ecs:CreateService",
                    "ecs:DeleteCluster",
                    "ecs:DeleteService",
                    "ecs:DescribeClusters",
                    "ecs:DescribeServices",
                    "ecs:ListServiceDeployments",
                    "ecs:ListTagsForResource",
                    "ecs:TagResource",
                    "ecs:UntagResource",
                    "ecs:UpdateCluster",
                    "ecs:UpdateClusterSettings",
                    "ecs:UpdateService",
                ],
                self.arn("ecs", f"cluster/{name}"),
                self.arn("ecs", f"service/{name}/{name}"),
            ),
            allow(
                ["ecs:DescribeServiceDeployments", "ecs:StopServiceDeployment"],
                self.arn("ecs", f"service-deployment/{name}/{name}/*"),
            ),
            allow(
                [
                    "ecs:DeregisterTaskDefinition",
                    "ecs:DescribeTaskDefinition",
                    "ecs:RegisterTaskDefinition",
                ],
                "*",
            ),
        ]

    def _make_scaling(self) -> list[iam.PolicyStatement]:
        targets = self.arn("application-autoscaling", "scalable-target/*")
        return [
            allow(
                [
                    f"application-autoscaling:{what}"
                    for what in (
                        "DeleteScalingPolicy",
                        "DeregisterScalableTarget",
                        "PutScalingPolicy",
                        "RegisterScalableTarget",
                    )
                ],
                targets,
                condition={"application-autoscaling:service-namespace": "ecs"},
            ),
            # Requests for tags do not tell the service.
            allow(
                [
                    f"application-autoscaling:{what}"
                    for what in ("ListTagsForResource", "TagResource", "UntagResource")
                ],
                targets,
            ),
            allow(
                [
                    "application-autoscaling:DescribeScalableTargets",
                    "application-autoscaling:DescribeScalingPolicies",
                    "application-autoscaling:DescribeScheduledActions",
                    "cloudwatch:GetMetricData",
                ],
                "*",
            ),
        ]

    def _make_targets(self, stage: str) -> list[iam.PolicyStatement]:
        """The alarms of policies that keep to a target, which Application Auto Scaling makes."""
        name = match_names(stage)
        return [
            allow(
                ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"],
                self.arn("cloudwatch", f"alarm:TargetTracking-service/{name}/{name}-*"),
            ),
        ]

    def _make_linked_roles(self, services: Iterable[str]) -> list[iam.PolicyStatement]:
        """Where the account has not had them yet."""
        return [
            allow(
                ["iam:CreateServiceLinkedRole"],
                self.arn(
                    "iam",
                    f"role/aws-service-role/{service}.amazonaws.com/{LINKED[service]}",
                    region=False,
                ),
                condition={"iam:AWSServiceName": f"{service}.amazonaws.com"},
            )
            for service in services
        ]

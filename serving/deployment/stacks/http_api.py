"""An HTTP API in front of the function: cheaper than a REST API, without keys and checked bodies.

API Gateway Developer Guide, "Choose between REST APIs and HTTP APIs", says what it lacks.
"""

import json
from typing import cast

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from constructs import Construct

from serving.deployment.stack import Deployment
from serving.deployment.stacks.access import EXPOSED, HTTP_ACCESS, PREFLIGHT
from serving.deployment.stacks.function import Function, set_retention
from serving.deployment.stages import INTEGRATION_SECONDS, Domain, Stage


class HttpApi(Construct):
    """The HTTP API of a deployment, on the function's alias.

    Attributes:
        api: It.
        url: Where it is, with a slash at the end.
    """

    def __init__(
        self,
        scope: Construct,
        identity: str,
        *,
        deployment: Deployment,
        function: Function,
        stage: Stage,
    ) -> None:
        super().__init__(scope, identity)
        self._stage = stage
        self.api = apigatewayv2.HttpApi(
            self,
            "Api",
            api_name=deployment.name,
            description=f"Quickthaw: predicts with the model {deployment.model}",
            create_default_stage=False,
            cors_preflight=self._make_cors(stage.allow_origin) if stage.allow_origin else None,
        )
        self._add_routes(function)
        # No other name: the path would begin with it.
        live = apigatewayv2.HttpStage(
            self,
            "Stage",
            http_api=self.api,
            stage_name="$default",
            auto_deploy=True,
            throttle=apigatewayv2.ThrottleSettings(
                rate_limit=stage.rate_per_second, burst_limit=stage.burst
            ),
        )
        resource = cast("apigatewayv2.CfnStage", live.node.default_child)
        resource.access_log_settings = self._make_access_log(deployment)
        self.url = self._add_domain(stage.domain, live) if stage.domain else live.url

    def _add_routes(self, function: Function) -> None:
        integration = integrations.HttpLambdaIntegration(
            "Live",
            function.alias,
            payload_format_version=apigatewayv2.PayloadFormatVersion.VERSION_2_0,
            timeout=Duration.seconds(INTEGRATION_SECONDS),
            scope_permission_to_route=False,  # one permission for all routes
        )
        signed = self._stage.auth == "iam"
        apigatewayv2.HttpRoute(
            self,
            "All",
            http_api=self.api,
            route_key=apigatewayv2.HttpRouteKey.DEFAULT,
            integration=integration,
            authorizer=authorizers.HttpIamAuthorizer() if signed else None,
        )
        if signed and self._stage.allow_origin:
            # Developer Guide, "Configure CORS for HTTP APIs": else $default refuses preflights.
            apigatewayv2.HttpRoute(
                self,
                "Preflight",
                http_api=self.api,
                route_key=apigatewayv2.HttpRouteKey.with_(
                    "/{proxy+}", apigatewayv2.HttpMethod.OPTIONS
                ),
                integration=integration,
                authorizer=apigatewayv2.HttpNoneAuthorizer(),
            )

    def _make_cors(self, origin: str) -> apigatewayv2.CorsPreflightOptions:
        return apigatewayv2.CorsPreflightOptions(
            allow_origins=[origin],
            allow_methods=[apigatewayv2.CorsHttpMethod.ANY],
            allow_headers=PREFLIGHT,
            expose_headers=EXPOSED,
        )

    def _make_access_log(
        self, deployment: Deployment
    ) -> apigatewayv2.CfnStage.AccessLogSettingsProperty:
        access = logs.LogGroup(
            self,
            "Access",
            log_group_name=f"/aws/apigateway/{deployment.name}",
            removal_policy=RemovalPolicy.DESTROY,
        )
        set_retention(access, self._stage.retention_days)
        return apigatewayv2.CfnStage.AccessLogSettingsProperty(
            destination_arn=access.log_group_arn, format=json.dumps(HTTP_ACCESS)
        )

    def _add_domain(self, domain: Domain, live: apigatewayv2.HttpStage) -> str:
        found = apigatewayv2.DomainName(
            self,
            "Domain",
            domain_name=domain.name,
            certificate=acm.Certificate.from_certificate_arn(
                self, "Certificate", domain.certificate_arn
            ),
            security_policy=apigatewayv2.SecurityPolicy.TLS_1_2,
        )
        apigatewayv2.ApiMapping(self, "Mapping", api=self.api, domain_name=found, stage=live)
        if domain.zone_id and domain.zone_name:
            route53.ARecord(
                self,
                "Record",
                zone=route53.HostedZone.from_hosted_zone_attributes(
                    self, "Zone", hosted_zone_id=domain.zone_id, zone_name=domain.zone_name
                ),
                record_name=f"{domain.name}.",
                target=route53.RecordTarget.from_alias(
                    targets.ApiGatewayv2DomainProperties(
                        found.regional_domain_name, found.regional_hosted_zone_id
                    )
                ),
            )
        return f"https://{domain.name}/"

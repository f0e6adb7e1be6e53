"""The REST API in front of the function: keys, throttles, request validation, access logs."""

import json
from typing import Any, cast

from aws_cdk import RemovalPolicy
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from constructs import Construct

from serving.bundle.inputs import BINARY_MEDIA
from serving.deployment.stack import Deployment
from serving.deployment.stacks import bodies
from serving.deployment.stacks.access import ACCESS, PREFLIGHT
from serving.deployment.stacks.function import Function, set_retention
from serving.deployment.stages import Domain, Stage

REFUSED = {
    "type": "urn:quickthaw:problem:invalid",
    "title": "Unprocessable Content",
    "status": 422,
    "detail": "The body does not fit the schema of this route: see /openapi.json",
    "request_id": "$context.requestId",
}
PAGES_PER_SECOND, PAGES_AT_ONCE = 2, 5  # of GET / without a key


class Api(Construct):
    """The API of a deployment, on the function's alias.

    Args:
        function: What it invokes, and whose input it lets through.

    Attributes:
        api: It.
        url: Where it is, with a slash at the end.
        key: The API key, where one is wanted.
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
        name, self._stage = deployment.name, stage
        self.api = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=name,
            description=f"Quickthaw: predicts with the model {deployment.model}",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            binary_media_types=[*BINARY_MEDIA],
            cloud_watch_role=False,  # the account's, which infrastructure/ makes
            deploy_options=self._make_options(deployment),
        )
        self.api.node.try_remove_child("Endpoint")  # an output of a name that nobody knows
        self._add_routes(function.alias, function.image.manifest["input"])
        self._add_answers()
        self.key = self._add_key(name) if stage.auth == "api_key" else None
        self.url = self._add_domain(stage.domain) if stage.domain else self.api.url

    def _make_options(self, deployment: Deployment) -> apigateway.StageOptions:
        access = logs.LogGroup(
            self,
            "Access",
            log_group_name=f"/aws/apigateway/{deployment.name}",
            removal_policy=RemovalPolicy.DESTROY,
        )
        set_retention(access, self._stage.retention_days)
        return apigateway.StageOptions(
            stage_name=deployment.stage,
            throttling_rate_limit=self._stage.rate_per_second,
            throttling_burst_limit=self._stage.burst,
            access_log_destination=apigateway.LogGroupLogDestination(access),
            access_log_format=apigateway.AccessLogFormat.custom(json.dumps(ACCESS)),
            # The execution log quotes what a body has wrong, and would outlive the stack.
            logging_level=apigateway.MethodLoggingLevel.OFF,
            data_trace_enabled=False,
            tracing_enabled=True,
            method_options=self._make_page_options(),
        )

    def _make_page_options(self) -> dict[str, apigateway.MethodDeploymentOptions] | None:
        """What holds the page down that is open where everything else wants a key: who has none
        is not to start functions as often as callers do.
        """
        if self._stage.auth != "api_key":
            return None
        slowly = apigateway.MethodDeploymentOptions(
            throttling_rate_limit=PAGES_PER_SECOND,
            throttling_burst_limit=PAGES_AT_ONCE,
            logging_level=apigateway.MethodLoggingLevel.OFF,
            data_trace_enabled=False,
        )
        return {"//GET": slowly}

    def _add_routes(self, alias: lambda_.Alias, described: dict[str, Any]) -> None:
        # One permission for all routes, in place of one for each.
        alias.add_permission(
            "Api",
            principal=iam.ServicePrincipal("apigateway.amazonaws.com"),
            source_arn=self.api.arn_for_execute_api(),
        )
        integration = apigateway.AwsIntegration(
            proxy=True,
            service="lambda",
            path=f"2015-03-31/functions/{alias.function_arn}/invocations",
        )
        options = self._make_method_options()
        validator = self.api.add_request_validator(
            "Validator", validate_request_body=True, validate_request_parameters=True
        )
        predict = self.api.root.add_resource("predict")
        batch = predict.add_resource("batch")
        unseen = [predict] if described["kind"] == "image" else []
        models = bodies.make_models(described)
        for route in (predict, batch):
            model = self._add_model(route.node.id, models[route.node.id])
            # Without $default a body of another content type passes unseen, as a picture has to.
            types = ["application/json"] if route in unseen else ["application/json", "$default"]
            route.add_method(
                "POST",
                integration,
                request_models=dict.fromkeys(types, model),
                request_validator=validator,
                **options,
            )
        # What has no route, or another method, is for the service to answer.
        rest = self.api.root.add_resource("{proxy+}")
        resources: list[apigateway.IResource] = [self.api.root, predict, batch, rest]
        if self._stage.auth == "api_key":
            # The page to try the model, which asks for the key: a browser sends none by itself.
            open_to_all = options | {"api_key_required": False}
            self.api.root.add_method("GET", integration, **open_to_all)
        for resource in resources:
            resource.add_method("ANY", integration, request_validator=validator, **options)
            if self._stage.allow_origin:
                resource.add_cors_preflight(
                    allow_origins=[self._stage.allow_origin],
                    allow_headers=PREFLIGHT,
                )

    def _make_method_options(self) -> dict[str, Any]:
        if self._stage.auth == "iam":
            return {"authorization_type": apigateway.AuthorizationType.IAM}
        return {
            "authorization_type": apigateway.AuthorizationType.NONE,
            "api_key_required": self._stage.auth == "api_key",
        }

    def _add_model(self, name: str, schema: dict[str, Any]) -> apigateway.IModel:
        # The stage goes on with the old one, unless its deployment is a new one, too.
        cast("apigateway.Deployment", self.api.latest_deployment).add_to_logical_id(schema)
        resource = apigateway.CfnModel(
            self,
            f"{name.title()}Model",
            rest_api_id=self.api.rest_api_id,
            content_type="application/json",
            schema={"$schema": "http://json-schema.org/draft-04/schema#", **schema},
        )
        return apigateway.Model.from_model_name(self, f"{name.title()}ModelName", resource.ref)

    def _add_answers(self) -> None:
        headers = {"Content-Type": "'application/problem+json'"}
        self.api.add_gateway_response(
            "Refused",
            type=apigateway.ResponseType.BAD_REQUEST_BODY,
            status_code="422",
            response_headers=headers | self._list_cors_headers(),
            templates={"application/json": json.dumps(REFUSED)},
        )
        if cors := self._list_cors_headers():  # else a page could not read why it was refused
            kinds = apigateway.ResponseType.DEFAULT_4_XX, apigateway.ResponseType.DEFAULT_5_XX
            for number, kind in zip("45", kinds, strict=True):
                self.api.add_gateway_response(
                    f"Default{number}xx", type=kind, response_headers=cors
                )

    def _list_cors_headers(self) -> dict[str, str]:
        origin = self._stage.allow_origin
        return {"Access-Control-Allow-Origin": f"'{origin}'"} if origin else {}

    def _add_key(self, name: str) -> apigateway.IApiKey:
        key = self.api.add_api_key("Key", description=f"Calls {name}")
        plan = self.api.add_usage_plan(
            "Plan",
            name=name,
            throttle=apigateway.ThrottleSettings(
                rate_limit=self._stage.rate_per_second, burst_limit=self._stage.burst
            ),
        )
        plan.add_api_key(key)
        plan.add_api_stage(stage=self.api.deployment_stage)
        return key

    def _add_domain(self, domain: Domain) -> str:
        found = self.api.add_domain_name(
            "Domain",
            domain_name=domain.name,
            certificate=acm.Certificate.from_certificate_arn(
                self, "Certificate", domain.certificate_arn
            ),
            security_policy=apigateway.SecurityPolicy.TLS_1_2,
            base_path=domain.base_path,
        )
        if domain.zone_id and domain.zone_name:
            route53.ARecord(
                self,
                "Record",
                zone=route53.HostedZone.from_hosted_zone_attributes(
                    self, "Zone", hosted_zone_id=domain.zone_id, zone_name=domain.zone_name
                ),
                record_name=f"{domain.name}.",
                target=route53.RecordTarget.from_alias(targets.ApiGatewayDomain(found)),
            )
        return f"https://{domain.name}/{f'{domain.base_path}/' if domain.base_path else ''}"

"""What callers reach a function through, as the rest of a stack sees it: `Stage.api` chooses."""

from collections.abc import Callable
from typing import NamedTuple

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from serving.deployment.stack import Deployment, make_local_url
from serving.deployment.stacks.api import Api
from serving.deployment.stacks.function import Function
from serving.deployment.stacks.function_url import FunctionUrl
from serving.deployment.stacks.http_api import HttpApi
from serving.deployment.stages import Stage

type Metric = Callable[..., cloudwatch.IMetric]


class Front(NamedTuple):
    """It.

    Attributes:
        url, local_url: Where it is, on AWS and on a local one, with a slash at the end.
        key_id: The API key's id, "none" where it wants none.
        requests, refused, failed, latency: Its metrics: requests, answers with 4xx and 5xx, and
            milliseconds; each takes the options of a CDK metric.
    """

    url: str
    local_url: str
    key_id: str
    requests: Metric
    refused: Metric
    failed: Metric
    latency: Metric


def build_front(
    scope: Construct, *, deployment: Deployment, function: Function, stage: Stage
) -> Front:
    """Build what the stage asks for."""
    build = {"rest": _build_rest, "http": _build_http, "url": _build_url}[stage.api]
    return build(scope, deployment, function, stage)


def _build_rest(
    scope: Construct, deployment: Deployment, function: Function, stage: Stage
) -> Front:
    built = Api(scope, "Api", deployment=deployment, function=function, stage=stage)
    local_url = make_local_url(built.api.rest_api_id, deployment.stage)
    return _describe(built, local_url, built.key.key_id if built.key else "none")


def _build_http(
    scope: Construct, deployment: Deployment, function: Function, stage: Stage
) -> Front:
    built = HttpApi(scope, "Api", deployment=deployment, function=function, stage=stage)
    return _describe(built, make_local_url(built.api.api_id), "none")


def _describe(built: Api | HttpApi, local_url: str, key_id: str) -> Front:
    return Front(
        built.url,
        local_url,
        key_id,
        built.api.metric_count,
        built.api.metric_client_error,
        built.api.metric_server_error,
        built.api.metric_latency,
    )


def _build_url(scope: Construct, _: Deployment, function: Function, stage: Stage) -> Front:
    built = FunctionUrl(scope, "Url", function=function, stage=stage)
    return Front(
        built.url,
        built.url,
        "none",
        *(
            _name_metric(function.alias, name, statistic)
            for name, statistic in (
                ("UrlRequestCount", "Sum"),
                ("Url4xxCount", "Sum"),
                ("Url5xxCount", "Sum"),
                ("UrlRequestLatency", "Average"),
            )
        ),
    )


def _name_metric(alias: lambda_.Alias, name: str, statistic: str) -> Metric:
    """A metric of a function URL (Lambda Developer Guide, "Monitoring Lambda function URLs")."""

    def make(**options: object) -> cloudwatch.IMetric:
        return alias.metric(name, **({"statistic": statistic} | options))  # type: ignore[arg-type]

    return make

"""The templates of an HTTP API and of a function URL: what would hurt if it were otherwise."""

import json
import re

import pytest

from serving.deployment.stages import Stage
from serving.tests.cloud.test_service import NO_RATES, VARIANTS

pytestmark = pytest.mark.node
NAME = "quickthaw-hobbies-dev"
FRONTS = ("http", "http-all", "url", "url-all")


@pytest.fixture(scope="module")
def templates(write_service):
    return {name: write_service("dev", **VARIANTS[name])[NAME] for name in FRONTS}


def test_nothing_of_a_rest_api_is_left(synth, templates):
    for template in templates.values():
        kinds = {one["Type"] for one in template["Resources"].values()}
        assert not [kind for kind in kinds if kind.startswith("AWS::ApiGateway::")]


def test_callers_reach_the_alias_and_never_the_function_itself(synth, templates):
    for template in templates.values():
        ((alias, _),) = synth.find(template, "AWS::Lambda::Alias").items()
        for permission in synth.find(template, "AWS::Lambda::Permission").values():
            assert permission["FunctionName"] == {"Ref": alias}
    for name in ("http", "http-all"):
        ((alias, _),) = synth.find(templates[name], "AWS::Lambda::Alias").items()
        found = synth.only(templates[name], "AWS::ApiGatewayV2::Integration")
        assert alias in synth.as_text(found["IntegrationUri"])
        assert (found["PayloadFormatVersion"], found["TimeoutInMillis"]) == ("2.0", 29_000)
    for name in ("url", "url-all"):
        assert synth.only(templates[name], "AWS::Lambda::Url")["Qualifier"] == "live"


def test_http_api_throttles_and_logs_no_content(synth, templates):
    found = synth.only(templates["http"], "AWS::ApiGatewayV2::Stage")
    assert found["StageName"] == "$default"
    limits = {"ThrottlingRateLimit": 50, "ThrottlingBurstLimit": 100}
    assert limits.items() <= found["DefaultRouteSettings"].items()
    for value in json.loads(found["AccessLogSettings"]["Format"]).values():
        assert re.fullmatch(r"\$context\.[\w.]+", value)
        assert not re.search("body|querystring|header|path|userAgent|sourceIp", value)


def test_every_route_wants_what_its_stage_says(synth, templates):
    def look(name):
        return {
            one["RouteKey"]: one.get("AuthorizationType", "NONE")
            for one in synth.find(templates[name], "AWS::ApiGatewayV2::Route").values()
        }

    assert look("http") == {"$default": "NONE"}
    # A browser signs no preflight.
    assert look("http-all") == {"$default": "AWS_IAM", "OPTIONS /{proxy+}": "NONE"}
    for name, auth in {"url": "NONE", "url-all": "AWS_IAM"}.items():
        found = synth.only(templates[name], "AWS::Lambda::Url")
        assert found["AuthType"] == auth
        everybody = [
            one
            for one in synth.find(templates[name], "AWS::Lambda::Permission").values()
            if one["Principal"] == "*"
        ]
        assert len(everybody) == (2 if auth == "NONE" else 0)
        for one in everybody:  # by the URL alone, not by Lambda's own interface
            assert one.get("InvokedViaFunctionUrl") or one.get("FunctionUrlAuthType") == "NONE"


def test_other_origins_are_answered_once(synth, templates):
    from serving.deployment.stacks.function import list_variables  # needs Node.js

    cors = synth.only(templates["http-all"], "AWS::ApiGatewayV2::Api")["CorsConfiguration"]
    assert cors["AllowOrigins"] == ["https://app.example.org"]
    found = synth.only(templates["url-all"], "AWS::Lambda::Url")["Cors"]
    assert found["AllowOrigins"] == cors["AllowOrigins"]
    assert found["ExposeHeaders"] == cors["ExposeHeaders"] == ["X-Model-Version", "X-Request-Id"]
    for api in ("http", "url"):
        rates = NO_RATES if api == "url" else {}
        stage = Stage(api=api, auth="none", allow_origin="*", **rates)
        assert "QUICKTHAW_ALLOW_ORIGIN" not in list_variables(stage)


def test_outputs_lead_to_the_api(synth, templates):
    for template in templates.values():
        assert template["Outputs"]["KeyId"]["Value"] == "none"
    assert templates["http-all"]["Outputs"]["Url"]["Value"] == "https://api.example.org/"
    url = synth.as_text(templates["http"]["Outputs"]["Url"]["Value"])
    assert "execute-api" in url
    assert "/dev/" not in url
    ((name, _),) = synth.find(templates["url"], "AWS::Lambda::Url").items()
    assert name in synth.as_text(templates["url"]["Outputs"]["Url"]["Value"])


@pytest.mark.parametrize(("name", "metric"), [("http", "5xx"), ("url", "Url5xxCount")])
def test_alarm_counts_what_callers_get(synth, templates, name, metric):
    alarms = synth.find(templates[name], "AWS::CloudWatch::Alarm").values()
    (found,) = (one for one in alarms if one["AlarmName"] == f"{NAME}/answers-5xx")
    assert found["MetricName"] == metric
    assert (found["Statistic"], found["Period"]) == ("Sum", 60)
    dimensions = {one["Name"] for one in found["Dimensions"]}
    assert dimensions == ({"ApiId"} if name == "http" else {"FunctionName", "Resource"})
    board = synth.as_text(synth.only(templates[name], "AWS::CloudWatch::Dashboard"))
    assert metric in board


def test_aws_is_a_local_one_the_address_can_be_reached(write_service, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4667")
    template = write_service("dev", local=True, **VARIANTS["http"])[NAME]
    _, api, end = template["Outputs"]["Url"]["Value"]["Fn::Join"][1]
    assert end == ".execute-api.localhost:4667/"
    assert template["Resources"][api["Ref"]]["Type"] == "AWS::ApiGatewayV2::Api"

"""The service's template: what would hurt if it were otherwise."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from serving.app import settings
from serving.app.errors import RequestError
from serving.app.inputs.image import ImageInput
from serving.app.inputs.record import RecordInput
from serving.app.inputs.text import TextInput
from serving.app.settings import read_settings
from serving.app.telemetry import metrics
from serving.bundle.inputs import BINARY_MEDIA
from serving.deployment.image import builder
from serving.deployment.stack import locate
from serving.deployment.stacks import bodies as gateway_bodies
from serving.deployment.stages import STAGES, Domain, Stage, StageError
from serving.tests import images
from serving.tests.cloud.conftest import MANIFEST
from serving.tests.records import (
    EXAMPLE,
    FIELDS,
    INPUT,
    write_classification,
    write_regression,
)
from serving.tests.sample import fit, write_bundle

pytestmark = pytest.mark.node
# cdk-nag's findings that are left; service.py says why.
LEFT = {
    "AwsSolutions-APIG3",
    "AwsSolutions-APIG4",
    "AwsSolutions-APIG6",
    "AwsSolutions-COG4",
    "Serverless-LambdaDLQ",
}
DOMAIN = Domain(
    name="api.example.org",
    certificate_arn="arn:aws:acm:eu-central-1:123456789012:certificate/1",
    zone_id="Z1",
    zone_name="example.org",
)
NO_RATES = {"rate_per_second": None, "burst": None}
TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"
VARIANTS = {
    "iam": {"auth": "iam"},
    "open": {"auth": "none"},
    "cors": {"allow_origin": "https://app.example.org"},
    "domain": {"domain": DOMAIN},
    "base-path": {"domain": replace(DOMAIN, base_path="nlp")},
    "snap-start": {"snap_start": True},
    "provisioned": {"provisioned_concurrency": 2},
    "reserved": {"reserved_concurrency": 10},
    "topic": {"alarm_topic_arn": "arn:aws:sns:eu-central-1:123456789012:alarms"},
    "canary": {"canary": True},
    "arm": {"architecture": "arm64"},
    "http": {"api": "http", "auth": "none"},
    "http-all": {
        "api": "http",
        "auth": "iam",
        "allow_origin": "https://app.example.org",
        "domain": DOMAIN,
        "canary": True,
    },
    "bulk": {"bulk": True, "canary": True, "allow_origin": "*", "alarm_topic_arn": TOPIC},
    "url": {"api": "url", "auth": "none", **NO_RATES},
    "url-all": {
        "api": "url",
        "auth": "iam",
        "allow_origin": "https://app.example.org",
        "reserved_concurrency": 10,
        "canary": True,
        **NO_RATES,
    },
    "http-bulk": {"api": "http", "auth": "iam", "bulk": True},
    "url-bulk": {"api": "url", "auth": "none", "bulk": True, **NO_RATES},
}


@pytest.fixture(scope="module")
def variants(write_service):
    return {name: write_service("dev", **settings) for name, settings in VARIANTS.items()}


def test_cdk_nag_finds_what_is_acknowledged_and_nothing_else(prod, variants):
    from serving.deployment.stacks.service import LEFT as ACKNOWLEDGED

    assert set(ACKNOWLEDGED) == LEFT
    assert not prod.findings
    for name, found in variants.items():
        assert not found.findings, name


def test_nothing_is_acknowledged_the_findings_are_those_and_no_more(write_service, monkeypatch):
    from serving.deployment.stacks import service

    monkeypatch.setattr(service, "LEFT", {})
    assert {one.split()[0] for one in write_service("prod").findings} == LEFT


def test_every_template_is_clean_for_cfn_lint(prod, variants, synth):
    assert not synth.lint(prod, *variants.values())


def test_template_needs_no_bucket_to_be_deployed(prod, variants, synth):
    for templates in (prod, *variants.values()):
        for template in templates.values():
            assert synth.measure(template) < 51_200  # CloudFormation's limit of a body


def test_no_right_is_wider_than_one_thing(synth, template):
    statements = synth.list_statements(template)
    assert statements
    for actions, resources, _ in statements:
        assert not [action for action in actions if "*" in action]
        # A log group's ARN ends in an asterisk of its own: what GetAtt gives.
        assert not [one for one in resources if "*" in synth.as_text(one)]
    for role in synth.find(template, "AWS::IAM::Role").values():
        assert "quickthaw-boundary-prod" in synth.as_text(role["PermissionsBoundary"])
        for policy in role.get("ManagedPolicyArns", ()):
            assert "quickthaw-traces" in synth.as_text(policy)


def test_function_is_as_its_stage_says(synth, template):
    found = synth.only(template, "AWS::Lambda::Function")
    stage = STAGES["prod"]
    assert found["FunctionName"] == "quickthaw-hobbies-prod"
    assert found["MemorySize"] == stage.memory_mb
    assert found["Architectures"] == ["x86_64"]
    assert found["Timeout"] == stage.timeout_seconds < 29
    assert found["TracingConfig"] == {"Mode": "Active"}
    assert found["PackageType"] == "Image"
    assert "quickthaw:0123456789ab" in synth.as_text(found["Code"]["ImageUri"])


def test_stage_is_of_arm_so_is_its_function_and_nothing_else_differs(synth, variants):
    arm, plain = (variants[name]["quickthaw-hobbies-dev"] for name in ("arm", "topic"))
    found = synth.only(arm, "AWS::Lambda::Function")
    assert found.pop("Architectures") == ["arm64"]
    other = synth.only(plain, "AWS::Lambda::Function")
    assert other.pop("Architectures") == ["x86_64"]
    assert synth.as_text(found) == synth.as_text(other)


def test_image_of_a_stack_is_for_the_processors_of_its_function(synth, monkeypatch):
    from serving.deployment.stacks import app

    monkeypatch.setattr(builder, "read_manifest", lambda *_: MANIFEST | {"engine": "frozen"})
    monkeypatch.setattr(builder, "find_tag", lambda *given: f"for-{given[-1].architecture}")
    arm = Stage(models={"hobbies": {"architecture": "arm64"}})
    monkeypatch.setitem(app.STAGES, "dev", arm)
    for model, architecture in (("hobbies", "arm64"), ("others", "x86_64")):
        templates = synth.Templates(app.build_app({"model": model, "stage": "dev"}))
        function = synth.only(templates[f"quickthaw-{model}-dev"], "AWS::Lambda::Function")
        assert function["Architectures"] == [architecture]
        assert f"quickthaw:for-{architecture}" in synth.as_text(function["Code"]["ImageUri"])


def test_environment_is_what_the_handler_reads(synth, template, variants):
    cors = variants["cors"]["quickthaw-hobbies-dev"]
    for one in (template, cors):
        found = synth.only(one, "AWS::Lambda::Function")["Environment"]["Variables"]
        source = (builder.ROOT / "serving/app/settings.py").read_text()
        assert set(found) <= set(re.findall(r'environ\.get\(\s*"(\w+)"', source))
        read = settings.read_settings(
            found | {"AWS_LAMBDA_FUNCTION_NAME": "quickthaw-hobbies-prod"}
        )
        assert read.metrics_namespace == "quickthaw"
        assert read.emf_environment == "Lambda"
    assert read.cors_headers["Access-Control-Allow-Origin"] == ["https://app.example.org"]


def test_image_changes_a_new_version_is_published_and_the_old_one_kept(write_service, synth):
    versions = {}
    for tag in ("a" * 12, "b" * 12):
        template = write_service("dev", tag=tag)["quickthaw-hobbies-dev"]
        ((name, _),) = synth.find(template, "AWS::Lambda::Version").items()
        assert template["Resources"][name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert synth.as_text(synth.only(template, "AWS::Lambda::Alias")).count(name) == 1
        versions[name] = json.dumps(template)
    assert len(versions) == 2
    again = write_service("dev", tag="b" * 12)["quickthaw-hobbies-dev"]
    assert json.dumps(again) in versions.values()


def test_callers_reach_the_alias_and_never_the_function_itself(synth, template):
    ((alias, _),) = synth.find(template, "AWS::Lambda::Alias").items()
    for method in synth.find(template, "AWS::ApiGateway::Method").values():
        assert {"Ref": alias} in method["Integration"]["Uri"]["Fn::Join"][1]
    assert synth.only(template, "AWS::Lambda::Permission")["FunctionName"] == {"Ref": alias}


def test_every_method_wants_what_its_stage_says(synth, template, variants):
    def list_methods(template):
        found = synth.find(template, "AWS::ApiGateway::Method").values()
        return [one for one in found if one["HttpMethod"] != "OPTIONS"]

    def look(template):
        found = list_methods(template)
        return {(one["AuthorizationType"], one.get("ApiKeyRequired", False)) for one in found}

    assert look(template) == {("NONE", True), ("NONE", False)}
    (page,) = (one for one in list_methods(template) if not one.get("ApiKeyRequired"))
    assert page["HttpMethod"] == "GET"
    assert page["ResourceId"]["Fn::GetAtt"][1] == "RootResourceId"
    assert look(variants["iam"]["quickthaw-hobbies-dev"]) == {("AWS_IAM", False)}
    assert look(variants["open"]["quickthaw-hobbies-dev"]) == {("NONE", False)}
    assert not synth.find(variants["open"]["quickthaw-hobbies-dev"], "AWS::ApiGateway::ApiKey")


def test_every_method_of_every_path_but_a_checked_body_reaches_the_service(synth, template):
    """HEAD among them, which uptime monitors send."""
    methods = {}
    for one in synth.find(template, "AWS::ApiGateway::Method").values():
        methods.setdefault(json.dumps(one["ResourceId"]), set()).add(one["HttpMethod"])
    resources = synth.find(template, "AWS::ApiGateway::Resource")
    assert len(methods) == len(resources) + 1  # the root
    assert all("ANY" in found for found in methods.values())


def test_runbook_has_each_alarm_and_no_other(synth, variants, write_service):
    on_fargate = write_service("dev", host="fargate", auth="none", **NO_RATES)
    names = {
        one["AlarmName"].rpartition("/")[2]
        for template in (*variants["bulk"].values(), *on_fargate.values())  # all that there are
        for one in synth.find(template, "AWS::CloudWatch::Alarm").values()
    }
    guide = (Path(__file__).parents[3] / "docs/guides/runbook.md").read_text(encoding="utf-8")
    heads = re.findall(r"^## ([a-z0-9-]+)$", guide, re.MULTILINE)
    assert sorted(heads) == sorted(names)


def test_stage_throttles_traces_and_logs_no_content(synth, template):
    found = synth.only(template, "AWS::ApiGateway::Stage")
    stage = STAGES["prod"]
    assert found["StageName"] == "prod"
    assert found["TracingEnabled"] is True
    methods, page = found["MethodSettings"]
    assert (page["HttpMethod"], page["ResourcePath"]) == ("GET", "/")
    assert page["ThrottlingRateLimit"] < page["ThrottlingBurstLimit"] < stage.rate_per_second
    assert (page["DataTraceEnabled"], page["LoggingLevel"]) == (False, "OFF")
    assert methods["ThrottlingRateLimit"] == stage.rate_per_second
    assert methods["ThrottlingBurstLimit"] == stage.burst
    assert methods["DataTraceEnabled"] is False
    assert methods["LoggingLevel"] == "OFF"
    assert not methods.get("MetricsEnabled")  # of each method: they are charged
    plan = synth.only(template, "AWS::ApiGateway::UsagePlan")
    limits = {"RateLimit": stage.rate_per_second, "BurstLimit": stage.burst}
    assert plan["Throttle"] == limits
    logged = json.loads(found["AccessLogSetting"]["Format"])
    for value in logged.values():
        assert re.fullmatch(r"\$context\.[\w.]+", value)
        assert not re.search("body|querystring|header|path(?!$)|userAgent|sourceIp", value)


def test_bodies_are_validated_under_every_content_type(synth, template):
    posts = [
        one
        for one in synth.find(template, "AWS::ApiGateway::Method").values()
        if one["HttpMethod"] == "POST"
    ]
    assert len(posts) == 2
    for post in posts:
        assert set(post["RequestModels"]) == {"application/json", "$default"}
        assert len({json.dumps(one) for one in post["RequestModels"].values()}) == 1
        assert post["RequestValidatorId"]
    validator = synth.only(template, "AWS::ApiGateway::RequestValidator")
    assert validator["ValidateRequestBody"] is True
    models = synth.find(template, "AWS::ApiGateway::Model").values()
    for model in models:
        Draft4Validator.check_schema(model["Schema"])


TEXT = {"kind": "text", "example": "x"}
TEXTS = gateway_bodies.make_models(TEXT)
texts = st.text(max_size=4) | st.sampled_from(["x" * 50_000, "x" * 50_001, "𝄞" * 50_000])
bodies = st.one_of(
    st.fixed_dictionaries({"text": texts}, optional={"more": st.none()}),
    st.fixed_dictionaries({"texts": st.lists(texts, max_size=3)}, optional={"text": texts}),
    st.recursive(
        st.none() | st.integers() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=4,
    ),
)


@given(bodies)
def test_gateway_refuses_nothing_that_the_service_would_take(body):
    reads = TextInput()
    for route, read in (("predict", reads.read), ("batch", reads.read_batch)):
        if not Draft4Validator(TEXTS[route]).is_valid(body):
            with pytest.raises(RequestError):
                read(body)


NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
RECORDS = st.fixed_dictionaries(
    {
        "area": st.none() | NUMBERS | st.just("84"),
        "rooms": st.integers(-5, 5) | NUMBERS | st.none() | st.booleans(),
        "garden": st.none() | st.booleans() | st.integers(0, 1),
        "kind": st.none() | texts,
        "district": st.integers(1, 5) | st.sampled_from([1.0, 1.5, 2**53 - 1, 2**53]),
        "words": texts,
    },
    optional={"more": st.none()},
)


@given(RECORDS, st.sampled_from(["predict", "bare", "batch"]))
def test_gateway_refuses_no_record_that_the_service_would_take(record, form):
    reads = RecordInput(FIELDS)
    body = {"predict": record, "bare": [record], "batch": {"records": [record]}}[form]
    route, read = ("predict", reads.read) if form == "predict" else ("batch", reads.read_batch)
    if not Draft4Validator(gateway_bodies.make_models(INPUT)[route]).is_valid(body):
        with pytest.raises(RequestError):
            read(body)


@given(
    st.sampled_from([images.INPUT["example"], "", "data:image/png;base64,", 7, None])
    | st.text(max_size=9),
    st.sampled_from(["predict", "batch"]),
)
def test_gateway_refuses_no_picture_that_the_service_would_take(picture, route):
    reads = ImageInput(images.INPUT)
    body = {"image": picture} if route == "predict" else {"images": [picture]}
    read = reads.read if route == "predict" else reads.read_batch
    if not Draft4Validator(gateway_bodies.make_models(images.INPUT)[route]).is_valid(body):
        with pytest.raises(RequestError):
            read(body)


def test_picture_as_a_body_is_none_of_the_gateways_models(write_service, synth):
    template = write_service("dev", manifest={"input": images.INPUT})["quickthaw-hobbies-dev"]
    posts = [
        set(one["RequestModels"])
        for one in synth.find(template, "AWS::ApiGateway::Method").values()
        if one["HttpMethod"] == "POST"
    ]
    assert sorted(posts, key=len) == [{"application/json"}, {"application/json", "$default"}]
    api = synth.only(template, "AWS::ApiGateway::RestApi")
    assert set(api["BinaryMediaTypes"]) == set(BINARY_MEDIA)


def test_names_of_fields_are_not_taken_for_keywords():
    fields = [
        {"name": name, "type": "text", "nullable": False, "example": ""}
        for name in ("title", "examples", "maxLength", "items")
    ]
    found = gateway_bodies.make_models({"kind": "record", "fields": fields})["predict"]
    assert list(found["properties"]) == found["required"]
    assert len(found["required"]) == 4


def test_models_of_the_gateway_hold_no_annotation():
    for described in (INPUT, images.INPUT, {"kind": "text", "example": "x"}):
        for model in gateway_bodies.make_models(described).values():
            Draft4Validator.check_schema(model)
            assert '"examples"' not in json.dumps(model)
            assert "contentEncoding" not in json.dumps(model)


@pytest.mark.parametrize(
    "body",
    [{}, [], None, {"text": 1}, {"text": ""}, {"text": "x", "more": 1}, {"text": "x" * 100_001}],
)
def test_gateway_refuses_what_cannot_be_right(body):
    assert not Draft4Validator(TEXTS["predict"]).is_valid(body)
    assert not Draft4Validator(TEXTS["batch"]).is_valid(body)


def test_bodies_schema_changes_the_stage_gets_a_new_deployment(write_service, synth, monkeypatch):
    def find_deployment():
        (name,) = synth.find(
            write_service("dev")["quickthaw-hobbies-dev"], "AWS::ApiGateway::Deployment"
        )
        return name

    before = find_deployment()
    assert find_deployment() == before
    other = {"predict": {"type": "object"}, "batch": {"type": "object"}}
    monkeypatch.setattr(gateway_bodies, "make_models", lambda _: other)
    assert find_deployment() != before


def test_refusal_of_a_body_is_a_problem(synth, template):
    found = synth.only(template, "AWS::ApiGateway::GatewayResponse")
    assert (found["ResponseType"], found["StatusCode"]) == ("BAD_REQUEST_BODY", "422")
    assert found["ResponseParameters"]["gatewayresponse.header.Content-Type"] == (
        "'application/problem+json'"
    )
    problem = json.loads(found["ResponseTemplates"]["application/json"])
    assert set(problem) == {"type", "title", "status", "detail", "request_id"}
    assert problem["status"] == 422


def test_key_and_stage_are_in_the_usage_plan(synth, template):
    ((plan, properties),) = synth.find(template, "AWS::ApiGateway::UsagePlan").items()
    ((key, _),) = synth.find(template, "AWS::ApiGateway::ApiKey").items()
    ((stage, _),) = synth.find(template, "AWS::ApiGateway::Stage").items()
    (entry,) = properties["ApiStages"]
    assert entry["Stage"] == {"Ref": stage}
    link = synth.only(template, "AWS::ApiGateway::UsagePlanKey")
    assert (link["UsagePlanId"], link["KeyId"]) == ({"Ref": plan}, {"Ref": key})
    assert template["Outputs"]["KeyId"]["Value"] == {"Ref": key}


def test_api_is_regional_and_lets_itself_alone_invoke(synth, template):
    ((api, found),) = synth.find(template, "AWS::ApiGateway::RestApi").items()
    assert found["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert "*/*" not in found["BinaryMediaTypes"]
    permission = synth.only(template, "AWS::Lambda::Permission")
    assert permission["Principal"] == "apigateway.amazonaws.com"
    assert api in synth.as_text(permission["SourceArn"])


def test_nobody_elses_role_is_needed_to_deploy(prod, synth, monkeypatch):
    from infrastructure.app import build_app as build_account
    from serving.deployment.stacks.app import build_app

    monkeypatch.setenv("CDK_DEFAULT_ACCOUNT", synth.ACCOUNT)
    monkeypatch.setenv("CDK_DEFAULT_REGION", synth.REGION)
    manifest = MANIFEST | {"engine": "frozen"}
    monkeypatch.setattr(builder, "read_manifest", lambda *_: manifest)
    monkeypatch.setattr(builder, "find_tag", lambda _root, _model, base, _: f"of-{base}")
    service = synth.Templates(build_app({"model": "hobbies", "stage": "prod", "base": "mine"}))
    for templates in (service, synth.Templates(build_account({"github": "owner/name"}))):
        manifest = (templates.folder / "manifest.json").read_text()
        assert "role/" not in manifest  # of CDK's own bootstrap stack
    function = synth.only(service["quickthaw-hobbies-prod"], "AWS::Lambda::Function")
    assert "quickthaw:of-mine" in synth.as_text(function["Code"]["ImageUri"])
    assert synth.find(service["quickthaw-hobbies-prod"], "AWS::CodeDeploy::DeploymentGroup")


@pytest.mark.parametrize("stage", ["", "nope", "../prod"])
def test_stage_is_not_named_nothing_is_written(stage):
    from serving.deployment.stack import StackError
    from serving.deployment.stacks.app import build_app

    with pytest.raises(StackError, match="STAGE is one of"):
        build_app({"stage": stage})


def test_logs_end_after_the_days_of_the_stage(synth, template):
    groups = synth.find(template, "AWS::Logs::LogGroup").values()
    assert {one["LogGroupName"]: one["RetentionInDays"] for one in groups} == {
        "/aws/lambda/quickthaw-hobbies-prod": STAGES["prod"].retention_days,
        "/aws/apigateway/quickthaw-hobbies-prod": STAGES["prod"].retention_days,
    }


# Alarm: metric, statistic, seconds, times, least value that sets it off.
ALARMS = {
    "answers-5xx": ("5XXError", "Sum", 60, 1, 1),
    "errors": ("Errors", "Sum", 60, 1, 1),
    "init-failures": ("init.failures.quickthaw-hobbies-prod", "Sum", 60, 1, 1),
    "slow": ("Duration", "p99", 300, 3, STAGES["prod"].p99_ms),
    "throttles": ("Throttles", "Sum", 60, 1, 1),
}


def find_alarms(synth, template):
    return {
        one["AlarmName"].removeprefix("quickthaw-hobbies-prod/"): one
        for one in synth.find(template, "AWS::CloudWatch::Alarm").values()
    }


def test_alarms_look_at_the_alias_as_long_as_they_should(synth, template):
    alarms = find_alarms(synth, template)
    for alarm in alarms.values():
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    canary = alarms.pop("canary")
    found = {
        name: (
            one["MetricName"],
            one.get("Statistic") or one["ExtendedStatistic"],
            one["Period"],
            one["EvaluationPeriods"],
            one["Threshold"],
        )
        for name, one in alarms.items()
    }
    assert found == ALARMS
    for name in ("errors", "slow", "throttles"):
        found = {one["Name"]: synth.as_text(one["Value"]) for one in alarms[name]["Dimensions"]}
        assert "live" in found["Resource"]
    assert (canary["EvaluationPeriods"], canary["Threshold"]) == (1, 1)


def test_canary_counts_the_new_versions_failures_alone(synth, template):
    canary = find_alarms(synth, template)["canary"]
    ((version, _),) = synth.find(template, "AWS::Lambda::Version").items()
    metrics = {one["Id"]: one for one in canary["Metrics"]}
    (expression,) = [one["Expression"] for one in metrics.values() if "Expression" in one]
    assert expression == "FILL(answers, 0) + FILL(invocations, 0)"
    for name, dimension in (("answers", "functionVersion"), ("invocations", "ExecutedVersion")):
        stat = metrics[name]["MetricStat"]
        found = {one["Name"]: one["Value"] for one in stat["Metric"]["Dimensions"]}
        assert version in synth.as_text(found[dimension])
        assert (stat["Period"], stat["Stat"]) == (60, "Sum")


def test_prod_shifts_a_tenth_first_and_goes_back_at_alarms(synth, template, write_service):
    group = synth.only(template, "AWS::CodeDeploy::DeploymentGroup")
    assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    assert group["AutoRollbackConfiguration"]["Enabled"] is True
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    ((canary, _),) = [
        (name, one)
        for name, one in synth.find(template, "AWS::CloudWatch::Alarm").items()
        if one["AlarmName"] == "quickthaw-hobbies-prod/canary"
    ]
    assert group["AlarmConfiguration"]["Alarms"] == [{"Name": {"Ref": canary}}]
    assert (
        group["DeploymentGroupName"] == "quickthaw-hobbies-prod"
    )  # as `make rollback` looks for it
    assert synth.only(template, "AWS::CodeDeploy::Application")["ApplicationName"] == (
        "quickthaw-hobbies-prod"
    )
    ((alias, _),) = synth.find(template, "AWS::Lambda::Alias").items()
    assert "CodeDeployLambdaAliasUpdate" in template["Resources"][alias]["UpdatePolicy"]
    local = write_service("prod", local=True)["quickthaw-hobbies-prod"]
    assert not synth.find(local, "AWS::CodeDeploy::DeploymentGroup")


def test_filters_find_what_the_service_logs(synth, template, start_service, tmp_path, logged):
    filters = {
        one["FilterPattern"]: one["MetricTransformations"][0]
        for one in synth.find(template, "AWS::Logs::MetricFilter").values()
    }
    start_service(tmp_path)  # no model there
    message = logged()[0]["message"]
    assert set(filters) == {
        f'{{ $.message = "{message}" }}',
        '"INIT_REPORT" "Status:"',
        "{ $.status >= 500 }",
    }
    by_version = filters["{ $.status >= 500 }"]
    assert by_version["Dimensions"] == [{"Key": "functionVersion", "Value": "$.functionVersion"}]
    alarms = synth.find(template, "AWS::CloudWatch::Alarm").values()
    named = {
        (metric["Namespace"], metric["MetricName"])
        for one in alarms
        for metric in (
            one,
            *(
                part["MetricStat"]["Metric"]
                for part in one.get("Metrics", ())
                if "MetricStat" in part
            ),
        )
        if "MetricName" in metric
    }
    for one in filters.values():
        assert (one["MetricNamespace"], one["MetricName"]) in named


MODELS = {
    "text": (lambda folder: write_bundle(folder, fit()), {}, {"text": "the boat"}),
    "record": (write_classification, {"input": INPUT}, EXAMPLE),
    "regression": (write_regression, {"input": INPUT, "task": "regression"}, EXAMPLE),
}


@pytest.mark.parametrize("kind", MODELS)
def test_dashboard_shows_the_metrics_that_such_a_model_has_and_no_others(
    kind, write_service, synth, start_service, tmp_path
):
    write, manifest, body = MODELS[kind]
    write(tmp_path)
    (document,) = start_service(tmp_path).request(body=body).emf
    template = write_service("prod", manifest=manifest)["quickthaw-hobbies-prod"]
    shown = read_dashboard(synth, template)
    named = set(re.findall(r'"quickthaw","([\w.]+)"', shown.replace(" ", "")))
    assert named == metrics.UNITS.keys() & document.keys()
    assert ("by label" in shown) == ("label" in document)
    assert ("Confidence" in shown) == ("prediction.confidence" in document)


def test_dashboard_asks_the_logs_for_properties_that_there_are(synth, template):
    for name in ("label", "modelVersion", "engine", "status", "requestId"):
        assert name in metrics.PROPERTIES
        assert name in read_dashboard(synth, template)


def read_dashboard(synth, template):
    body = synth.as_text(synth.only(template, "AWS::CloudWatch::Dashboard")["DashboardBody"])
    return body.encode().decode("unicode_escape")


def test_dashboard_looks_under_the_dimensions_of_the_documents(synth, template):
    read = settings.read_settings({"AWS_LAMBDA_FUNCTION_NAME": "quickthaw-hobbies-prod"})
    body = synth.as_text(synth.only(template, "AWS::CloudWatch::Dashboard")["DashboardBody"])
    body = body.replace("\\", "")
    for name, value in read.emf_dimensions.items():
        assert f'"{name}","{value}"' in body


def test_outputs_are_those_that_the_programs_read(template):
    from serving.deployment.stack import Outputs

    assert set(template["Outputs"]) == set(Outputs._fields)


def test_settings_of_a_stage_reach_the_template(synth, variants):
    def look(name, kind):
        return synth.only(variants[name]["quickthaw-hobbies-dev"], kind)

    assert look("snap-start", "AWS::Lambda::Function")["SnapStart"] == {
        "ApplyOn": "PublishedVersions"
    }
    assert look("reserved", "AWS::Lambda::Function")["ReservedConcurrentExecutions"] == 10
    provisioned = look("provisioned", "AWS::Lambda::Alias")["ProvisionedConcurrencyConfig"]
    assert provisioned == {"ProvisionedConcurrentExecutions": 2}
    domain = look("domain", "AWS::ApiGateway::DomainName")
    assert domain["DomainName"] == "api.example.org"
    assert domain["SecurityPolicy"] == "TLS_1_2"
    assert look("domain", "AWS::Route53::RecordSet")["Name"] == "api.example.org."
    url = variants["domain"]["quickthaw-hobbies-dev"]["Outputs"]["Url"]["Value"]
    assert url == "https://api.example.org/"
    assert "QUICKTHAW_BASE_PATH" not in json.dumps(variants["domain"])
    assert "BasePath" not in look("domain", "AWS::ApiGateway::BasePathMapping")
    assert look("base-path", "AWS::ApiGateway::BasePathMapping")["BasePath"] == "nlp"
    variables = look("base-path", "AWS::Lambda::Function")["Environment"]["Variables"]
    assert variables["QUICKTHAW_BASE_PATH"] == "nlp"
    url = variants["base-path"]["quickthaw-hobbies-dev"]["Outputs"]["Url"]["Value"]
    assert url == "https://api.example.org/nlp/"
    for alarm in synth.find(
        variants["topic"]["quickthaw-hobbies-dev"], "AWS::CloudWatch::Alarm"
    ).values():
        assert alarm["AlarmActions"] == ["arn:aws:sns:eu-central-1:123456789012:alarms"]
        assert alarm["OKActions"] == alarm["AlarmActions"]


def test_another_origin_may_call_preflights_need_no_key_and_refusals_say_so(synth, variants):
    template = variants["cors"]["quickthaw-hobbies-dev"]
    preflights = [
        one
        for one in synth.find(template, "AWS::ApiGateway::Method").values()
        if one["HttpMethod"] == "OPTIONS"
    ]
    assert len(preflights) == 4
    assert not any(one.get("ApiKeyRequired") for one in preflights)
    for one in preflights:
        (answer,) = one["Integration"]["IntegrationResponses"]
        allowed = answer["ResponseParameters"][
            "method.response.header.Access-Control-Allow-Methods"
        ]
        assert {"GET", "HEAD", "POST"} <= set(allowed.strip("'").split(","))
    answers = synth.find(template, "AWS::ApiGateway::GatewayResponse").values()
    assert {one["ResponseType"] for one in answers} >= {"DEFAULT_4XX", "DEFAULT_5XX"}
    for one in answers:
        parameters = one["ResponseParameters"]
        found = parameters["gatewayresponse.header.Access-Control-Allow-Origin"]
        assert found == "'https://app.example.org'"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"timeout_seconds": 29}, "timeout_seconds"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"memory_mb": 64}, "memory_mb"),
        ({"architecture": "aarch64"}, "architecture"),
        ({"auth": "open"}, "auth"),
        ({"api": "websocket", "auth": "none"}, "api must be"),
        ({"api": "http"}, "it has no API keys"),
        ({"api": "url", **NO_RATES}, "it has no API keys"),
        ({"api": "url", "auth": "none"}, "must be None where api is url"),
        ({"api": "url", "auth": "none", "rate_per_second": None}, "must be None where api is url"),
        ({"api": "http", "auth": "none", "burst": None}, "must be set where api is http"),
        ({"rate_per_second": None}, "must be set where api is rest"),
        ({"api": "url", "auth": "none", "domain": DOMAIN, **NO_RATES}, "domain must be None"),
        (
            {"api": "http", "auth": "none", "domain": replace(DOMAIN, base_path="nlp")},
            "base_path needs api rest",
        ),
        ({"burst": 0}, "burst"),
        ({"bulk_concurrency": 1}, "bulk_concurrency"),
        ({"bulk_concurrency": 1001}, "bulk_concurrency"),
        ({"retention_days": 8}, "retention_days"),
        ({"p99_ms": 0}, "p99_ms"),
        ({"p99_ms": 28_001}, "p99_ms"),
        ({"allow_origin": "https://a.org/"}, "allow_origin"),
        ({"allow_origin": "'https://a.org'"}, "allow_origin"),
        ({"alarm_topic_arn": "hello"}, "alarm_topic_arn"),
        ({"reserved_concurrency": 0}, "concurrency"),
        ({"reserved_concurrency": 1, "snap_start": True}, "only one"),
        ({"provisioned_concurrency": 1, "snap_start": True}, "only one"),
        ({"provisioned_concurrency": 1, "reserved_concurrency": 1}, "only one"),
    ],
)
def test_settings_cannot_be_it_is_said_which(wrong, named):
    with pytest.raises(StageError, match=named):
        Stage(**wrong)


@pytest.mark.parametrize("path", ["", "/nlp", "nlp/", "a/b", "..", ".", "a b", "ä", "a" * 129])
def test_base_path_is_none_that_aws_and_the_handler_take_it_is_refused(path):
    with pytest.raises(StageError, match="base_path must be one part of a path"):
        replace(DOMAIN, base_path=path)


@pytest.mark.parametrize("path", ["nlp", "v1.2", "a_b-C"])
def test_base_path_of_a_stage_is_one_that_the_handler_takes(path):
    from serving.deployment.stacks.function import list_variables  # needs Node.js

    domain = replace(DOMAIN, base_path=path)
    function = {"AWS_LAMBDA_FUNCTION_NAME": "quickthaw-hobbies-prod"}  # which Lambda itself sets
    settings = read_settings(list_variables(Stage(domain=domain)) | function)
    assert settings.base_path == f"/{path}"


@pytest.mark.parametrize(
    ("region", "console"),
    [
        ("eu-central-1", "eu-central-1.console.aws.amazon.com"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
    ],
)
def test_region_is_of_another_partition_nothing_is_of_the_usual_one(write_service, region, console):
    import aws_cdk as cdk

    env = cdk.Environment(account="123456789012", region=region)
    template = write_service("prod", env=env)["quickthaw-hobbies-prod"]
    link = template["Outputs"]["Dashboard"]["Value"]
    assert link.startswith(f"https://{console}/cloudwatch/home?region={region}#")
    resources = json.dumps(template["Resources"])
    usual = re.findall(r"arn:aws:|amazonaws\.com", resources)
    principals = re.findall(r'"[a-z]+\.amazonaws\.com"', resources)
    assert len(usual) == len(principals)  # which are the same in all of them


def test_aws_is_a_local_one_the_address_can_be_reached(write_service, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4667")
    settings = VARIANTS["base-path"]
    template = write_service("dev", local=True, **settings)["quickthaw-hobbies-dev"]
    start, api, end = template["Outputs"]["Url"]["Value"]["Fn::Join"][1]
    assert (start, end) == ("http://", ".execute-api.localhost:4667/dev/")
    assert template["Resources"][api["Ref"]]["Type"] == "AWS::ApiGateway::RestApi"
    assert "amazonaws.com/dev" not in json.dumps(template["Outputs"])
    found = locate("http://0a1b.execute-api.localhost:4667/dev/")
    assert found == ("http://127.0.0.1:4667/dev/", {"Host": "0a1b.execute-api.localhost:4667"})


@pytest.mark.parametrize("zone", [{"zone_id": "Z1"}, {"zone_name": "example.org"}])
def test_zone_is_named_by_half_it_is_refused(zone):
    with pytest.raises(StageError, match="zone_id and zone_name"):
        Domain(name="api.example.org", certificate_arn="arn", **zone)

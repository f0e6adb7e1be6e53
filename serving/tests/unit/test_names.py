"""What a model may be called."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.bundle.names import MAX_MODEL_CHARS, check_name
from serving.deployment.stack import LOCAL, Deployment, StackError, quote_make
from serving.deployment.stages import STAGES, Domain, Stage, StageError, check_stages

# CloudFormation's CreateStack, Lambda's CreateFunction, ECR's PutImage (their API references).
STACK = r"[a-zA-Z][-a-zA-Z0-9]{0,127}"
FUNCTION = r"[a-zA-Z0-9-_]{1,64}"
TAG = r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}"


@given(st.from_regex(r"[a-z][a-z0-9]{0,31}", fullmatch=True))
def test_name_is_taken_by_aws_wherever_it_stands(name):
    check_name(name)
    deployment = Deployment(name, "s" * 16)
    assert re.fullmatch(STACK, deployment.name)
    assert re.fullmatch(FUNCTION, deployment.name)
    assert re.fullmatch(TAG, f"{name}-{'0' * 12}")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Houses",
        "1st",
        "-a",
        "a-b",
        "a_b",
        "a.b",
        "ä",
        "a b",
        "a/b",
        "x" * (MAX_MODEL_CHARS + 1),
    ],
)
def test_name_is_none_it_is_said_what_one_is_made_of(name):
    with pytest.raises(StackError, match=r"lower-case letters.*rename its folder"):
        Deployment(name, "dev")


@pytest.mark.parametrize(("local", "more"), [("", ""), ("1", " LOCAL=1")])
def test_command_of_a_message_is_for_the_aws_that_the_process_was_started_for(
    local, more, monkeypatch
):
    monkeypatch.setenv(LOCAL, local)
    said = Deployment("houses", "dev").make("logs", "BULK=1")
    assert said == f"'make logs MODEL=houses STAGE=dev BULK=1{more}'"
    assert quote_make("bootstrap") == f"'make bootstrap{more}'"


@pytest.mark.parametrize("stage", ["eu-prod", "Prod", "", "1", "x" * 17])
def test_stage_has_a_name_that_could_be_taken_for_anothers_it_is_refused(stage):
    with pytest.raises(StageError, match="no name of a stage"):
        check_stages(STAGES | {stage: Stage()})


def test_model_has_settings_of_its_own_they_are_its_alone():
    domain = Domain(name="api.example.org", certificate_arn="arn")
    stage = Stage(memory_mb=512, models={"houses": {"memory_mb": 2048, "domain": domain}})
    assert (stage.of("houses").memory_mb, stage.of("houses").domain) == (2048, domain)
    assert (stage.of("topics").memory_mb, stage.of("topics").domain) == (512, None)
    assert {one.memory_mb for one in stage.list_variants()} == {512, 2048}


@pytest.mark.parametrize("wrong", [{"memory_mb": 1}, {"memory": 512}])
def test_models_settings_cannot_be_they_are_refused(wrong):
    with pytest.raises(StageError, match="memory"):
        Stage(models={"houses": wrong})


def test_two_models_would_have_one_domain_it_is_refused():
    domain = Domain(name="api.example.org", certificate_arn="arn")
    with pytest.raises(StageError, match="domain of stage prod is one model's"):
        check_stages({"prod": Stage(domain=domain)})

"""A wrong setting ends init and says which one it is."""

from pathlib import Path

import pytest

from serving.app.errors import SettingsError
from serving.app.settings import read_settings


def test_nothing_is_set_gives_the_defaults():
    settings = read_settings({})
    assert settings.metrics_namespace == "quickthaw"
    assert settings.emf_environment == "Local"
    assert Path(settings.bundle).parts[-3:] == ("serving", "app", "data")


def test_lambda_is_recognised():
    assert read_settings({"AWS_LAMBDA_FUNCTION_NAME": "f"}).emf_environment == "Lambda"


def test_environment_is_spelt_in_any_case_is_taken():
    assert read_settings({"AWS_EMF_ENVIRONMENT": "LOCAL"}).emf_environment == "Local"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_EMF_NAMESPACE", ""),
        ("AWS_EMF_NAMESPACE", "with space"),
        ("AWS_EMF_NAMESPACE", "a" * 256),
        ("AWS_EMF_NAMESPACE", ":own"),
        ("AWS_EMF_NAMESPACE", "AWS/Lambda"),
        ("AWS_EMF_NAMESPACE", "quickthäw"),
        ("AWS_EMF_ENVIRONMENT", "EC2"),
        ("AWS_EMF_ENVIRONMENT", ""),
        ("QUICKTHAW_BUNDLE", ""),
        ("QUICKTHAW_ALLOW_ORIGIN", "app.example.org"),
        ("QUICKTHAW_ALLOW_ORIGIN", "https://"),
        ("QUICKTHAW_ALLOW_ORIGIN", "https://app.example.org/path"),
        ("QUICKTHAW_ALLOW_ORIGIN", "https://a, https://b"),
        ("QUICKTHAW_ALLOW_ORIGIN", "https://a\r\nx: y"),
        ("QUICKTHAW_BASE_PATH", "/nlp"),
        ("QUICKTHAW_BASE_PATH", "nlp/v1"),
        ("QUICKTHAW_BASE_PATH", ".."),
        ("QUICKTHAW_BASE_PATH", "predict"),
        ("QUICKTHAW_BASE_PATH", "openapi.json"),
        ("QUICKTHAW_BASE_PATH", "<b>"),
        ("QUICKTHAW_BASE_PATH", "a" * 129),
        ("AWS_EMF_DISABLE_METRIC_EXTRACTION", "yes"),
    ],
)
def test_value_is_wrong_ends_init_naming_the_variable(name, value):
    with pytest.raises(SettingsError, match=name):
        read_settings({name: value})


NOT_DIMENSIONS = ["für", "a\nb", "a\tb", "a\x7f", "\0", " ", "\u3000", "a\ud800", "a" * 1025]
NAMES = ["AWS_EMF_SERVICE_NAME", "AWS_EMF_SERVICE_TYPE", "AWS_EMF_LOG_GROUP_NAME"]


@pytest.mark.parametrize("value", NOT_DIMENSIONS)
@pytest.mark.parametrize("name", [*NAMES, "AWS_LAMBDA_FUNCTION_NAME"])
def test_cloudwatch_takes_no_such_dimension_ends_init_naming_the_variable(name, value):
    with pytest.raises(SettingsError, match=name) as raised:
        read_settings({name: value})
    assert value.strip() not in str(raised.value) or not value.strip()


@pytest.mark.parametrize("value", ["a" * 1016, "~", "a name: of 3 words!"])
@pytest.mark.parametrize("name", NAMES)
def test_cloudwatch_takes_the_dimension_it_is_in_the_documents(name, value):
    dimensions = read_settings({name: value}).emf_dimensions
    assert value in dimensions.values()
    assert max(map(len, dimensions.values())) <= 1024


def test_log_group_is_made_of_the_services_name_it_must_not_be_too_long():
    with pytest.raises(SettingsError, match=r"AWS_EMF_SERVICE_NAME .* 1,016"):
        read_settings({"AWS_EMF_SERVICE_NAME": "a" * 1017})
    longest = {"AWS_EMF_SERVICE_NAME": "a" * 1024}
    assert read_settings(longest | {"AWS_EMF_LOG_GROUP_NAME": "mine"})
    assert read_settings(longest | {"AWS_LAMBDA_FUNCTION_NAME": "f"})


@pytest.mark.parametrize("function", [{}, {"AWS_LAMBDA_FUNCTION_NAME": ""}])
def test_lambda_is_said_but_has_no_function_ends_init(function):
    with pytest.raises(SettingsError, match=r"AWS_LAMBDA_FUNCTION_NAME.*AWS_EMF_ENVIRONMENT"):
        read_settings({"AWS_EMF_ENVIRONMENT": "Lambda"} | function)

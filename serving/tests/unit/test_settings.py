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
        ("AWS_EMF_ENVIRONMENT", "EC2"),
        ("AWS_EMF_ENVIRONMENT", ""),
        ("QUICKTHAW_BUNDLE", ""),
        ("QUICKTHAW_ALLOW_ORIGIN", "app.example.org"),
        ("QUICKTHAW_ALLOW_ORIGIN", "https://"),
        ("QUICKTHAW_ALLOW_ORIGIN", "https://app.example.org/path"),
        ("QUICKTHAW_ALLOW_ORIGIN", "https://a, https://b"),
        ("QUICKTHAW_ALLOW_ORIGIN", "https://a\r\nx: y"),
        ("AWS_EMF_DISABLE_METRIC_EXTRACTION", "yes"),
    ],
)
def test_value_is_wrong_ends_init_naming_the_variable(name, value):
    with pytest.raises(SettingsError, match=name):
        read_settings({name: value})

"""Fixtures: the account's templates, as CDK writes them."""

import pytest


@pytest.fixture(scope="session")
def synth():
    from serving.tests.cloud import synth

    return synth


@pytest.fixture(scope="session")
def write_account():
    """Write the account's templates."""
    from infrastructure.app import build_app
    from serving.tests.cloud.synth import ACCOUNT, REGION, Templates

    def write(**context):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CDK_DEFAULT_ACCOUNT", ACCOUNT)
            patch.setenv("CDK_DEFAULT_REGION", REGION)
            return Templates(build_app({"github": "owner/name"} | context))

    return write


@pytest.fixture(scope="session")
def account(write_account):
    return write_account()

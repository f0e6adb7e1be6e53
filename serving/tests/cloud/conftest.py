"""Fixtures: templates of the service, as CDK writes them."""

import pytest


@pytest.fixture(scope="session")
def write_service():
    """Write a stage's template: of one of ours by its name, or with settings of its own."""
    import aws_cdk as cdk

    from serving.deployment.stacks.function import Image
    from serving.deployment.stacks.service import Service
    from serving.deployment.stages import STAGES, Stage
    from serving.tests.cloud.synth import ENVIRONMENT, Templates

    def write(name="prod", *, tag="0123456789ab", local=False, env=ENVIRONMENT, **settings):
        app = cdk.App()
        Service(
            app,
            stage_name=name,
            stage=Stage(**settings) if settings else STAGES[name],
            image=Image(tag, "0" * 12, {"kind": "text", "example": "the boat"}),
            local=local,
            env=env,
            synthesizer=cdk.BootstraplessSynthesizer(),
        )
        return Templates(app)

    return write


@pytest.fixture(scope="session")
def prod(write_service):
    return write_service("prod")


@pytest.fixture(scope="session")
def template(prod):
    return prod["quickthaw-prod"]

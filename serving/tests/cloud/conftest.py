"""Fixtures: templates of the service, as CDK writes them."""

import pytest

MANIFEST = {
    "version": "0" * 12,
    "task": "classification",
    "input": {"kind": "text", "example": "the boat"},
}


@pytest.fixture(scope="session")
def synth():
    """The module `synth`, not imported before a test needs it: CDK's library starts Node.js."""
    from serving.tests.cloud import synth

    return synth


@pytest.fixture(scope="session")
def write_service():
    """Write the template of a model: at one of our stages, or at one of settings of its own."""
    import aws_cdk as cdk

    from serving.deployment.stack import Deployment
    from serving.deployment.stacks.bulk import Bulk
    from serving.deployment.stacks.fargate.stack import Fargate
    from serving.deployment.stacks.function import Image
    from serving.deployment.stacks.service import Service
    from serving.deployment.stages import STAGES, Stage
    from serving.tests.cloud.synth import ENVIRONMENT, Templates

    def write(
        name="prod", *, tag="0123456789ab", manifest=None, local=False, env=ENVIRONMENT, **settings
    ):
        app = cdk.App()
        stage = Stage(**settings) if settings else STAGES[name]
        image = Image(tag, MANIFEST | (manifest or {}))
        given = {"deployment": Deployment("hobbies", name), "stage": stage, "env": env}
        kind = Fargate if stage.host == "fargate" else Service
        kind(app, image=image, local=local, synthesizer=cdk.BootstraplessSynthesizer(), **given)
        if stage.bulk:
            image = image._replace(tag=f"bulk-{tag}")
            given |= {"local": local, "synthesizer": cdk.BootstraplessSynthesizer()}
            Bulk(app, image=image, **given)
        return Templates(app)

    return write


@pytest.fixture(scope="session")
def prod(write_service):
    return write_service("prod")


@pytest.fixture(scope="session")
def template(prod):
    return prod["quickthaw-hobbies-prod"]


@pytest.fixture
def plan_pauses(monkeypatch):
    """Do something in each pause of a module's, and interrupt the one after them."""

    def start(module):
        def plan(*steps):
            left = iter(steps)

            def pause(_seconds):
                for step in left:
                    return step()
                raise KeyboardInterrupt

            monkeypatch.setattr(module, "pause", pause)

        return plan

    return start

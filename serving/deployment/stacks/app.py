"""What CDK's command line runs: `cdk --app "python -m serving.deployment.stacks.app"`."""

import os
import sys
from typing import Any

import aws_cdk as cdk

from serving.deployment.image import builder
from serving.deployment.stack import Deployment, StackError
from serving.deployment.stacks.bulk import Bulk
from serving.deployment.stacks.fargate.stack import Fargate
from serving.deployment.stacks.function import Image
from serving.deployment.stacks.service import Service
from serving.deployment.stages import STAGES


def build_app(context: dict[str, str] | None = None) -> cdk.App:
    """The app of one deployment: its service, and its bulk where the stage has that.

    Context: `stage`, which has no default: to destroy one that nobody named would be bad; `model`,
    by name; `base`, another base image; `local`, "true" for a local AWS.

    Raises:
        ImageError: There is no model.
        StackError: There is no such stage, or no model can be called so.
    """
    app = cdk.App(context=context)

    def read(key: str, default: str) -> str:
        found = app.node.try_get_context(key)
        return default if found is None else str(found)

    stage = read("stage", "")
    if stage not in STAGES:
        raise StackError(f"there is no stage {stage!r}: STAGE is one of {', '.join(STAGES)}")
    deployment = Deployment(read("model", ""), stage)
    model = deployment.model
    manifest = builder.read_manifest(builder.ROOT, model)
    settings = STAGES[stage].of(model)
    base = read("base", "") or builder.BASE

    def find_image(host: str) -> Image:
        target = builder.Target(settings.architecture, host)
        return Image(builder.find_tag(builder.ROOT, model, base, target), manifest)

    def make_options() -> dict[str, Any]:
        return {
            "deployment": deployment,
            "stage": settings,
            # The others would look for the roles of CDK's own bootstrap stack; `make deploy` names
            # ours, which infrastructure/ makes.
            "synthesizer": cdk.LegacyStackSynthesizer(),
            "env": cdk.Environment(
                account=os.environ.get("CDK_DEFAULT_ACCOUNT"),
                region=os.environ.get("CDK_DEFAULT_REGION"),
            ),
        }

    local = read("local", "false") == "true"
    service: cdk.Stack
    if settings.host == "fargate":
        service = Fargate(app, image=find_image("web"), local=local, **make_options())
    else:
        service = Service(app, image=find_image("lambda"), local=local, **make_options())
    if settings.bulk:
        bulk = Bulk(app, image=find_image("bulk"), local=local, **make_options())
        bulk.add_dependency(service)  # so a version that fails its canary goes no further
    return app


if __name__ == "__main__":
    try:
        build_app().synth()
    except (builder.ImageError, StackError) as error:
        sys.exit(f"error: {error}")

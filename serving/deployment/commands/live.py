"""Whether what a model's stage runs is what this commit makes: `make live STAGE=prod`.

The stack's template says all of it, the image's tag included, and the alias, which version of the
function answers: `make rollback` moves it, and the template does not know. So it is with the stack
of bulk, where the stage has one; on Fargate the service says which task definition it runs.
"""

import argparse
import json
import os
import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from serving.deployment.commands import tasks
from serving.deployment.commands.options import read_stage
from serving.deployment.commands.push import find_account, find_region
from serving.deployment.commands.rollback import MISSING, list_versions, read_alias
from serving.deployment.image.builder import BASE, ImageError
from serving.deployment.stack import (
    ALIAS,
    SAID,
    Deployment,
    StackError,
    make_client,
    say,
    tell_errors,
)
from serving.deployment.stages import STAGES

WHOLE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}
VERSION, DEFINITION = "AWS::Lambda::Version", "AWS::ECS::TaskDefinition"
TYPES = {VERSION, DEFINITION}
PATHS = "aws:cdk:enable-path-metadata"


class Verdict(StrEnum):
    """What is to be done with a deployment."""

    LIVE = "live"
    DEPLOY = "deploy"


class Deployed(NamedTuple):
    """What is deployed.

    Attributes:
        template: Its stack's.
        version: The number of the version that answers: of a function, or a task definition.
        versions: What each version says of itself: "model …, image …".
    """

    template: dict[str, Any]
    version: int
    versions: dict[int, str]

    @property
    def newest(self) -> int:
        """The version that was deployed last: one that fails its canary is not kept."""
        return max(self.versions)


def read_deployed(name: str, host: str = "lambda") -> Deployed | None:
    """What a stack of that name runs; None where it is not there, or was not deployed whole, or
    runs on another host.

    Raises:
        StackError: AWS does not tell.
    """
    stacks = make_client("cloudformation")
    try:
        with tell_errors(f"read the stack {name}"):
            status = stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    except StackError as error:
        if "does not exist" in str(error):
            return None
        raise
    versions = read_versions(name, host)
    if status not in WHOLE or versions is None:
        return None
    with tell_errors(f"read the template of {name}"):
        body = stacks.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
    # CDK sends YAML; boto3 reads JSON itself.
    template = yaml.safe_load(body) if isinstance(body, str) else body
    return Deployed(template, *versions)


def read_versions(name: str, host: str = "lambda") -> tuple[int, dict[int, str]] | None:
    """The version of a function, or a task definition, that answers, and all; None where there is
    no alias, or no service.

    Raises:
        StackError: AWS does not tell.
    """
    if host == "fargate":
        return tasks.read_versions(make_client("ecs"), name)
    client = make_client("lambda")
    try:
        version, _, _ = read_alias(client, name)
        return version, list_versions(client, name)
    except StackError as error:
        if error.code == MISSING:
            return None
        raise


def read_image(template: dict[str, Any]) -> str:
    """What a template's version of the function, or its task definition, says of itself."""
    (found,) = (one for one in template["Resources"].values() if one["Type"] in TYPES)
    properties = found["Properties"]
    if found["Type"] == VERSION:
        return str(properties["Description"])
    (container,) = properties["ContainerDefinitions"]
    return str(container["DockerLabels"][SAID])


def find_host(template: dict[str, Any]) -> str:
    """What runs a template's image: `Stage.host`."""
    kinds = {one["Type"] for one in template["Resources"].values()}
    return "fargate" if DEFINITION in kinds else "lambda"


def flatten(template: dict[str, Any]) -> str:
    """A template, to be compared: without what CDK's command line adds for its own ends.

    CloudFormation gives back "?" for what is not ASCII.
    """
    resources = {
        name: {key: value for key, value in one.items() if key != "Metadata"}
        for name, one in template["Resources"].items()
        if one["Type"] != "AWS::CDK::Metadata"
    }
    conditions = dict(template.get("Conditions", {}))
    conditions.pop("CDKMetadataAvailable", None)
    parts = {"Resources": resources, "Conditions": conditions}
    text = json.dumps(template | parts, sort_keys=True, ensure_ascii=False)
    return re.sub("[^\x00-\x7f]", "?", text)


def synthesize(deployment: Deployment, base: str, *, local: bool) -> dict[str, dict[str, Any]]:
    """The templates of this commit's stacks, by their names.

    Raises:
        ImageError: There is no model.
        StackError: There are no credentials.
    """
    os.environ.update(CDK_DEFAULT_ACCOUNT=find_account(), CDK_DEFAULT_REGION=find_region())
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
    from serving.deployment.stacks.app import build_app  # noqa: PLC0415 - seconds

    # PATHS is the command line's own: names of resources are hashes over it, too.
    context = vars(deployment) | {"base": base, "local": str(local).lower(), PATHS: "true"}
    app = build_app(context)
    return {one.stack_name: dict(one.template) for one in app.synth().stacks}


def compare(
    deployment: Deployment, name: str, template: dict[str, Any], deployed: Deployed | None
) -> Verdict:
    """What is to be done with a stack, and say why.

    Args:
        deployment: The model and the stage.
        name: The stack's, and its function's.
        template: Of this commit's stack.
        deployed: What runs there.

    Raises:
        StackError: What this commit would deploy was rolled back.
    """
    image = read_image(template)
    if deployed is None:
        say(f"{name} is not there, or not whole: {image} is to be deployed")
        return Verdict.DEPLOY
    version, newest = deployed.version, deployed.newest
    now, last = (deployed.versions.get(one, "unknown") for one in (version, newest))
    same = flatten(deployed.template) == flatten(template)
    if version != newest and (same or image == last):
        raise StackError(
            f"{name} was rolled back from version {newest} ({last}) to version {version} ({now}), "
            "and this commit would deploy the former again: revert the commit that made it. If it "
            f"was right after all: {_go_forward(deployment, name, newest)}; if this commit "
            f"mends it: {deployment.make('deploy')}"
        )
    if same:
        say(f"{name}: {image} is live, and the stack is as committed: nothing to do")
        return Verdict.LIVE
    what = f"{now} is live, {image}" if image != now else "the stack"
    say(f"{name}: {what} is to be deployed")
    return Verdict.DEPLOY


def _go_forward(deployment: Deployment, name: str, version: int) -> str:
    """The command that lets a version of a function answer."""
    if name == deployment.name:
        return deployment.make("rollback", f"TO={version}")
    if STAGES[deployment.stage].of(deployment.model).bulk_host == "fargate":
        return (
            f"'aws ecs update-service --cluster {name} --service {name} "
            f"--task-definition {name}:{version}'"
        )
    return (
        f"'aws lambda update-alias --function-name {name} --name {ALIAS} "
        f"--function-version {version}'"
    )


def main() -> None:
    """Compare a model's stages with this commit; for a workflow, hand it on."""
    parser = argparse.ArgumentParser(prog="make live", description=__doc__)
    parser.add_argument("--stage", nargs="+", default=["dev"], type=read_stage)
    parser.add_argument(
        "--versions", action="store_true", help="print the one that answers, and the newest"
    )
    parser.add_argument("--model", required=True, help="the model's name")
    parser.add_argument("--base", default=BASE, help="the base image")
    parser.add_argument("--local", action="store_true", help="on a local AWS")
    options = parser.parse_args()
    try:
        for stage in options.stage:
            deployment = Deployment(options.model, stage)
            if options.versions:
                host = STAGES[stage].of(options.model).host
                version, versions = read_versions(deployment.name, host) or (0, {0: ""})
                print(version, max(versions))
                continue
            hand_on(stage, look(deployment, options.base, local=options.local))
    except (ImageError, StackError) as error:
        sys.exit(f"error: {error}")


def look(deployment: Deployment, base: str, *, local: bool) -> Verdict:
    """What is to be done with a deployment.

    Raises:
        ImageError: There is no model.
        StackError: AWS does not tell, or what this commit would deploy was rolled back.
    """
    verdicts = {
        compare(deployment, name, template, read_deployed(name, find_host(template)))
        for name, template in synthesize(deployment, base, local=local).items()
    }
    return Verdict.DEPLOY if Verdict.DEPLOY in verdicts else Verdict.LIVE


def hand_on(name: str, value: str) -> None:
    """Print what was found; where a workflow runs, make it an output of the step."""
    line = f"{name}={value}"
    print(line, flush=True)
    if output := os.environ.get("GITHUB_OUTPUT"):
        with Path(output).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


if __name__ == "__main__":
    main()

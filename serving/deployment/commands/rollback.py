"""Move a deployment's alias to the version before: `make rollback MODEL=topics STAGE=prod`.

It takes seconds, and lasts until another image is deployed: revert the commit, too.
"""

import argparse
import sys
from typing import Any

from serving.deployment.commands.options import add_deployment
from serving.deployment.stack import (
    ALIAS,
    Deployment,
    StackError,
    confirm,
    make_client,
    say,
    tell_errors,
)
from serving.deployment.stages import STAGES

MISSING = "ResourceNotFoundException"


def list_versions(client: Any, name: str) -> dict[int, str]:
    """The published versions of a function, and what each says of itself.

    Raises:
        StackError: There is no such function, or AWS does not answer.
    """
    try:
        with tell_errors(f"list the versions of {name}"):
            pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
            found = [one for page in pages for one in page["Versions"]]
    except StackError as error:
        if error.code == MISSING:
            raise StackError(
                f"there is no function {name}: 'make deploy', with its MODEL= and STAGE=, makes it",
                MISSING,
            ) from None
        raise
    return {
        int(one["Version"]): one.get("Description") or "no description"
        for one in found
        if one["Version"].isdecimal()  # not $LATEST
    }


def choose(versions: dict[int, str], current: int, wanted: int | None) -> int:
    """The version to go back to: the one asked for, or the newest before the current one.

    Raises:
        StackError: There is none.
    """
    if wanted is not None:
        if wanted not in versions:
            raise StackError(f"there is no version {wanted}: there are {sorted(versions)}")
        if wanted == current:
            raise StackError(f"version {wanted} is live already")
        return wanted
    before = [version for version in versions if version < current]
    if not before:
        raise StackError(
            f"version {current} is the first one that is kept: revert the commit, and deploy that"
        )
    return max(before)


def read_alias(client: Any, name: str) -> tuple[int, set[int], str]:
    """The version that is live, those that a canary tries besides, the alias's revision.

    Raises:
        StackError: There is no such alias, or AWS does not answer.
    """
    with tell_errors(f"read the alias {ALIAS} of {name}"):
        alias = client.get_alias(FunctionName=name, Name=ALIAS)
    weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return int(alias["FunctionVersion"]), set(map(int, weights)), alias["RevisionId"]


def rollback(deployment: Deployment, wanted: int | None = None, *, yes: bool = False) -> int:
    """Move the alias; where a canary is under way, back to the version that it is to replace.

    Returns:
        The version that is live now.

    Raises:
        StackError: There is nothing to go back to, nobody agreed, or AWS does not do it.
    """
    name, client = deployment.name, make_client("lambda")
    versions = list_versions(client, name)
    current, tried, revision = read_alias(client, name)
    target = current if tried and wanted is None else choose(versions, current, wanted)
    now = ", ".join(
        f"version {one} ({versions.get(one, 'unknown')})" for one in (current, *sorted(tried))
    )
    confirm(f"{name}: '{ALIAS}' goes from {now} to version {target} ({versions[target]})", yes=yes)
    if tried and STAGES[deployment.stage].of(deployment.model).canary:
        stop_canary(name)
        _, _, revision = read_alias(client, name)
    with tell_errors(f"move the alias {ALIAS} of {name}"):
        client.update_alias(
            FunctionName=name,
            Name=ALIAS,
            FunctionVersion=str(target),
            RoutingConfig={"AdditionalVersionWeights": {}},
            RevisionId=revision,  # refused where somebody moved it meanwhile
        )
    return target


def stop_canary(name: str) -> None:
    """End CodeDeploy's deployment, which would go on moving the alias.

    Raises:
        StackError: AWS does not do it.
    """
    client = make_client("codedeploy")
    with tell_errors(f"stop the canary of {name}"):
        found = client.list_deployments(
            applicationName=name,
            deploymentGroupName=name,
            includeOnlyStatuses=["Created", "Queued", "InProgress", "Ready"],
        )
        for deployment in found["deployments"]:
            client.stop_deployment(deploymentId=deployment, autoRollbackEnabled=False)


def main() -> None:
    """Move the alias of a deployment, and say what was done."""
    parser = argparse.ArgumentParser(prog="make rollback", description=__doc__)
    add_deployment(parser)
    parser.add_argument("--to", type=int, help="this version")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args()
    try:
        version = rollback(Deployment(options.model, options.stage), options.to, yes=options.yes)
    except StackError as error:
        sys.exit(f"error: {error}")
    say(
        f"done: version {version} is live until another image is deployed. Revert the commit, too, "
        "so that code and model are those that run"
    )


if __name__ == "__main__":
    main()

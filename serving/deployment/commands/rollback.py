"""Move a deployment's alias to the version before: `make rollback MODEL=topics STAGE=prod`.

It takes seconds, and lasts until another image is deployed: revert the commit, too. Where the stage
has bulk, its function or its workers go to a version of the same model. On Fargate the service goes
to the task definition before, in minutes.
"""

import argparse
import re
import sys
from typing import Any, NamedTuple

from serving.deployment.commands import tasks
from serving.deployment.commands.options import add_deployment
from serving.deployment.stack import (
    ALIAS,
    Deployment,
    StackError,
    confirm,
    make_client,
    quote_make,
    say,
    tell_errors,
)
from serving.deployment.stages import STAGES

MISSING = "ResourceNotFoundException"


class Move(NamedTuple):
    """What is to be done with a function's alias, or with a service; `told` says it in words.

    Attributes:
        name: The function's, or the service's.
        target: The version that it is to run.
        revision: The alias's own, that nobody may have changed meanwhile; of a service there is
            none.
        told: What is done, in words.
    """

    name: str
    target: int
    revision: str | None
    told: str


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
                f"there is no function {name}: {quote_make('deploy')}, with its MODEL= and STAGE=, "
                "makes it",
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


def read_model(said: str) -> str | None:
    """The version of the model that a function's version runs, by what it says of itself."""
    found = re.match(r"model (\w+),", said)
    return found[1] if found else None


def choose_bulk(
    versions: dict[int, str], current: int, model: str | None, *, back: bool
) -> int | None:
    """The version of bulk that goes with one of the API's; None where there is none.

    Both have numbers of their own, and the model in common. Of several that have it, going back
    means the one before the live one; where there is none, the live one, for only the API was
    changed. Else the newest is meant.
    """
    same = {one for one, said in versions.items() if model and read_model(said) == model}
    if back:
        same = {one for one in same if one < current} or (same & {current}) or same
    return max(same, default=None)


def plan_bulk(deployment: Deployment, now: str, then: str, *, back: bool) -> Move | None:
    """How bulk follows the API; None where it stays, or there is none.

    It stays where the image stays: then only a setting was changed, which bulk may not have.

    Args:
        deployment: The model and the stage.
        now: What the version that the API comes from says of itself.
        then: The same of the one that it goes to.
        back: Whether that is an earlier one.

    Raises:
        StackError: AWS does not tell.
    """
    name, model = deployment.bulk, read_model(then)
    stage = STAGES[deployment.stage].of(deployment.model)
    if now == then or not stage.bulk:
        return None
    read = _read_service if stage.bulk_host == "fargate" else _read_function
    if (found := read(name)) is None:
        kind = "service" if stage.bulk_host == "fargate" else "function"
        say(f"note: there is no {kind} {name}: if bulk is deployed, it stays as it is")
        return None
    versions, current, revision = found
    target = choose_bulk(versions, current, model, back=back)
    if target is None:
        say(f"note: {name} stays as it is: no version of it that is kept has the model {model}")
    if target in (None, current):
        return None
    told = tell_move(name, versions, [current], target, service=revision is None)
    return Move(name, target, revision, told)


def _read_function(name: str) -> tuple[dict[int, str], int, str | None] | None:
    """A function's versions, the one that is live, its alias's revision; None without one."""
    client = make_client("lambda")
    try:
        versions = list_versions(client, name)
        current, _, revision = read_alias(client, name)
    except StackError as error:
        if error.code == MISSING:
            return None
        raise
    return versions, current, revision


def _read_service(name: str) -> tuple[dict[int, str], int, str | None] | None:
    """The revisions of a service, and the one that it runs; None without one."""
    found = tasks.read_versions(make_client("ecs"), name)
    return (found[1], found[0], None) if found else None


def rollback(deployment: Deployment, wanted: int | None = None, *, yes: bool = False) -> int:
    """Move the alias; where a canary is under way, back to the version that it is to replace.

    Bulk follows.

    Returns:
        The version that is live now.

    Raises:
        StackError: There is nothing to go back to, nobody agreed, or AWS does not do it.
    """
    name, client = deployment.name, make_client("lambda")
    if STAGES[deployment.stage].of(deployment.model).host == "fargate":
        return rollback_tasks(deployment, wanted, yes=yes)
    versions = list_versions(client, name)
    current, tried, revision = read_alias(client, name)
    target = current if tried and wanted is None else choose(versions, current, wanted)
    lines = [tell_move(name, versions, [current, *sorted(tried)], target)]
    # With a canary the deployment fails, and CloudFormation takes back all else that it has moved.
    bulk = None
    if not tried:
        now, then = versions.get(current, "unknown"), versions[target]
        bulk = plan_bulk(deployment, now, then, back=target < current)
        lines += [bulk.told] if bulk else []
    confirm("\n".join(lines), yes=yes)
    if tried and STAGES[deployment.stage].of(deployment.model).canary:
        stop_canary(name)
        _, _, revision = read_alias(client, name)
    move(client, name, target, revision)
    move_bulk(name, bulk)
    return target


def rollback_tasks(deployment: Deployment, wanted: int | None, *, yes: bool) -> int:
    """Let a service on Fargate run the task definition before; bulk follows.

    Args:
        deployment: The model and the stage.
        wanted: The revision to go to.
        yes: Whether not to ask.

    Returns:
        The revision that runs now.

    Raises:
        StackError: There is nothing to go back to, nobody agreed, or AWS does not do it.
    """
    name, ecs = deployment.name, make_client("ecs")
    current = tasks.read_current(ecs, name)
    versions = tasks.list_revisions(ecs, name)
    target = choose(versions, current, wanted)
    now, then = versions.get(current, "unknown"), versions[target]
    lines = [tell_move(name, versions, [current], target, service=True)]
    bulk = plan_bulk(deployment, now, then, back=target < current)
    lines += [bulk.told] if bulk else []
    confirm("\n".join(lines), yes=yes)
    tasks.move_service(ecs, name, target)
    move_bulk(name, bulk)
    return target


def move_bulk(name: str, bulk: Move | None) -> None:
    """Let bulk follow, where it is to.

    Raises:
        StackError: AWS does not do it; it says that the other one has moved.
    """
    if not bulk:
        return
    try:
        if bulk.revision is None:
            tasks.move_service(make_client("ecs"), bulk.name, bulk.target)
        else:
            move(make_client("lambda"), bulk.name, bulk.target, bulk.revision)
    except StackError as error:
        raise StackError(f"{name} has moved, {bulk.name} has not: {error}") from None


def tell_move(
    name: str, versions: dict[int, str], live: list[int], target: int, *, service: bool = False
) -> str:
    """What is to be done with a function's alias, or with a service, in words."""
    now = ", ".join(f"version {one} ({versions.get(one, 'unknown')})" for one in live)
    what = "" if service else f"'{ALIAS}' "
    return f"{name}: {what}goes from {now} to version {target} ({versions[target]})"


def move(client: Any, name: str, target: int, revision: str) -> None:
    """Move a function's alias.

    Raises:
        StackError: AWS does not do it.
    """
    with tell_errors(f"move the alias {ALIAS} of {name}"):
        client.update_alias(
            FunctionName=name,
            Name=ALIAS,
            FunctionVersion=str(target),
            RoutingConfig={"AdditionalVersionWeights": {}},
            RevisionId=revision,  # refused where somebody moved it meanwhile
        )


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

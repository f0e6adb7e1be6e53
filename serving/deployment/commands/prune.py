"""Delete the versions and images that no rollback will go back to: `make prune`.

Of each model and stage the live version and the newest ones stay; an image goes when no version of
any function runs it, of whatever model, whether its folder is in this tree or not. ECR's own rules
cannot know that: they count, or go by age. On Fargate a version is a revision of the task
definition; those of a service that is gone are old.
"""

import argparse
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from serving.deployment.commands import tasks
from serving.deployment.commands.rollback import MISSING, list_versions
from serving.deployment.stack import (
    NAME,
    StackError,
    confirm,
    make_client,
    say,
    tell_errors,
)

KEEP = 5
GRACE = timedelta(days=1)  # an image that was pushed, and is not deployed yet
BATCH = 100  # ECR's BatchDeleteImage takes so many


def list_functions(client: Any) -> list[str]:
    """The names of all functions of ours in this account and region.

    Raises:
        StackError: AWS does not tell.
    """
    with tell_errors("list the functions"):
        pages = client.get_paginator("list_functions").paginate()
        names = [one["FunctionName"] for page in pages for one in page["Functions"]]
    return sorted(name for name in names if name.startswith(f"{NAME}-"))


def find_versions(client: Any, name: str) -> list[int]:
    """The published versions of a function; none of one that went meanwhile.

    Raises:
        StackError: AWS does not answer.
    """
    try:
        return sorted(list_versions(client, name))
    except StackError as error:
        if error.code == MISSING:
            return []
        raise


def find_old_versions(client: Any, name: str, keep: int) -> list[int]:
    """The versions of a function that no alias names, without the newest.

    Raises:
        StackError: AWS does not answer.
    """
    versions = find_versions(client, name)
    if not versions:
        return []
    with tell_errors(f"list the aliases of {name}"):
        pages = client.get_paginator("list_aliases").paginate(FunctionName=name)
        aliases = [one for page in pages for one in page["Aliases"]]
    named = {one["FunctionVersion"] for one in aliases}
    for one in aliases:  # what a canary tries
        named |= set(one.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}))
    return [version for version in versions[:-keep] if str(version) not in named]


def find_used_images(client: Any, name: str, gone: list[int]) -> set[str]:
    """Tags and digests of the images that a function's versions run, without those `gone`.

    Raises:
        StackError: AWS does not answer.
    """
    versions = find_versions(client, name)
    used = set()
    for version in ("$LATEST", *(str(one) for one in versions if one not in gone)):
        try:
            with tell_errors(f"read version {version} of {name}"):
                code = client.get_function(FunctionName=name, Qualifier=version)["Code"]
        except StackError as error:
            if error.code == MISSING:  # it went meanwhile
                continue
            raise
        for uri in (code.get("ImageUri", ""), code.get("ResolvedImageUri", "")):
            used.add(uri.rpartition("@" if "@" in uri else ":")[2])
    return used


def find_old_revisions(client: Any, name: str, keep: int) -> list[int]:
    """The revisions of a task definition that its service does not run, without the newest; all
    where there is no service.

    Raises:
        StackError: AWS does not answer.
    """
    numbers = tasks.list_numbers(client, name)
    kept = set(numbers[-keep:])
    try:
        kept.add(tasks.read_current(client, name))
    except StackError as error:
        if error.code != tasks.MISSING:
            raise
        kept = set()
    found = {one: tasks.read_revision(client, name, one) for one in numbers if one not in kept}
    # A deployment may be about to make the service of one.
    now = datetime.now(UTC)
    return [
        number
        for number, one in found.items()
        if one.registered is None or now - one.registered > GRACE
    ]


def find_images_of_tasks(client: Any, name: str, gone: list[int]) -> set[str]:
    """Tags of the images that the revisions of a task definition run, without those `gone`.

    Raises:
        StackError: AWS does not answer.
    """
    return {
        tasks.read_revision(client, name, one).image.rpartition(":")[2]
        for one in tasks.list_numbers(client, name)
        if one not in gone
    }


def find_old_images(client: Any, used: set[str]) -> dict[str, list[str]]:
    """Digest and tags of the images that are not used, and were not pushed just now.

    Raises:
        StackError: AWS does not answer.
    """
    with tell_errors("list the images"):
        pages = client.get_paginator("describe_images").paginate(repositoryName=NAME)
        images = [one for page in pages for one in page["imageDetails"]]
    return {
        one["imageDigest"]: one.get("imageTags", [])
        for one in images
        if not used & {one["imageDigest"], *one.get("imageTags", [])}
        and datetime.now(UTC) - one["imagePushedAt"] > GRACE
    }


def prune(keep: int, *, yes: bool = False) -> None:
    """Find what is old, ask, delete it.

    Raises:
        StackError: Nobody agreed, or AWS does not do it.
    """
    functions, registry, ecs = (make_client(one) for one in ("lambda", "ecr", "ecs"))
    names = list_functions(functions)
    versions = {name: find_old_versions(functions, name, keep) for name in names}
    revisions = {name: find_old_revisions(ecs, name, keep) for name in tasks.list_families(ecs)}

    def find_images() -> dict[str, list[str]]:
        used = [
            find_used_images(functions, name, versions.get(name, []))
            for name in list_functions(functions)
        ]
        used += [
            find_images_of_tasks(ecs, name, revisions.get(name, []))
            for name in tasks.list_families(ecs)
        ]
        return find_old_images(registry, set[str]().union(*used))

    images = find_images()
    if not images and not any([*versions.values(), *revisions.values()]):
        say("there is nothing to delete")
        return
    lines = [f"  {name}: versions {gone}" for name, gone in versions.items() if gone]
    lines += [f"  {name}: task definitions {gone}" for name, gone in revisions.items() if gone]
    lines += [f"  image {', '.join(tags) or digest}" for digest, tags in images.items()]
    confirm("to be deleted:\n" + "\n".join(lines), yes=yes)
    for name, gone in versions.items():
        for version in gone:
            with tell_errors(f"delete version {version} of {name}"):
                functions.delete_function(FunctionName=name, Qualifier=str(version))
    for name, gone in revisions.items():
        for number in gone:
            with tell_errors(f"take back task definition {number} of {name}"):
                ecs.deregister_task_definition(taskDefinition=f"{name}:{number}")
    # Once more: a deployment may have taken one while the question stood.
    delete_images(registry, [digest for digest in images if digest in find_images()])


def delete_images(client: Any, digests: list[str]) -> None:
    """Delete images.

    Raises:
        StackError: Some are left.
    """
    for start in range(0, len(digests), BATCH):
        ids = [{"imageDigest": digest} for digest in digests[start : start + BATCH]]
        with tell_errors("delete images"):
            failures = client.batch_delete_image(repositoryName=NAME, imageIds=ids)["failures"]
        if failures:
            raise StackError(f"{len(failures)} images are left: {failures[0]['failureReason']}")


def main() -> None:
    """Delete what is old."""
    parser = argparse.ArgumentParser(prog="make prune", description=__doc__)
    parser.add_argument("--keep", type=int, default=KEEP, help="so many versions of each function")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args()
    if options.keep < 1:
        sys.exit("error: KEEP must be at least 1")
    try:
        prune(options.keep, yes=options.yes)
    except StackError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()

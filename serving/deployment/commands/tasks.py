"""What programs ask ECS of a deployment whose host is Fargate.

A revision of the task definition is what a version is of a function: code and model together. The
cluster, the service and the family of task definitions have the deployment's name.
"""

import time
from datetime import datetime
from typing import Any, NamedTuple

from serving.deployment.stack import NAME, SAID, StackError, quote_make, say, tell_errors

MISSING = "ServiceNotFoundException"
GONE = {"ClusterNotFoundException", MISSING, "ServiceNotActiveException"}
POLL_SECONDS, PATIENCE_SECONDS = 5.0, 15 * 60


class Revision(NamedTuple):
    """A revision of a task definition.

    Attributes:
        said: What it says of itself: "model …, image …".
        image: What its container runs.
        registered: When it was made, where ECS says so.
    """

    said: str
    image: str
    registered: datetime | None


def list_services(client: Any) -> list[str]:
    """The names of all services of ours in this account and region: their clusters have them.

    Raises:
        StackError: AWS does not tell.
    """
    with tell_errors("list the clusters"):
        pages = client.get_paginator("list_clusters").paginate()
        names = [one.rpartition("/")[2] for page in pages for one in page["clusterArns"]]
    return sorted(name for name in names if name.startswith(f"{NAME}-"))


def list_families(client: Any) -> list[str]:
    """The families of task definitions of ours, of services that are gone, too.

    Raises:
        StackError: AWS does not tell.
    """
    with tell_errors("list the families of task definitions"):
        pages = client.get_paginator("list_task_definition_families").paginate(
            familyPrefix=f"{NAME}-", status="ACTIVE"
        )
        return sorted(one for page in pages for one in page["families"])


def list_numbers(client: Any, name: str) -> list[int]:
    """The numbers of a family's revisions that can be run.

    Raises:
        StackError: AWS does not tell.
    """
    with tell_errors(f"list the task definitions of {name}"):
        pages = client.get_paginator("list_task_definitions").paginate(
            familyPrefix=name, status="ACTIVE"
        )
        found = [read_number(one) for page in pages for one in page["taskDefinitionArns"]]
    return sorted(found)


def read_number(arn: str) -> int:
    """The number of a revision, by its ARN."""
    return int(arn.rpartition(":")[2])


def read_revision(client: Any, name: str, number: int) -> Revision:
    """A revision of a family.

    Raises:
        StackError: AWS does not tell.
    """
    with tell_errors(f"read task definition {number} of {name}"):
        found = client.describe_task_definition(taskDefinition=f"{name}:{number}")["taskDefinition"]
    (container,) = found["containerDefinitions"]
    said = container.get("dockerLabels", {}).get(SAID, "no description")
    return Revision(said, container["image"], found.get("registeredAt"))


def list_revisions(client: Any, name: str) -> dict[int, str]:
    """The revisions of a family that can be run, and what each says of itself.

    Raises:
        StackError: AWS does not tell.
    """
    return {
        number: read_revision(client, name, number).said for number in list_numbers(client, name)
    }


def read_service(client: Any, name: str) -> dict[str, Any]:
    """A service, as ECS describes it.

    Raises:
        StackError: There is none (its code is `MISSING`), or AWS does not tell.
    """
    try:
        with tell_errors(f"read the service {name}"):
            found = client.describe_services(cluster=name, services=[name])["services"]
    except StackError as error:
        if error.code not in GONE:
            raise
        found = []
    for one in found:
        if one["status"] == "ACTIVE":
            return dict(one)
    raise StackError(
        f"there is no service {name}: {quote_make('deploy')}, with its MODEL= and STAGE=, makes it",
        MISSING,
    )


def read_current(client: Any, name: str) -> int:
    """The number of the revision that a service is to run.

    Raises:
        StackError: There is no such service, or AWS does not tell.
    """
    return read_number(read_service(client, name)["taskDefinition"])


def read_versions(client: Any, name: str) -> tuple[int, dict[int, str]] | None:
    """The revision that a service runs, and all; None where there is no service.

    Raises:
        StackError: AWS does not tell.
    """
    try:
        return read_current(client, name), list_revisions(client, name)
    except StackError as error:
        if error.code == MISSING:
            return None
        raise


def move_service(client: Any, name: str, target: int) -> None:
    """Let a service run another revision, and wait until it does.

    Raises:
        StackError: AWS does not do it, or the tasks do not start.
    """
    with tell_errors(f"update the service {name}"):
        client.update_service(cluster=name, service=name, taskDefinition=f"{name}:{target}")
    say(f"ECS starts the tasks of version {target} beside those that run, which takes minutes")
    wait(client, name, target)


def wait(client: Any, name: str, target: int) -> None:
    """Wait until a service runs a revision and no other.

    Raises:
        StackError: It does not.
    """
    until, seen = time.monotonic() + PATIENCE_SECONDS, False
    while time.monotonic() < until:
        service = read_service(client, name)
        (primary,) = (one for one in service["deployments"] if one["status"] == "PRIMARY")
        state = primary.get("rolloutState", "COMPLETED")
        is_there = read_number(service["taskDefinition"]) == target
        # The circuit breaker goes back by itself; but what ECS says may also be a moment old.
        if (seen and not is_there) or (is_there and state == "FAILED"):
            raise StackError(f"the tasks of version {target} of {name} do not start: it went back")
        if is_there and state == "COMPLETED":
            return
        seen = seen or is_there
        time.sleep(POLL_SECONDS)
    raise StackError(
        f"{name} does not run version {target} after {PATIENCE_SECONDS // 60} minutes: "
        f"'aws ecs describe-services --cluster {name} --services {name}' says why"
    )

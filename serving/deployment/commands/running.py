"""Which stages run which model and image: `make models STAGES=1`.

It asks AWS, so models are listed whose folders are not in this tree, too.
"""

import sys
from collections.abc import Iterator
from typing import NamedTuple

from serving.deployment.commands import tasks
from serving.deployment.commands.live import read_versions
from serving.deployment.commands.prune import list_functions
from serving.deployment.stack import NAME, StackError, make_client
from serving.deployment.stages import STAGES

BULK = "-bulk"  # ends what a model's second function, or service, is called before its stage


class Running(NamedTuple):
    """A function, or a service: its stage, its model, what the version that answers says."""

    stage: str
    model: str
    said: str


def list_running() -> Iterator[Running]:
    """Each function, and each service on Fargate, of a model at a stage.

    Raises:
        StackError: AWS does not tell.
    """
    hosts = dict.fromkeys(list_functions(make_client("lambda")), "lambda")
    hosts |= dict.fromkeys(tasks.list_services(make_client("ecs")), "fargate")
    for name, host in sorted(hosts.items()):
        model, _, stage = name.removeprefix(f"{NAME}-").rpartition("-")
        if not model or stage not in STAGES:
            continue
        version, versions = read_versions(name, host) or (0, {0: "not deployed whole"})
        what = [
            *(["bulk"] if model.endswith(BULK) else ()),
            *(["fargate"] if host != "lambda" else ()),
        ]
        shown = model.removesuffix(BULK) + (f" ({', '.join(what)})" if what else "")
        yield Running(stage, shown, versions.get(version, "unknown"))


def main() -> None:
    """Print a line a deployment."""
    try:
        lines = [f"{one.stage:<10}{one.model:<40}{one.said}" for one in list_running()]
    except StackError as error:
        sys.exit(f"error: {error}")
    print("\n".join(lines) or "no stage runs a model")


if __name__ == "__main__":
    main()

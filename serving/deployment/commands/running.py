"""Which stages run which model and image: `make models STAGES=1`.

It asks AWS, so models are listed whose folders are not in this tree, too.
"""

import sys
from collections.abc import Iterator

from serving.deployment.commands.live import read_versions
from serving.deployment.commands.prune import list_functions
from serving.deployment.stack import NAME, Deployment, StackError, make_client
from serving.deployment.stages import STAGES


def list_running() -> Iterator[tuple[Deployment, str]]:
    """Each deployment, and what the version that answers says of itself.

    Raises:
        StackError: AWS does not tell.
    """
    for name in list_functions(make_client("lambda")):
        model, _, stage = name.removeprefix(f"{NAME}-").rpartition("-")
        if not model or stage not in STAGES:
            continue
        deployment = Deployment(model, stage)
        version, versions = read_versions(deployment) or (0, {0: "not deployed whole"})
        yield deployment, versions.get(version, "unknown")


def main() -> None:
    """Print a line a deployment."""
    try:
        lines = [f"{one.stage:<10}{one.model:<34}{said}" for one, said in list_running()]
    except StackError as error:
        sys.exit(f"error: {error}")
    print("\n".join(lines) or "no stage runs a model")


if __name__ == "__main__":
    main()

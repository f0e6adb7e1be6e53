"""ministack, whose tasks of Fargate run as their definitions say.

By itself it leaves out a container's entry point, its user and its read-only root, and tells tasks
an address by a name, of which boto3 would make a name for each bucket.
"""

import os
from typing import Any

import ministack.app
from ministack.services import ecs

TASK_ENDPOINT = "QUICKTHAW_TASK_ENDPOINT"  # where tasks find AWS
TASK_ACCOUNT = "MINISTACK_ACCOUNT_ID"
_build = ecs._build_run_kwargs


def build(container: dict[str, Any], *rest: Any) -> dict[str, Any]:
    """What Docker is told of a container, with what ministack leaves out."""
    told: dict[str, Any] = _build(container, *rest)
    told["entrypoint"] = container.get("entryPoint")
    told["user"] = container.get("user")
    told["read_only"] = bool(container.get("readonlyRootFilesystem"))
    told["environment"] |= {
        "AWS_ENDPOINT_URL": os.environ[TASK_ENDPOINT],
        # Its own credentials are at an address that boto3 does not trust.
        "AWS_ACCESS_KEY_ID": os.environ[TASK_ACCOUNT],
        "AWS_SECRET_ACCESS_KEY": "local",
    }
    return told


if __name__ == "__main__":
    ecs._build_run_kwargs = build
    try:
        ministack.app.main()
    finally:
        ecs.reset()  # it would leave the containers of tasks

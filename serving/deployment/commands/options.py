"""The options that name a deployment."""

import argparse

from serving.deployment.stages import STAGES


def add_deployment(parser: argparse.ArgumentParser) -> None:
    """Add `--model` and `--stage`."""
    parser.add_argument("--model", required=True, help="the model's name")
    parser.add_argument("--stage", default="dev", type=read_stage, help=", ".join(STAGES))


def read_stage(name: str) -> str:
    """A stage's name, if there is such a stage.

    Raises:
        argparse.ArgumentTypeError: There is no such stage.
    """
    if name in STAGES:
        return name
    raise argparse.ArgumentTypeError(
        f"there is no stage {name}: STAGE= one of {', '.join(STAGES)} "
        "(serving/deployment/stages.py)"
    )

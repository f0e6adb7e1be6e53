"""The options that name a deployment."""

import argparse

from serving.deployment.stages import STAGES


def add_deployment(parser: argparse.ArgumentParser) -> None:
    """Add `--model` and `--stage`."""
    parser.add_argument("--model", required=True, help="the model's name")
    parser.add_argument("--stage", default="dev", choices=STAGES)

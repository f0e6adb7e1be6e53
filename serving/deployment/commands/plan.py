"""Which models' stages are to get this commit: `make plan-deploy`, the first job of deploy.yml.

A model that cannot be looked at, or was rolled back, holds up no other one.
"""

import argparse
import json
import sys
from collections.abc import Sequence

from serving.deployment.commands.fetch_model import FetchError, fetch_bundle
from serving.deployment.commands.live import Verdict, hand_on, look
from serving.deployment.commands.options import read_stage
from serving.deployment.image.builder import BASE, ImageError
from serving.deployment.stack import Deployment, StackError, say


def main() -> None:
    """Hand on the models that have something to deploy, each with a verdict a stage."""
    parser = argparse.ArgumentParser(prog="make plan-deploy", description=__doc__)
    parser.add_argument("--model", nargs="+", required=True, help="their names")
    parser.add_argument("--stage", nargs="+", required=True, type=read_stage)
    parser.add_argument("--base", default=BASE, help="the base image")
    parser.add_argument("--local", action="store_true", help="on a local AWS")
    options = parser.parse_args()
    planned, failed = [], []
    for model in options.model:
        try:
            verdicts = look_at(model, options.stage, options.base, local=options.local)
        except (FetchError, ImageError, StackError) as error:
            say(f"error: {model}: {error}")
            failed.append(model)
            continue
        if Verdict.DEPLOY in verdicts.values():
            planned.append({"model": model, **verdicts})
    hand_on("models", json.dumps(planned))
    if failed:
        sys.exit(f"error: {', '.join(failed)} cannot be deployed: see above")


def look_at(model: str, stages: Sequence[str], base: str, *, local: bool) -> dict[str, Verdict]:
    """What is to be done with each stage of a model.

    Raises:
        FetchError, ImageError: Its files are not to be had.
        StackError: AWS does not tell, or what would be deployed was rolled back.
    """
    fetch_bundle(model)
    return {stage: look(Deployment(model, stage), base, local=local) for stage in stages}


if __name__ == "__main__":
    main()

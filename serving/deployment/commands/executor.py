"""Print the role as which CloudFormation makes a stage's stack: part of `make deploy`."""

import argparse
import sys

from serving.deployment.commands.options import read_stage
from serving.deployment.stack import NAME, StackError, make_client, tell_errors


def main() -> None:
    """Print the role's ARN, in the account that the credentials are of."""
    parser = argparse.ArgumentParser(prog="make deploy", description=__doc__)
    parser.add_argument("--stage", default="dev", type=read_stage)
    options = parser.parse_args()
    try:
        with tell_errors("find the account"):
            caller = make_client("sts").get_caller_identity()
    except StackError as error:
        sys.exit(f"error: {error}")
    partition = caller["Arn"].split(":")[1]
    print(f"arn:{partition}:iam::{caller['Account']}:role/{NAME}-executor-{options.stage}")


if __name__ == "__main__":
    main()

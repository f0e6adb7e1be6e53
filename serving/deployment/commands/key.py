"""Print the API key of a model at a stage: `make key`.

It is a secret: no other program prints one of AWS's.
"""

import argparse
import sys

from serving.deployment.commands.options import add_deployment
from serving.deployment.stack import Deployment, StackError, read_key, read_outputs


def main() -> None:
    """Print the key."""
    parser = argparse.ArgumentParser(prog="make key", description=__doc__)
    add_deployment(parser)
    options = parser.parse_args()
    try:
        deployment = Deployment(options.model, options.stage)
        key = read_key(read_outputs(deployment))
    except StackError as error:
        sys.exit(f"error: {error}")
    if key is None:
        sys.exit(f"error: {deployment.name} wants no API key")
    print(key)


if __name__ == "__main__":
    main()

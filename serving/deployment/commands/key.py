"""Print a stage's API key: `make key`. It is a secret: no other program prints one of AWS's."""

import argparse
import sys

from serving.deployment.stack import StackError, read_key, read_outputs
from serving.deployment.stages import STAGES


def main() -> None:
    """Print the key."""
    parser = argparse.ArgumentParser(prog="make key", description=__doc__)
    parser.add_argument("--stage", default="dev", choices=STAGES)
    options = parser.parse_args()
    try:
        key = read_key(read_outputs(options.stage))
    except StackError as error:
        sys.exit(f"error: {error}")
    if key is None:
        sys.exit(f"error: stage {options.stage} wants no API key")
    print(key)


if __name__ == "__main__":
    main()

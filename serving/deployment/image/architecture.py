"""For which processors an image is built: prints Docker's platform of a model's stage."""

import argparse

from serving.deployment.commands.options import add_deployment
from serving.deployment.stages import STAGES

# As Lambda names them (CreateFunction API reference), and as Docker does.
PLATFORMS = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}
# And as Linux does, which names the kernel's targets.
PROCESSORS = {"x86_64": "x86_64", "arm64": "aarch64"}


def main() -> None:
    """Print the platform, for DOCKER_DEFAULT_PLATFORM."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_deployment(parser)
    options = parser.parse_args()
    print(PLATFORMS[STAGES[options.stage].of(options.model).architecture])


if __name__ == "__main__":
    main()

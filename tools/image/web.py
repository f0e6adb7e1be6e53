"""`make image-run HOST=web`: the image of the web process on a port of this machine, shut in.

As a small container of a platform: 512 MB, a read-only root, a user of no name, no shared memory.
"""

import argparse
import subprocess
import sys

from serving.hosts.gateway import say
from tools.image.container import HARDENED, ContainerDied, docker

MEMORY_MB = 512
COMMAND = ("python3", "-m", "serving.hosts.web")  # the image's own, which arguments would replace
# Without the folder for temporary files that Lambda has: nothing needs one.
SHUT_IN = tuple(one for one in HARDENED if one != "--tmpfs" and not one.startswith("/tmp"))  # noqa: S108


def make_command(image: str, port: int, *options: str) -> list[str]:
    """What starts a container of the image, which is reached at this port of loopback alone.

    Raises:
        ContainerDied: There is no Docker.
    """
    limits = ["--memory", f"{MEMORY_MB}m", "--memory-swap", f"{MEMORY_MB}m"]
    command = ["docker", "run", *SHUT_IN, *limits, *options]
    if "bridge" in docker("network", "ls", "--format", "{{.Name}}").split():
        return [*command, "--publish", f"127.0.0.1:{port}:8080", image]
    # An engine without a bridge: the machine's own network.
    network = ["--network", "host", "--env", f"PORT={port}"]
    return [*command, *network, image, *COMMAND, "--host", "127.0.0.1"]


def main() -> int:
    """Run the image until a signal ends it."""
    parser = argparse.ArgumentParser(prog="make image-run HOST=web", description=__doc__)
    parser.add_argument("--image", required=True)
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    say(f"{options.image}: {MEMORY_MB} MB, read-only, on http://127.0.0.1:{options.port}")
    try:
        command = make_command(options.image, options.port, "--rm")
        return subprocess.run(command, check=False).returncode
    except KeyboardInterrupt:  # Docker's command line has passed it on, and waits for the end
        return 0
    except ContainerDied as error:
        say(f"error: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())

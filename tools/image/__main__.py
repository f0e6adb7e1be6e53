"""`make image-run`: the image on a port of this machine, shut in as Lambda does it."""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from serving.deployment.commands.options import read_stage
from serving.deployment.stages import STAGES, Stage
from serving.hosts import serve
from serving.hosts.gateway import Handler, say
from tools.image.container import Container, ContainerDied, share_of

LOG = Path(".local/image-run.log")


class Environment:
    """A container as a handler. Another takes its place when it dies, as on Lambda."""

    def __init__(self, image: str, stage: Stage) -> None:
        self._image, self._stage = image, stage
        self._lock, self._closed = Lock(), False
        self._start()

    def __call__(self, event: dict[str, Any], _context: object) -> Any:
        try:
            return self._container.invoke(event).answer
        except ContainerDied:
            with self._lock:
                if not self._closed:
                    say(f"the container is gone ({LOG} has its last words): here is another")
                    self._end()
                    self._start()
            raise

    def _start(self) -> None:
        stage = self._stage
        self._container = Container(self._image, stage.memory_mb, seconds=stage.timeout_seconds)
        with LOG.open("ab") as log:
            self._follower = subprocess.Popen(
                ["docker", "logs", "--follow", self._container.id],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def id(self) -> str:
        return self._container.id

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._end()

    def _end(self) -> None:
        self._container.close()
        self._follower.wait()  # it ends with the container


def main() -> int:
    """Run the image until a signal ends it."""
    parser = argparse.ArgumentParser(prog="make image-run", description=__doc__)
    parser.add_argument("--image", required=True)
    parser.add_argument("--stage", default="dev", type=read_stage)
    parser.add_argument("--port", default="8000")
    options = parser.parse_args()
    stage = STAGES[options.stage]

    @contextmanager
    def start() -> Iterator[Handler]:
        environment = Environment(options.image, stage)
        say(
            f"{options.image} as in stage {options.stage}: {stage.memory_mb} MB, "
            f"{share_of(stage.memory_mb):.2f} of a processor, no network, read-only\n"
            f"container {environment.id}; its log and metrics go to {LOG}"
        )
        try:
            yield environment
        finally:
            environment.close()

    LOG.parent.mkdir(exist_ok=True)
    LOG.write_bytes(b"")
    try:
        return serve.main(["--port", options.port], start)
    except ContainerDied as error:
        say(f"error: the container did not start: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())

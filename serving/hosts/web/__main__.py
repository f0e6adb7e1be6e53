"""The web process: `lambda_handler` on a port, in as many processes as there are processors.

For what runs containers or processes and gives them a port: Fargate, Kubernetes, platforms such as
Heroku.
"""

import argparse
import gc
import os
import sys
from collections.abc import Sequence

from serving.app.errors import SettingsError
from serving.app.settings import read_settings
from serving.hosts.gateway import say
from serving.hosts.serve import StartError, listen
from serving.hosts.web.app import Web
from serving.hosts.web.server import end_listening, work
from serving.hosts.web.settings import read_trust, read_workers
from serving.hosts.web.supervisor import Supervisor


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until a signal ends it: 0 then, 1 where it could not start."""
    parser = argparse.ArgumentParser(prog="python -m serving.hosts.web", description=__doc__)
    # PORT is how platforms hand a port to a web process.
    parser.add_argument("--port", default=os.environ.get("PORT") or "8000")
    parser.add_argument("--host", default="0.0.0.0", help="a container's: all that reach it")  # noqa: S104
    options = parser.parse_args(argv)
    try:
        read_settings()
        trust, workers = read_trust(), read_workers()
        with listen(options.host, options.port, "make web") as listener:
            from serving.app.handler import lambda_handler  # noqa: PLC0415 - loads the model, once

            gc.freeze()  # or a worker's first collection copies what they have in common
            app, parent = Web(lambda_handler, trust=trust), os.getpid()
            host, port = listener.getsockname()[:2]
            say(f"serving on {host}, port {port}, with {workers} workers")
            Supervisor(
                workers,
                work=lambda: work(app, listener, parent),
                stop=lambda: end_listening(listener),
            ).run()
    except (StartError, SettingsError) as error:
        say(f"error: {error}")
        return 1
    say("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())

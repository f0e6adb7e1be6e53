"""The laptop's server with a handler that keeps ten kilobytes a request, for test_load.py."""

import sys
from contextlib import contextmanager

from serving.hosts import serve

kept = []


@contextmanager
def start():
    with serve.import_handler() as handler:

        def leak(event, context):
            kept.append(b"x" * 10_000 + context.aws_request_id.encode())
            return handler(event, context)

        yield leak


if __name__ == "__main__":
    sys.exit(serve.main(start=start))

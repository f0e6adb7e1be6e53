"""A handler that says which modules its process has loaded, for test_runtime.py."""

import sys

from serving.app import handler as service


def handler(event, context):
    return service.lambda_handler(event, context) | {"modules": sorted(sys.modules)}

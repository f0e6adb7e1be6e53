"""A handler that imports nothing of ours, for test_runtime.py."""

import sys


def handler(_event, _context):
    return {"modules": sorted(sys.modules)}

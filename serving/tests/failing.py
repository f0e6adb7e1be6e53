"""The handler with an engine that does what the text says, for test_hostile.py."""

import gc
import os
import resource
import sys

from serving.app import handler
from serving.app.engines.base import Scores
from serving.bundle.errors import BundleDamaged


class Engine:
    def score(self, texts):
        what, _, rest = texts[0].partition(" ")
        DEEDS[what](f"{rest}\ud800")  # what ends awslambdaric, if it ever gets there
        return [Scores(0, [1.0, 0.0, 0.0], 1, 0)]

    def explain(self, text, label):
        return [(text, 1.0)]


def fail(kind):
    def deed(text):
        raise kind(text)

    return deed


def damage(_):
    raise BundleDamaged("block 7 is not what was written")  # the one message that is logged


def recurse(text):
    recurse(text)


def fill(descriptor):
    def deed(_):
        os.dup2(os.open("/dev/full", os.O_WRONLY), descriptor)

    return deed


def exhaust(_):
    gc.collect()  # the engine that was replaced has a file open until then
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, free))


def close(name):
    def deed(_):
        getattr(sys, name).close()

    return deed


def replace(name):
    def deed(_):
        setattr(sys, name, None)

    return deed


DEEDS = {
    "answer": lambda _: None,
    "error": fail(RuntimeError),
    "exit": fail(SystemExit),
    "memory": fail(MemoryError),
    "key": fail(KeyError),
    "os": fail(OSError),
    "damage": damage,
    "recurse": recurse,
    "no-files": exhaust,
    "fill-stdout": fill(1),
    "fill-stderr": fill(2),
    "close-stdout": close("stdout"),
    "close-stderr": close("stderr"),
    "no-stdout": replace("stdout"),
    "no-stderr": replace("stderr"),
}
handler._service._model._engine = Engine()
lambda_handler = handler.lambda_handler

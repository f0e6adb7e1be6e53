"""Sends events through the handler and holds what comes of each against what must."""

import io
import json
import sys
import time
import traceback
from contextlib import redirect_stderr, redirect_stdout
from types import SimpleNamespace
from unittest.mock import patch

from serving.app import handler
from serving.app.http import fast_path
from serving.tests.answers import check_answer, read_json
from serving.tests.hostile import SECRET

CONTEXT = SimpleNamespace(aws_request_id="request-1")
MAX_SECONDS = 0.5  # of processor time: what other processes take does not count
# What may differ between the paths: when it was, how long it took, which path it was.
OWN = {"path", "predict.duration", "load_model.duration", "cold_start", "_aws"}


class Weak(Exception):
    """The handler did with an event what it must do with none."""


class Outcome(SimpleNamespace):
    """What came of an event: status (0 where the runtime client refuses it), path, the reply's
    size in bytes, and the processor's seconds.
    """


def attack(payload: bytes) -> Outcome:
    """Send an event, as the runtime client gets it, through both paths.

    Raises:
        Weak: It says what is wrong with what came of it.
    """
    try:
        json.loads(payload)
    except (ValueError, RecursionError):  # as awslambdaric has it; the handler never sees it
        return Outcome(status=0, path="none", size=0, seconds=0.0)
    try:
        return _attack(payload)
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__, limit=-1)[0]
        raise Weak(f"{type(error).__name__}: {error!s:.200} ({place.line})") from error


def _attack(payload: bytes) -> Outcome:
    answer, document, seconds = _send(payload)
    status = check_answer(answer, json.loads(payload))
    assert status < 500
    assert document["status"] == status
    if seconds > MAX_SECONDS:  # a slow event is slow again; what the first one loads is loaded once
        traced = sys.gettrace()
        sys.settrace(None)  # what coverage takes is not the service's
        try:
            _, _, seconds = _send(payload)
        finally:
            sys.settrace(traced)
    assert seconds <= MAX_SECONDS, f"{seconds:.1f} s of the processor"
    if document["path"] == "fast":
        _drop_cold(answer, document)
        with patch.object(fast_path, "respond", lambda *_: None):
            full_answer, full_document, _ = _send(payload)
        assert full_answer == answer, "the full app answers otherwise than the fast path"
        assert _strip(full_document) == _strip(document), "the full app measures otherwise"
    if status != 200:
        assert SECRET not in answer["body"], "the problem holds text of the request"
    size = len(answer["body"].encode())
    return Outcome(status=status, path=document["path"], size=size, seconds=seconds)


def _drop_cold(answer, document):
    """Take the header out that a process's first answer has, and no other."""
    headers = answer.get("multiValueHeaders") or answer["headers"]
    cold = headers.pop("Server-Timing", None)
    assert (cold is not None) == ("cold_start" in document), "a start is told of wrongly"


def _send(payload):
    """The answer, the EMF document and the processor's seconds."""
    event = json.loads(payload)
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        start = time.process_time()
        answer = handler.lambda_handler(event, CONTEXT)
        seconds = time.process_time() - start
    lines = out.getvalue().splitlines()
    assert len(lines) == 1, "not one EMF document"
    assert not err.getvalue(), "something was logged"
    assert SECRET not in lines[0], "the metrics hold text of the request"
    return answer, read_json(lines[0]), seconds


def _strip(document):
    return {name: value for name, value in document.items() if name not in OWN}

"""An event through the fast path and through the full app, to be compared."""

import copy
import json
from types import SimpleNamespace

import pytest

from serving.app.http import fast_path

CONTEXT = SimpleNamespace(aws_request_id="request-1")
# What may differ: when it was, how long it took, and which way it went.
OWN = {"path", "predict.duration", "load_model.duration", "Timestamp"}


def check_both_ways(start_service, folder, capsys, event):
    """Hold what both ways say of an event, and measure, against each other: the way it took."""
    answer, document = send(start_service(folder), capsys, event)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast_path, "respond", lambda *_: None)
        full_answer, full_document = send(start_service(folder), capsys, event)
    assert json.dumps(answer) == json.dumps(full_answer)
    assert full_document["path"] == "full"
    assert strip(document) == strip(full_document)
    return document["path"]


def send(client, capsys, event):
    """Answer and metrics of an event."""
    capsys.readouterr()
    answer = client.handler.lambda_handler(copy.deepcopy(event), CONTEXT)
    return answer, json.loads(capsys.readouterr().out)


def strip(document):
    """A document without what no two invocations share; all values of the same kind."""
    if isinstance(document, dict):
        return {name: strip(value) for name, value in document.items() if name not in OWN}
    return [strip(one) for one in document] if isinstance(document, list) else document

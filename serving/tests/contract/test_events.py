"""Events as API Gateway sends them, from every place where the service can stand.

The files follow the examples of the API Gateway Developer Guide, with their ids replaced.
"""

import json
from pathlib import Path

import pytest

EVENTS = sorted((Path(__file__).parents[1] / "events").glob("*.json"))


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_event_of_api_gateway_gets_its_answer(client, path):
    recorded = json.loads(path.read_text(encoding="utf-8"))
    answer = client.send(recorded["event"])
    assert answer.status == recorded["status"], answer.text
    assert len(answer.emf) == 1

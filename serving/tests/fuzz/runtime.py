"""Sends events to a handler under the real awslambdaric, in one process if they let it live."""

import json
from collections.abc import Callable, Iterable

from serving.app.settings import LAMBDA_BYTES
from serving.tests.answers import check_answer, read_json
from serving.tests.runtime_api import Runtime, RuntimeDied, read_memory


def send_all(
    handler: str, payloads: Iterable[bytes], count: int, step: Callable[[], object]
) -> dict:
    """Send `count` events one after the other.

    Returns:
        How many were tried; how many ended in an exception of the handler, an answer that is not
        valid, a status of 5xx, the end of the process; the slowest refusal in milliseconds, the
        largest reply in bytes; the memory that the process had after half of them and at the end,
        in bytes; each status, 0 where there is none.
    """
    found = {"tried": 0, "exceptions": 0, "invalid": 0, "5xx": 0, "deaths": 0}
    found |= {"refused by the runtime client": 0, "slowest": 0.0, "largest": 0, "statuses": []}
    check = check_answer if handler.startswith("serving.app.") else check_any
    runtime = Runtime(handler)
    runtime.invoke(b"{}")  # what the first invocation takes is not its event's doing
    for number, payload in enumerate(payloads):
        if number == count // 2:
            found["memory"] = [read_memory(runtime.process.pid)]
        found["tried"] += 1
        status = 0
        try:
            invocation = runtime.invoke(payload)
        except RuntimeDied:
            found["deaths"] += 1
            runtime.stop()
            runtime = Runtime(handler)
        else:
            found["largest"] = max(found["largest"], len(invocation.body))
            if invocation.kind == "error":
                unread = invocation.json["errorType"] == "Runtime.UnmarshalError"
                found["refused by the runtime client" if unread else "exceptions"] += 1
            else:
                try:
                    status = check(invocation.json)
                except (AssertionError, ValueError):
                    found["invalid"] += 1
                found["5xx"] += status >= 500
            if status != 200:
                found["slowest"] = max(found["slowest"], invocation.seconds * 1000)
        found["statuses"].append(status)
        step()
    found["memory"].append(read_memory(runtime.process.pid))
    found["alive at the end"] = runtime.process.poll() is None
    runtime.stop()
    return found


def check_any(answer: dict) -> int:
    """What API Gateway and a client need of any answer.

    Raises:
        AssertionError, ValueError: It is too large, or not what its Content-Type says.
    """
    assert len(json.dumps(answer, ensure_ascii=False).encode()) <= LAMBDA_BYTES
    if "json" in str(answer.get("multiValueHeaders")):
        read_json(answer["body"])
    return answer["statusCode"]

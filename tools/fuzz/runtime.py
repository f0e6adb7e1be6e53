"""Sends events to a handler under the real awslambdaric, in one process if they let it live."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from serving.app.limits import LAMBDA_BYTES
from serving.bundle.manifest import MODEL_NAME
from serving.tests.answers import check_answer, read_json
from serving.tests.hostile import SECRET
from tools.fuzz.findings import Findings, progress
from tools.runtime_api import Runtime, RuntimeDied, read_memory

OURS, NAIVE = "serving.app.handler.lambda_handler", "bench.naive.handler"
UNREAD = "Runtime.UnmarshalError"  # the runtime client refuses the event, the handler never sees it


class Environment:
    """A handler's process with the model of a bundle, started anew where it dies.

    Attributes:
        counts: How many events were tried; how many the runtime client refused, ended in an
            exception of the handler, an answer that is not valid, a status of 5xx, not one EMF
            document or a log record, text of the request in one of these or in a problem, the end
            of the process.
        slowest: The slowest refusal, in milliseconds.
        largest: The largest reply, in bytes.
    """

    def __init__(self, handler: str, bundle: Path) -> None:
        self._handler = handler
        self._variables = {
            "QUICKTHAW_BUNDLE": str(bundle),
            "MODEL_PATH": str(bundle / MODEL_NAME),
        }
        self.counts = Counter(tried=0, unread=0, exception=0, invalid=0, death=0)
        self.counts.update({"5xx": 0, "metrics": 0, "leak": 0})
        self.slowest, self.largest = 0.0, 0
        self.start()

    def start(self) -> None:
        self.runtime = Runtime(self._handler, self._variables)
        self.runtime.invoke(b"{}")  # what the first invocation takes is not its event's doing
        self.runtime.output()

    def send(self, payload: bytes) -> tuple[int, str | None]:
        """Send an event: its status, 0 where there is none, and what is wrong with it."""
        self.counts["tried"] += 1
        try:
            invocation = self.runtime.invoke(payload)
        except RuntimeDied:
            self.runtime.stop()
            self.start()
            return 0, self._count("death")
        self.largest = max(self.largest, len(invocation.body))
        out, err = self.runtime.output()
        status, wrong = 0, None
        if invocation.kind == "error":
            if invocation.json["errorType"] == UNREAD:
                self._count("unread")
            else:
                wrong = self._count("exception")
        else:
            try:
                if self._handler == OURS:
                    status = check_answer(invocation.json, json.loads(payload))
                else:
                    status = check_any(invocation.json)
            except (AssertionError, ValueError):
                wrong = self._count("invalid")
            if status >= 500:
                wrong = self._count("5xx")
            if self._handler == OURS and (out.count(b'"_aws"') != 1 or err):
                wrong = self._count("metrics")
            told = out + err + (b"" if status == 200 else invocation.body)
            if self._handler == OURS and SECRET.encode() in told:
                wrong = self._count("leak")
        if status != 200:
            self.slowest = max(self.slowest, invocation.seconds * 1000)
        return status, wrong

    def _count(self, kind: str) -> str:
        self.counts[kind] += 1
        return kind

    @property
    def results(self) -> dict:
        return self.counts | {"slowest": self.slowest, "largest": self.largest}


def send_table(
    handler: str, bundle: Path, events: dict[str, tuple[int, object]], findings: Findings
) -> dict:
    """The hostile events; ours must give each the status that it should get."""
    environment, otherwise = Environment(handler, bundle), 0
    with progress(len(events), f"events to {handler.partition('.')[0]}") as bar:
        for name, (expected, event) in events.items():
            payload = json.dumps(event).encode()
            status, wrong = environment.send(payload)
            if handler == OURS and (wrong or status != expected):
                otherwise += not wrong
                findings.add(f"{name}: {wrong or f'{status}, not {expected}'}", payload)
            bar.update()
    environment.runtime.stop()
    return environment.results | {"otherwise": otherwise}


def send_mutants(bundle: Path, mutants: Iterable[bytes], count: int, findings: Findings) -> dict:
    """Mutants; "memory" is what the process had after half of them and at the end, in bytes."""
    environment, memory = Environment(OURS, bundle), []
    with progress(count, "mutants to awslambdaric") as bar:
        for number, payload in enumerate(mutants):
            if number == count // 2:
                memory.append(read_memory(environment.runtime.process.pid))
            _, wrong = environment.send(payload)
            if wrong:
                findings.add(f"a mutant: {wrong}", payload)
            bar.update()
    memory.append(read_memory(environment.runtime.process.pid))
    environment.runtime.stop()
    return environment.results | {"memory": memory}


def check_any(answer: dict) -> int:
    """What API Gateway and a client need of any answer.

    Raises:
        AssertionError, ValueError: It is too large, or not what its Content-Type says.
    """
    assert len(json.dumps(answer, ensure_ascii=False).encode()) <= LAMBDA_BYTES
    if "json" in str(answer.get("multiValueHeaders") or answer.get("headers")):
        read_json(answer["body"])
    return answer["statusCode"]

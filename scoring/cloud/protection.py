"""ECS is asked not to stop the task that works: it would stop whichever it likes.

Amazon ECS Developer Guide, "Task scale-in protection endpoint". Without ECS it does nothing.
"""

import ipaddress
import json
import os
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from serving.app.telemetry.log import log_failure

AGENT = "ECS_AGENT_URI"  # which ECS sets
PATH = "/task-protection/v1/state"
# A deployment waits for protected tasks, and ECS may refuse to renew what it waits for: so long has
# an object still then.
MINUTES = 60
TIMEOUT_SECONDS = 2
MAX_BYTES = 65_536
FAILED = "the task is not protected"  # an alarm leaves it out (serving/deployment/stacks/bulk.py)
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Protection:
    """That of the task which this process runs in. What fails is logged once, and work goes on.

    Args:
        environ: Where ECS says where its agent is.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._agent = environ.get(AGENT, "")
        self._asked = False
        self._told: set[type[Exception]] = set()

    def ask(self) -> None:
        """Protect the task, or go on to."""
        if self._agent:
            self._asked = True
            self._put({"ProtectionEnabled": True, "ExpiresInMinutes": MINUTES})

    def release(self) -> None:
        """Let the task be stopped, if it was protected."""
        if self._asked:
            self._asked = False
            self._put({"ProtectionEnabled": False})

    def _put(self, state: dict[str, Any]) -> None:
        try:
            _send(self._agent, state)
        except (OSError, HTTPException, ValueError) as error:
            if type(error) not in self._told:
                self._told.add(type(error))
                log_failure(error, message=FAILED)


def _send(agent: str, state: dict[str, Any]) -> None:
    found = urlsplit(agent)
    host = ipaddress.ip_address(found.hostname or "")
    if found.scheme != "http" or not (host.is_loopback or host.is_link_local):
        raise ValueError(f"{AGENT} is no address of this machine")
    request = urllib.request.Request(  # noqa: S310 - http, and on this machine
        f"{agent}{PATH}",
        data=json.dumps(state).encode(),
        headers={"Content-Type": "application/json"},
        method="PUT",
    )
    with OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
        told = json.loads(answer.read(MAX_BYTES))
    if not _is_said(told, enabled=state["ProtectionEnabled"]):
        raise ValueError("ECS has refused")


def _is_said(told: Any, *, enabled: bool) -> bool:
    """Whether that is the state now; a failure has another key."""
    protection = told.get("protection") if isinstance(told, dict) else None
    return isinstance(protection, dict) and protection.get("ProtectionEnabled") is enabled

"""Sends requests at a constant rate, whatever becomes of those before: an open loop.

A generator that waits for answers before it goes on asks less just when a service is slow, so the
waits of those who would have asked meanwhile are in no percentile ("coordinated omission"). Here
each request has a time at which it is due, the latency counts from that time, and nothing that a
service does moves it. aiohttp sends; its connections are as many as a load balancer's, and whoever
finds none free waits, which counts, too.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import aiohttp

from bench.load.mix import Request
from bench.load.target import Target, TargetError

CONNECTIONS = 200  # `make serve` takes 256
SECONDS = 30.0  # until a request has failed: API Gateway waits for 29
GOOD = range(200, 400)
LEAD = 0.1  # seconds until the first is due


class Outcome(NamedTuple):
    """What became of a request.

    Attributes:
        route: A name of mix.ROUTES.
        due: When it was to be sent, in seconds after the first was.
        late: How long after that it was, which is the generator's own fault.
        took: From when it was due until its answer was read whole.
        error: Nothing, or the status in digits, or what happened instead of an answer.
    """

    route: str
    due: float
    late: float
    took: float
    error: str


def send_steadily(target: Target, requests: Sequence[Request], rate: float) -> list[Outcome]:
    """Send requests at so many a second, and wait for all answers."""
    return asyncio.run(_send_steadily(target, requests, rate))


def send_busily(target: Target, requests: Iterable[Request], workers: int) -> dict[str, int]:
    """Send requests as fast as they are answered, so many at once: errors and their counts.

    For what is no question of time.
    """
    return asyncio.run(_send_busily(target, requests, workers))


def ask(target: Target, path: str) -> tuple[int, bytes]:
    """Status and body of one GET.

    Raises:
        TargetError: No answer came.
    """
    return asyncio.run(_ask(target, path))


async def _ask(target: Target, path: str) -> tuple[int, bytes]:
    async with _open(target) as session:
        try:
            return await _exchange(session, target, Request(path, "GET", path, b""))
        except aiohttp.ClientConnectorError:
            raise TargetError(f"nothing listens at {target.url}: {target.start}") from None
        except (aiohttp.ClientError, TimeoutError) as error:
            name = type(error).__name__
            raise TargetError(f"{target.url} does not answer ({name}): {target.start}") from None


async def _send_steadily(target: Target, requests: Sequence[Request], rate: float) -> list[Outcome]:
    async with _open(target) as session, asyncio.TaskGroup() as group:
        start, sent = time.monotonic() + LEAD, []
        for number, request in enumerate(requests):
            due = start + number / rate
            # Always once, so that answers are read while the sending is behind.
            await asyncio.sleep(due - time.monotonic())
            sent.append(group.create_task(_send(session, target, request, due, start)))
    return [one.result() for one in sent]


async def _send(
    session: aiohttp.ClientSession, target: Target, request: Request, due: float, start: float
) -> Outcome:
    late = time.monotonic() - due
    error = await _try(session, target, request)
    return Outcome(request.route, due - start, late, time.monotonic() - due, error)


async def _send_busily(target: Target, requests: Iterable[Request], workers: int) -> dict[str, int]:
    errors: dict[str, int] = {}
    unsent = iter(requests)

    async def work() -> None:
        for request in unsent:
            if error := await _try(session, target, request):
                errors[error] = errors.get(error, 0) + 1

    async with _open(target) as session, asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(work())
    return errors


async def _try(session: aiohttp.ClientSession, target: Target, request: Request) -> str:
    """Nothing, or why it failed."""
    try:
        status, _ = await _exchange(session, target, request)
    except TimeoutError:
        return "no answer in time"
    except aiohttp.ClientConnectorError:
        return "no connection"
    except aiohttp.ClientError as error:
        return type(error).__name__
    return "" if status in GOOD else str(status)


async def _exchange(
    session: aiohttp.ClientSession, target: Target, request: Request
) -> tuple[int, bytes]:
    url = target.address + request.path
    headers = target.sign(request.method, url, request.body)
    data = request.body or None
    async with session.request(
        request.method, url, data=data, headers=headers, allow_redirects=False
    ) as answer:
        return answer.status, await answer.read()


def _open(target: Target) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS),
        timeout=aiohttp.ClientTimeout(total=SECONDS),
        trust_env=not target.is_here,  # no proxy can reach what listens here
    )

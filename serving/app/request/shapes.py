"""The shapes in which AWS sends a request, to the one that is read here and back again.

What is read is a REST API's event (payload 1.0). Another shape is told by `find_shape`, in the
time of two look-ups; all that turns it into that one is in `conversion.py`, which only requests of
another shape load. Cookies are not read.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

REST = ""
HTTP = "http"  # payload 2.0: an HTTP API, or a function URL
BALANCER = "balancer"  # an Application Load Balancer's target, one value a header
MULTI_BALANCER = "multi-balancer"  # the same, where the target group has multi-value headers


def find_shape(event: Any) -> str:
    """The shape of an event. An event of unknown shape gets `REST`, whose reader refuses it."""
    about = event.get("requestContext") if type(event) is dict else None
    if type(about) is dict:
        if "elb" in about:
            return MULTI_BALANCER if "multiValueHeaders" in event else BALANCER
        if "http" in about and event.get("version") == "2.0":
            return HTTP
    return REST


def to_rest(event: Any, shape: str) -> Any:
    """An event of a shape as a REST API's. Raises nothing: what is wrong stays to be refused."""
    if shape == REST:
        return event
    from serving.app.request import conversion  # noqa: PLC0415 - a REST API's do without

    return conversion.from_http(event) if shape == HTTP else conversion.from_balancer(event)


def from_rest(answer: dict[str, Any], shape: str) -> dict[str, Any]:
    """The answer to a REST API as a shape's caller wants it."""
    if shape == REST:
        return answer
    from serving.app.request import conversion  # noqa: PLC0415 - a REST API's do without

    return conversion.to_answer(answer, single=shape != MULTI_BALANCER, described=shape != HTTP)

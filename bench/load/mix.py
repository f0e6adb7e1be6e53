"""What a load test asks: requests of a model's own kind of input, routes drawn by their weights.

Bodies are made of the manifest's golden examples, so they are of any model. A text is made of the
words of two, and of a number, so no two are the same; a record has each field of one example or
another; a picture is one as it is.
"""

import json
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

from serving.bundle.inputs import make_batch, make_example
from serving.bundle.manifest import Manifest

BATCH = 100  # inputs of a batch
POOL = 200  # requests of a route that are made before the test: making them must not delay sending
BATCHES = 20  # the same of batches, which are large
READING = {"model": "model", "labels": "labels", "health": "health"}
ASKING = {"predict": "predict", "top": "predict?top=3", "explain": "predict?explain=true"}
ROUTES = (*ASKING, "batch", *READING)
# Where nothing is said: mostly single inputs, and a little of each other route.
WEIGHTS = {"predict": 90.0, "batch": 2.0, "top": 3.0, "explain": 3.0, "model": 1.0, "health": 1.0}


class MixError(ValueError):
    """The routes that were asked for cannot be asked."""


class Request(NamedTuple):
    """A request: a name of `ROUTES`, method, path below the service's address, body."""

    route: str
    method: str
    path: str
    body: bytes


def read_weights(text: str, task: str) -> dict[str, float]:
    """Routes and their weights, as in "predict:9,batch:1" or "predict"; "" is `WEIGHTS`.

    Raises:
        MixError: There is no such route, or not of this task, or a weight is no positive number.
    """
    if not text:
        return {name: one for name, one in WEIGHTS.items() if has_route(name, task)}
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, _, weight = part.strip().partition(":")
        if name not in ROUTES:
            raise MixError(f"there is no route {name!r}: ROUTES= some of {','.join(ROUTES)}")
        if not has_route(name, task):
            raise MixError(f"a {task} has no route {name}: leave it out of ROUTES=")
        if weight and not (weight.isdecimal() and int(weight) > 0):
            raise MixError(f"{part.strip()!r} is no route and weight: ROUTES=predict:9,batch:1")
        weights[name] = float(weight or 1)
    return weights


def has_route(name: str, task: str) -> bool:
    return name != "top" or task == "classification"


class Mixer:
    """Makes the requests of a model.

    Args:
        manifest: The model's.
        weights: How often each route is asked.
        seed: The same gives the same requests.
    """

    def __init__(self, manifest: Manifest, weights: dict[str, float], seed: int = 0) -> None:
        self._described = manifest.input
        self._examples = [*(one["input"] for one in manifest.golden), make_example(manifest.input)]
        self._weights = weights
        self._random = Random(seed)

    def draw(self, count: int) -> list[Request]:
        """So many requests, those of a route from a pool of it."""
        pools = {
            name: [self.make(name) for _ in range(BATCHES if name == "batch" else POOL)]
            for name in self._weights
        }
        return [self._random.choice(pools[name]) for name in self._choose(count)]

    def stream(self, count: int) -> Iterator[Request]:
        """So many requests, each made anew."""
        for name in self._choose(count):
            yield self.make(name)

    def _choose(self, count: int) -> list[str]:
        return self._random.choices([*self._weights], [*self._weights.values()], k=count)

    def make(self, route: str) -> Request:
        """A request of a route."""
        if route in READING:
            return Request(route, "GET", READING[route], b"")
        if route == "batch":
            body = make_batch(self._described, [self._make_input() for _ in range(BATCH)])
            return Request(route, "POST", "predict/batch", _encode(body))
        return Request(route, "POST", ASKING[route], _encode(self._make_input()))

    def _make_input(self) -> dict[str, Any]:
        """A body of `POST /predict`."""
        one, other = self._random.choices(self._examples, k=2)
        if self._described["kind"] == "text":
            words = f"{one['text']} {other['text']}".split()
            kept = self._random.sample(words, (len(words) + 1) // 2)
            return {"text": " ".join([*kept, str(self._random.getrandbits(32))])}
        if self._described["kind"] == "record":
            return {name: self._random.choice((one, other))[name] for name in one}
        return dict(one)


def _encode(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()

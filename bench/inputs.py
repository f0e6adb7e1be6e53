"""What is asked: the same requests for each contender."""

import json
import random
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

from serving.app.inputs import find_input
from serving.bundle.inputs import make_batch, make_example
from serving.bundle.manifest import read_manifest
from training.data.dataset import read_examples
from training.paths import Paths

LONG = 60  # words
SHORT = 12
HOST = "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"
HEADERS = {
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate, br",
    "Content-Type": "application/json",
    "Host": HOST,
    "User-Agent": "curl/8.14.1",
    "X-Amzn-Trace-Id": "Root=1-6743a1b2-0123456789abcdef01234567",
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Port": "443",
    "X-Forwarded-Proto": "https",
}


class Request(NamedTuple):
    """A request, encoded beforehand: as HTTP has it, and as the event that API Gateway sends."""

    path: str
    body: bytes
    event: bytes


def ask(body: Any) -> Request:
    return _encode("/predict", body)


def ask_example(bundle: Path) -> Request:
    """The example of a bundle's manifest."""
    return ask(make_example(read_manifest(bundle).input))


def ask_golden(bundle: Path) -> list[Request]:
    """The golden examples of a bundle's manifest; where it has none, its example."""
    manifest = read_manifest(bundle)
    golden = [ask(one["input"]) for one in manifest.golden]
    return golden or [ask_example(bundle)]


def ask_batch(described: dict[str, Any], bodies: list[Any]) -> Request:
    """A batch of bodies of `POST /predict`."""
    return _encode("/predict/batch", make_batch(described, bodies))


def fits(described: dict[str, Any], request: Request) -> bool:
    """Whether the service takes a body of that size."""
    return len(request.body) <= find_input(described).bounds.body_bytes


def _encode(path: str, value: Any) -> Request:
    body = json.dumps(value)
    event = {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": "POST",
        "headers": HEADERS,
        "multiValueHeaders": {name: [value] for name, value in HEADERS.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path[1:]},
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/{proxy+}",
            "httpMethod": "POST",
            "path": f"/prod{path}",
            "protocol": "HTTP/1.1",
            "stage": "prod",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "identity": {"sourceIp": "203.0.113.7", "userAgent": "curl/8.14.1"},
            "domainName": HOST,
            "apiId": "a1b2c3d4e5",
        },
        "body": body,
        "isBase64Encoded": False,
    }
    return Request(path, body.encode(), json.dumps(event).encode())


def draw(
    rng: random.Random, paths: Paths, described: dict[str, Any], single: int, pieces: int
) -> tuple[list[Any], list[Any]]:
    """Bodies of `POST /predict`: `single` ones that are asked alone, `pieces` that go into batches.

    Of texts, see `draw_texts`; records and pictures are those of the test part (or else the golden
    examples), again and again where there are fewer of them.
    """
    if described["kind"] == "text":
        long, short = draw_texts(rng, paths, single, pieces)
        return [{"text": text} for text in long], [{"text": text} for text in short]
    bodies = _read_bodies(paths, described)
    rng.shuffle(bodies)
    endless = cycle(bodies)
    return list(islice(endless, single)), list(islice(endless, pieces))


def _read_bodies(paths: Paths, described: dict[str, Any]) -> list[Any]:
    if not paths.test.exists():
        return [one["input"] for one in read_manifest(paths.bundle).golden]
    names = list(make_example(described))
    # The test part keeps more of a picture than what is sent.
    return [{name: one.input[name] for name in names} for one in read_examples(paths.test)]


def draw_texts(
    rng: random.Random, paths: Paths, long: int, short: int
) -> tuple[list[str], list[str]]:
    """`long` texts of about 60 words and `short` ones of 12, no two of them of the same words.

    Of the documents of the test part, or else random words of the vocabulary of its model.joblib.
    """
    found = _read_words(paths.test)
    if not paths.test.exists():
        found = _make_words(rng, paths.model, long, short)
    documents = list(found)
    rng.shuffle(documents)
    first, rest = documents[:long], documents[long:]
    pieces = [
        words[place : place + SHORT]
        for words in rest
        for place in range(0, len(words) - SHORT + 1, SHORT)
    ]
    return [" ".join(words[:LONG]) for words in first], [
        " ".join(words) for words in rng.sample(pieces, short)
    ]


def _read_words(test: Path) -> Iterator[list[str]]:
    for document in read_examples(test):
        yield document.input.split()


def _make_words(rng: random.Random, model: Path, long: int, short: int) -> Iterator[list[str]]:
    import joblib  # noqa: PLC0415 - and with it scikit-learn, for this alone

    vocabulary = sorted(joblib.load(model)[0].vocabulary_)
    for _ in range(long + short * SHORT // LONG + 1):
        yield rng.choices(vocabulary, k=LONG)

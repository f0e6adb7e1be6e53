"""What attacks know of a model's input, from its manifest: bodies, words, full batches."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import joblib

from serving.app.engines.terms import Terms
from serving.app.limits import MAX_BODY_BYTES
from serving.bundle.inputs import MAX_BATCH, MAX_TEXT_CHARS, make_batch, make_example
from serving.tests.hostile import SECRET

ODD = [f"the goalie made 35 saves {SECRET}", "a ship 😀 in the harbour é", "x"]
STRINGS = {"text", "category"}
ROOM = MAX_BODY_BYTES * 95 // 100  # for the inputs, beside what JSON needs
WORDS = 100  # in a text


def make_bodies(described: dict[str, Any]) -> list[Any]:
    """Valid bodies of `POST /predict`, the odd ones that there can be among them."""
    example = make_example(described)
    if described["kind"] == "text":
        return [{"text": text} for text in ODD]
    fields = described["fields"]
    strings = [field["name"] for field in fields if field["type"] in STRINGS]
    nulls = [field["name"] for field in fields if field["nullable"]]
    ends = {field["name"]: field["range"] for field in fields if "range" in field}
    return [
        *(example | dict.fromkeys(strings, text) for text in ODD),
        example | dict.fromkeys(nulls),
        example | {name: low for name, (low, _) in ends.items()},
        example | {name: high for name, (_, high) in ends.items()},
    ]


def list_names(described: dict[str, Any]) -> list[str]:
    """The names of members that bodies have."""
    if described["kind"] == "text":
        return ["text", "texts"]
    return ["records", *make_example(described)]


def make_full_batches(described: dict[str, Any], model: Path, seed: int) -> Iterator[Any]:
    """The largest bodies of `POST /predict/batch`.

    Each text has words of its own, as far as the model has any.
    """
    if described["kind"] == "text":
        words = list_words(described, joblib.load(model))
        for count in (ROOM // MAX_TEXT_CHARS + 1, 199, MAX_BATCH):
            yield {"texts": _make_texts(words, count, seed)}
    else:
        for body in make_bodies(described):
            count = min(MAX_BATCH, ROOM // len(json.dumps(body)))
            yield make_batch(described, [body] * count)


def make_inputs(described: dict[str, Any], model: Any) -> list[Any]:
    """Bodies that between them ask for all that a model knows, as far as that is known."""
    if described["kind"] != "text":
        return make_bodies(described)
    words = list_words(described, model)
    places = range(0, len(words), WORDS)
    return [{"text": " ".join(words[place : place + WORDS])} for place in places]


def list_words(described: dict[str, Any], model: Any) -> list[str]:
    """The terms of a model of texts; the example's words, where it has no vocabulary."""
    terms = Terms.find(model)
    return sorted(terms.vocabulary) if terms else described["example"].split()


def _make_texts(words: list[str], count: int, seed: int) -> list[str]:
    random, shuffled, texts = Random(seed), [], []
    for _ in range(count):
        text = ""
        while len(text) < ROOM // count - 50:
            if not shuffled:
                shuffled = random.sample(words, len(words))
            text += f"{shuffled.pop()} "
        texts.append(text)
    return texts

"""What attacks know of a model's input, from its manifest: bodies, words, full batches."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import joblib

from serving.app.engines.terms import Terms
from serving.app.limits import MAX_BODY_BYTES, MAX_PIXELS
from serving.app.pictures.decode import decode
from serving.bundle.inputs import MAX_BATCH, MAX_TEXT_CHARS, make_batch, make_example
from serving.tests.hostile import SECRET
from serving.tests.picture_files import chunk, exif, jpeg, png, progressive

ODD = [f"the goalie made 35 saves {SECRET}", "a ship 😀 in the harbour é", "x"]
STRINGS = {"text", "category"}
ROOM = MAX_BODY_BYTES * 95 // 100  # for the inputs, beside what JSON needs
WORDS = 100  # in a text
PICTURES = [
    png(8, 8, 8, 6, before=[chunk(b"tEXt", f"Comment\0{SECRET}".encode())]),
    png(9, 5, 2, 3, interlaced=True, before=[chunk(b"eXIf", exif(6))]),
    png(200, 150, 16, 2),
    jpeg(24, 16, 3),
    progressive(16, 16, 2),
]


def make_bodies(described: dict[str, Any]) -> list[Any]:
    """Valid bodies of `POST /predict`, the odd ones that there can be among them."""
    example = make_example(described)
    if described["kind"] == "text":
        return [{"text": text} for text in ODD]
    if described["kind"] == "image":
        return [example, *({"image": base64.b64encode(one).decode()} for one in PICTURES)]
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
    if described["kind"] == "image":
        return ["image", "images"]
    return ["records", *make_example(described)]


def make_full_batches(described: dict[str, Any], model: Path, seed: int) -> Iterator[Any]:
    """The largest bodies of `POST /predict/batch`.

    Each text has words of its own, as far as the model has any.
    """
    if described["kind"] == "text":
        words = list_words(described, joblib.load(model))
        for count in (ROOM // MAX_TEXT_CHARS + 1, 199, MAX_BATCH):
            yield {"texts": _make_texts(words, count, seed)}
    elif described["kind"] == "image":
        for body in make_bodies(described):
            pixels = decode(base64.b64decode(body["image"])).sent
            yield make_batch(described, [body] * min(MAX_BATCH, MAX_PIXELS // pixels))
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

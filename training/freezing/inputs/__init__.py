"""Inputs that a frozen model could stumble over, for its proof: besides those of the test part."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from training.freezing.inputs.images import generate_images
from training.freezing.inputs.records import generate_records
from training.freezing.inputs.texts import generate_texts

WORDS_READ = 200  # of so many texts, where a model has no vocabulary


def generate(
    described: dict[str, Any], pipeline: Any, values: Sequence[Any], count: int, seed: int
) -> Iterator[Any]:
    """Inputs, as the input kind reads them: the same for the same seed.

    Args:
        described: The input, as the manifest describes it.
        pipeline: Fitted; where it decides is where a frozen one could decide otherwise.
        values: Inputs of the test part, to make others of.
        count: How many.
        seed: Of what is random.
    """
    if described["kind"] == "text":
        yield from generate_texts(find_words(pipeline, values), count, seed)
    elif described["kind"] == "image":
        yield from generate_images(values, count, seed)
    else:
        yield from generate_records(described["fields"], pipeline, values, count, seed)


def find_words(pipeline: Any, texts: Sequence[str]) -> list[str]:
    """The terms that a pipeline knows; of one without a vocabulary the words of texts."""
    for _, step in getattr(pipeline, "steps", ()):
        if getattr(step, "vocabulary_", None):
            return list(step.vocabulary_)
    found = (word for text in islice(texts, WORDS_READ) for word in re.findall(r"\w+", text))
    return sorted(set(found)) or ["a"]

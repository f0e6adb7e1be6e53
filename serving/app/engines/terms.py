"""The terms of a text, as a fitted pipeline's vectorizer finds them."""

from __future__ import annotations

from copy import copy
from typing import Any, Self

from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Terms:
    """The step of a pipeline that has a vocabulary, and what lies before it.

    Attributes:
        place: The step's index in the pipeline.
        vocabulary: Its terms, each with its column.
    """

    def __init__(self, pipeline: Any, place: int) -> None:
        self.place = place
        self._before = pipeline[:place]
        self._vectorizer = pipeline[place]
        self.vocabulary: dict[str, int] = self._vectorizer.vocabulary_
        self._analyze = self._vectorizer.build_analyzer()
        self._count = None
        # Texts are analyzed once, for the counts of terms and for the matrix. Not by a subclass:
        # its own analyzer would be run a second time, on terms.
        if type(self._vectorizer) in (CountVectorizer, TfidfVectorizer):
            self._count = copy(self._vectorizer).set_params(analyzer=list)

    @classmethod
    def find(cls, model: Any) -> Self | None:
        """The first such step of a fitted model; None where it has none."""
        for place, (_, step) in enumerate(getattr(model, "steps", ())):
            if isinstance(step, CountVectorizer):
                return cls(model, place)
        return None

    def analyze(self, texts: Sequence[str]) -> list[list[str]]:
        """The terms of each text, repeats included."""
        return [list(self._analyze(text)) for text in transform(self._before, texts)]

    def count(self, terms: list[str]) -> tuple[int, int]:
        """How many terms there are, and how many of them the vocabulary lacks."""
        return len(terms), sum(term not in self.vocabulary for term in terms)

    def vectorize(self, texts: Sequence[str], terms: list[list[str]]) -> Any:
        """The matrix of texts that were analyzed: (n_texts, n_terms)."""
        if self._count is not None:
            return self._count.transform(terms)
        return self._vectorizer.transform(transform(self._before, texts))


def transform(steps: Any, values: Any) -> Any:
    """What steps of a pipeline make of values: without a step, the values.

    One after the other: a pipeline that is cut off before its model would ask the step that is
    then its last one whether it is fitted, and one that learns nothing need not say so.
    """
    for _, step in steps.steps:
        if step is not None and step != "passthrough":
            values = step.transform(values)
    return values

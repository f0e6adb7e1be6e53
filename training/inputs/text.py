"""The input kind `text`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.app.engines.terms import Terms
from training.data.dataset import Example, list_rows
from training.inputs import find_quantiles
from training.settings.params import Train, Validate
from training.settings.schema import Schema
from training.text.reading import build_reader, count_letters

SHOWN_CHARS = 240


@dataclass(frozen=True)
class Loss:
    """The share of the letters that the model cannot know of; in all, and by row."""

    share: float
    by_row: dict[int, float]

    def list_worst(self, most: float) -> list[int]:
        """Rows of the texts that lose more than that, the worst first."""
        worst = sorted(self.by_row, key=lambda row: -self.by_row[row])
        return [row for row in worst if self.by_row[row] > most]


class TextInput:
    """What the steps ask of it; see `inputs.Input`."""

    def __init__(self, described: dict[str, Any], params: Train) -> None:
        self.described = described
        self._reader = build_reader(params)

    def shape(self, inputs: Iterable[str]) -> NDArray[np.object_]:
        return np.array([*inputs], dtype=object)

    def read(self, value: str) -> str:
        return value

    def identify(self, value: str) -> str | None:
        return self._reader.read(value) or None

    def has_content(self, value: str) -> bool:
        return bool(self._reader.read(value)) or count_letters(value) > 0

    def repeats_are_mistakes(self, _: Sequence[Example]) -> bool:
        return True

    def check_form(self, examples: Iterable[Example]) -> list[str]:
        # A long one is no problem: a request may not have it, and a document may.
        wrong = [one.row for one in examples if not isinstance(one.input, str)]
        return [f"examples whose input is no text: rows {list_rows(wrong)}"] if wrong else []

    def find_problems(
        self, train: Sequence[Example], test: Sequence[Example], limits: Validate
    ) -> list[str]:
        losses = {"training": self._measure_loss(train), "test": self._measure_loss(test)}
        most = limits.max_lost_letters
        return [
            f"{loss.share:.1%} of the letters of the {part} texts are in no word, more than "
            f"validate.max_lost_letters ({most:g}): change train.vectorizer (preprocessing, "
            f"strip_accents, token_pattern): rows {list_rows(loss.list_worst(most))}"
            for part, loss in losses.items()
            if loss.share > most
        ]

    def find_doubts(self, train: Sequence[Example], test: Sequence[Example]) -> list[str]:
        unread = [one.row for one in [*train, *test] if self.identify(one.input) is None]
        return [f"texts of which the model reads nothing: rows {list_rows(unread)}"] * bool(unread)

    def measure(self, train: Sequence[Example], test: Sequence[Example]) -> dict[str, Any]:
        shares = {"train": self._measure_loss(train).share, "test": self._measure_loss(test).share}
        return {"lost_letters": shares}

    def profile(self, model: Any, inputs: Sequence[str]) -> dict[str, Any]:
        return {
            "num_chars": find_quantiles([len(text) for text in inputs]),
            **_profile_terms(model, inputs),
        }

    def make_body(self, value: str) -> dict[str, Any]:
        return {"text": value}

    def read_body(self, body: dict[str, Any]) -> str:
        text: str = body["text"]
        return text

    def show(self, value: str) -> str:
        return shorten(value, SHOWN_CHARS, placeholder=" …")

    def draw(self, _: Any) -> None:
        """Nothing."""

    def describe(self, _: Schema, example: dict[str, Any]) -> dict[str, Any]:
        return {"kind": "text", "example": example["text"]}

    def _measure_loss(self, examples: Iterable[Example]) -> Loss:
        """How much of the texts is lost on the way to the model."""
        letters, lost = {}, {}
        for one in examples:
            letters[one.row] = count_letters(one.input)
            lost[one.row] = self._reader.count_lost_letters(one.input)
        by_row = {row: lost[row] / letters[row] for row in letters if letters[row]}
        return Loss(sum(lost.values()) / max(1, sum(letters.values())), by_row)


def _profile_terms(model: Any, texts: Sequence[str]) -> dict[str, Any]:
    terms = Terms.find(model)
    if terms is None:
        return {}
    counts = [terms.count(found) for found in terms.analyze(texts)]
    shares = [unknown / total for total, unknown in counts if total]
    return {"unknown_terms": find_quantiles(shares)} if shares else {}

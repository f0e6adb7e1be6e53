"""How the model reads a text, so that the data is cleaned and checked as the model will see it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from training.console import StepError
from training.settings.params import Train
from training.text.vectorizer import build_vectorizer


@dataclass(frozen=True)
class Reader:
    """The preprocessing of params.yaml, and the tokens that are made of what it leaves.

    Where the model does not work by words, the whole is the token.
    """

    preprocess: Callable[[str], str]
    tokenize: Callable[[str], list[str]]

    def read(self, text: str) -> str:
        """What the preprocessing leaves: nothing, where it leaves no letter, digit or token.

        To a model by characters symbols are tokens, to one by words most often not.
        """
        left = self.preprocess(text).strip()
        return left if any(map(str.isalnum, left)) or self.tokenize(left) else ""

    def count_lost_letters(self, text: str) -> int:
        """How many letters of a text are in no word: the model cannot know of them."""
        kept = sum(map(count_letters, self.tokenize(self.preprocess(text))))
        return max(0, count_letters(text) - kept)


def build_reader(params: Train) -> Reader:
    """The reader of params.yaml's vectorizer.

    Raises:
        StepError: A setting is unknown, or has a value that it cannot have.
    """
    if params.vectorizer is None:  # what a pipeline of its own reads, nobody can say
        return Reader(str, lambda text: [text])
    vectorizer = build_vectorizer(params.vectorizer)
    by_words = vectorizer.analyzer == "word"
    try:
        reader = Reader(
            vectorizer.build_preprocessor(),
            vectorizer.build_tokenizer() if by_words else lambda text: [text],
        )
        reader.count_lost_letters("a")
    except (TypeError, ValueError, re.PatternError) as error:
        raise StepError(f"params.yaml: train.vectorizer: {error}") from None
    return reader


def count_letters(text: str) -> int:
    """How many characters are letters, of any alphabet."""
    return sum(map(str.isalpha, text))

"""Terms of several words, or of characters, as scikit-learn's analyzers make them."""

from __future__ import annotations

import re
from itertools import chain

from serving.app.engines.frozen.preprocess import find_preprocessor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from serving.app.engines.frozen.analysis import Split

# N-grams of so many lengths are few for any text; all lengths of a long one would fill any memory.
FEW_LENGTHS = 10
MAX_BYTES = 2**28
STRING = 57  # bytes of one beside its characters, with its place in a list


def join_words(split: Split, stop_words: Collection[str], shortest: int, longest: int) -> Split:
    """What makes n-grams of the words of a text, without its stop words."""
    stopped = frozenset(stop_words)

    def analyze(text: str) -> list[str]:
        tokens = split(text)
        if stopped:
            tokens = [token for token in tokens if token not in stopped]
        if shortest == longest == 1:
            return tokens
        # No n-gram is longer than the text, whatever the bound.
        lengths = range(shortest, min(longest, len(tokens)) + 1)
        _check_cost(len(tokens), len(text), lengths)
        starts = [tokens[skipped:] for skipped in range(lengths.stop - 1)]
        grams = (zip(*starts[:length], strict=False) for length in lengths)
        return list(map(" ".join, chain.from_iterable(grams)))

    return analyze


def cut_characters(op: dict[str, Any], shortest: int, longest: int) -> Split:
    """What makes n-grams of characters: `char` of the whole text, `char_wb` of each word."""
    preprocess, squeeze = find_preprocessor(op), re.compile(r"\s\s+").sub

    def analyze(text: str) -> list[str]:
        text = squeeze(" ", preprocess(text))
        lengths = range(shortest, min(longest, len(text)) + 1)
        _check_cost(len(text), len(text), lengths)
        return _cut(text, lengths)

    def analyze_within_words(text: str) -> list[str]:
        terms, words = [], squeeze(" ", preprocess(text)).split()
        most = max(map(len, words), default=0) + 2
        _check_cost(len(text), len(text), range(shortest, min(longest, most) + 1))
        for word in words:
            padded = f" {word} "
            # A word that is shorter than an n-gram is one itself, once.
            if len(padded) <= shortest:
                terms.append(padded)
            else:
                terms += _cut(padded, range(shortest, min(longest, len(padded)) + 1))
        return terms

    return analyze if op["analyzer"] == "char" else analyze_within_words


def _check_cost(pieces: int, characters: int, lengths: range) -> None:
    """Refuse n-grams of many lengths that take too much memory.

    Args:
        pieces: How many words or characters n-grams are made of.
        characters: How many there are in all.
        lengths: Of the n-grams, in pieces.

    Raises:
        ValueError: They are refused.
    """
    if len(lengths) > FEW_LENGTHS:
        cost = pieces * len(lengths) * STRING + characters * sum(lengths)
        if cost > MAX_BYTES:
            raise ValueError("a text too long for n-grams of so many lengths")


def _cut(text: str, lengths: range) -> list[str]:
    """All parts of a text of these lengths, the shorter ones first."""
    return [
        text[start : start + length]
        for length in lengths
        for start in range(len(text) - length + 1)
    ]

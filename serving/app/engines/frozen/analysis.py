"""Text to terms, as scikit-learn's analyzers make them (sklearn.feature_extraction.text)."""

from __future__ import annotations

import re
from itertools import chain

from serving.app.features import PREPROCESSORS, SPLITTERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Split = Callable[[str], list[str]]

TOKEN_PATTERN = r"(?u)\b\w\w+\b"  # noqa: S105 - scikit-learn's default


def make_analyzer(op: dict[str, Any]) -> tuple[Split | None, Split]:
    """What makes words of a text, or None, and what makes terms of it.

    Args:
        op: scikit-learn's settings; `preprocessor` is a name of features.PREPROCESSORS.
    """
    shortest, longest = op["ngram_range"]
    if op["analyzer"] != "word":
        return None, _cut_characters(op, shortest, longest)
    split = _find_splitter(op)
    stop_words = frozenset(op["stop_words"] or ())

    def analyze(text: str) -> list[str]:
        tokens = split(text)
        if stop_words:
            tokens = [token for token in tokens if token not in stop_words]
        if shortest == longest == 1:
            return tokens
        # No n-gram is longer than the text, whatever the bound.
        lengths = range(shortest, min(longest, len(tokens)) + 1)
        starts = [tokens[skipped:] for skipped in range(lengths.stop - 1)]
        grams = (zip(*starts[:length], strict=False) for length in lengths)
        return list(map(" ".join, chain.from_iterable(grams)))

    return split, analyze


def _cut_characters(op: dict[str, Any], shortest: int, longest: int) -> Split:
    """What makes n-grams of characters: `char` of the whole text, `char_wb` of each word."""
    preprocess, squeeze = _preprocessor(op), re.compile(r"\s\s+").sub

    def analyze(text: str) -> list[str]:
        text = squeeze(" ", preprocess(text))
        return _cut(text, range(shortest, min(longest, len(text)) + 1))

    def analyze_within_words(text: str) -> list[str]:
        terms = []
        for word in squeeze(" ", preprocess(text)).split():
            padded = f" {word} "
            # A word that is shorter than an n-gram is one itself, once.
            if len(padded) <= shortest:
                terms.append(padded)
            else:
                terms += _cut(padded, range(shortest, min(longest, len(padded)) + 1))
        return terms

    return analyze if op["analyzer"] == "char" else analyze_within_words


def _cut(text: str, lengths: range) -> list[str]:
    """All parts of a text of these lengths, the shorter ones first."""
    return [
        text[start : start + length]
        for length in lengths
        for start in range(len(text) - length + 1)
    ]


def _find_splitter(op: dict[str, Any]) -> Split:
    """What makes words of a text."""
    if op["preprocessor"] in SPLITTERS and op["token_pattern"] == TOKEN_PATTERN:
        return SPLITTERS[op["preprocessor"]]
    preprocess, find = _preprocessor(op), re.compile(op["token_pattern"]).findall
    return lambda text: find(preprocess(text))


def _preprocessor(op: dict[str, Any]) -> Callable[[str], str]:
    """What the vectorizer does to a text before it takes it apart."""
    if op["preprocessor"]:
        return PREPROCESSORS[op["preprocessor"]]
    accents = op["strip_accents"]
    if not accents:
        return str.lower if op["lowercase"] else str
    from unicodedata import combining, normalize  # noqa: PLC0415 - few models need it

    def preprocess(text: str) -> str:
        text = text.lower() if op["lowercase"] else text
        if accents == "unicode" and text.isascii():
            return text
        text = normalize("NFKD", text)
        if accents == "ascii":
            return text.encode("ascii", "ignore").decode()
        return "".join(filter(lambda character: not combining(character), text))

    return preprocess

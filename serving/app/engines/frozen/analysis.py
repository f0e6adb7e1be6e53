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

# N-grams of so many lengths are few for any text; all lengths of a long one would fill any memory.
FEW_LENGTHS = 10
MAX_BYTES = 2**28
STRING = 57  # bytes of one beside its characters, with its place in a list
TOKEN_PATTERN = r"(?u)\b\w\w+\b"  # noqa: S105 - scikit-learn's default


def make_analyzer(op: dict[str, Any]) -> tuple[Split | None, Split]:
    """What makes words of a text, or None, and what makes terms of it.

    Args:
        op: scikit-learn's settings; `preprocessor` is a name of features.PREPROCESSORS.
    """
    shortest, longest = op["ngram_range"]
    if not 1 <= shortest <= longest:
        raise ValueError("n-grams of no length")
    if op["analyzer"] != "word":
        return None, _cut_characters(op, shortest, longest)
    split = _find_splitter(op)
    stop_words = frozenset(op["stop_words"] or ())
    alone = shortest == longest == 1
    if alone and not stop_words:
        return split, split

    def analyze(text: str) -> list[str]:
        tokens = split(text)
        if stop_words:
            tokens = [token for token in tokens if token not in stop_words]
        if alone:
            return tokens
        # No n-gram is longer than the text, whatever the bound.
        lengths = range(shortest, min(longest, len(tokens)) + 1)
        _check_cost(len(tokens), len(text), lengths)
        starts = [tokens[skipped:] for skipped in range(lengths.stop - 1)]
        grams = (zip(*starts[:length], strict=False) for length in lengths)
        return list(map(" ".join, chain.from_iterable(grams)))

    return split, analyze


def _cut_characters(op: dict[str, Any], shortest: int, longest: int) -> Split:
    """What makes n-grams of characters: `char` of the whole text, `char_wb` of each word."""
    preprocess, squeeze = _preprocessor(op), re.compile(r"\s\s+").sub

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


def _find_splitter(op: dict[str, Any]) -> Split:
    """What makes words of a text."""
    if op["preprocessor"] in SPLITTERS and op["token_pattern"] == TOKEN_PATTERN:
        return SPLITTERS[op["preprocessor"]]
    from serving.app.engines.frozen.patterns import compile_pattern  # noqa: PLC0415 - few need it

    preprocess, find = _preprocessor(op), compile_pattern(op["token_pattern"]).findall
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

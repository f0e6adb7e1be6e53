"""Text to terms, as scikit-learn's analyzers make them (sklearn.feature_extraction.text)."""

from __future__ import annotations

from serving.app.features import SPLITTERS

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
    if not 1 <= shortest <= longest:
        raise ValueError("n-grams of no length")
    split = _find_splitter(op) if op["analyzer"] == "word" else None
    if split and shortest == longest == 1 and not op["stop_words"]:
        return split, split
    from serving.app.engines.frozen import ngrams  # noqa: PLC0415 - words alone are common

    if split is None:
        return None, ngrams.cut_characters(op, shortest, longest)
    return split, ngrams.join_words(split, op["stop_words"] or (), shortest, longest)


def _find_splitter(op: dict[str, Any]) -> Split:
    """What makes words of a text."""
    if op["preprocessor"] in SPLITTERS and op["token_pattern"] == TOKEN_PATTERN:
        return SPLITTERS[op["preprocessor"]]
    from serving.app.engines.frozen.patterns import compile_pattern  # noqa: PLC0415 - few need it
    from serving.app.engines.frozen.preprocess import find_preprocessor  # noqa: PLC0415

    preprocess, find = find_preprocessor(op), compile_pattern(op["token_pattern"]).findall
    return lambda text: find(preprocess(text))

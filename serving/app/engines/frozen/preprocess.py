"""What a vectorizer does to a text before it takes it apart, as scikit-learn's do it."""

from __future__ import annotations

from serving.app.features import PREPROCESSORS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def find_preprocessor(op: dict[str, Any]) -> Callable[[str], str]:
    """The function of a vectorizer's settings."""
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

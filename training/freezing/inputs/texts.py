"""Texts that a frozen model could stumble over."""

import random
import string
import unicodedata
from collections.abc import Iterator

MAX_CHARS = 50_000
ALPHABETS = (
    string.ascii_lowercase + "    ",
    string.printable,
    "".join(map(chr, range(0x20, 0x250))),
    "áçêïñøßÆŒÐİıﬁﷺ½²Ⅷ" + "e\u0301" + "\u200b\u200d\ufeff\x00\x1f ",
    "абвгд אבגד العربية हिन्दी 中文日本語 한국어 ไทย ",
    "👩‍🚀🏒🎉 \U0001d54a\U00010348",
)


def generate_texts(vocabulary: list[str], count: int, seed: int) -> Iterator[str]:
    """Texts that a frozen model could stumble over: odd, empty, huge, repeated, unknown."""
    rng = random.Random(seed)  # noqa: S311 - texts, not secrets
    yield from ("", " ", "\n\t\r\x00", "\ufeff", "a", "é" * MAX_CHARS, "ﷺ" * MAX_CHARS)
    yield from (f"{vocabulary[0]} " * (MAX_CHARS // (len(vocabulary[0]) + 1)), "x" * MAX_CHARS)
    yield " ".join(rng.sample(vocabulary, len(vocabulary)))[:MAX_CHARS]
    kinds = (_known, _known, _repeated, _unknown, _characters, _decomposed)
    for number in range(count - 10):
        yield kinds[number % len(kinds)](rng, vocabulary)


def _known(rng: random.Random, vocabulary: list[str]) -> str:
    words = rng.choices(vocabulary, k=rng.randint(1, 60))
    return "".join(
        rng.choice((str, str.upper, str.title))(one) + rng.choice(" .,\n") for one in words
    )


def _repeated(rng: random.Random, vocabulary: list[str]) -> str:
    words = rng.choices(vocabulary, k=rng.randint(1, 4))
    return " ".join(rng.choices(words, k=rng.randint(1, 400)))


def _unknown(rng: random.Random, _: list[str]) -> str:
    return " ".join(
        "".join(rng.choices(string.ascii_lowercase, k=rng.randint(12, 20)))
        for _ in range(rng.randint(1, 30))
    )


def _characters(rng: random.Random, _: list[str]) -> str:
    return "".join(rng.choices(rng.choice(ALPHABETS), k=rng.randint(1, 300)))


def _decomposed(rng: random.Random, vocabulary: list[str]) -> str:
    """Known words with accents on them, some as characters of their own."""
    accented = "".join(
        one + rng.choice(("", "", "", "\u0301", "\u0308"))
        for one in " ".join(rng.choices(vocabulary, k=rng.randint(1, 20)))
    )
    return unicodedata.normalize(rng.choice(("NFC", "NFD")), accented)

"""In which letters texts are written, and how a vectorizer finds words in them."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from training.settings.params import Train
from training.text.reading import build_reader, count_letters

LOOKED_AT = 2_000  # texts
SHOWN = 0.01
LOST = 0.1  # what validate allows
UNSPACED_SHARE = 0.05
# Alphabets, by the names of Unicode's letters, whose words stand without spaces between them.
UNSPACED = {"CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN"}


def find_alphabets(texts: Sequence[str]) -> dict[str, float]:
    """The share of the letters that each alphabet has, the most frequent first."""
    letters = Counter(letter for text in texts[:LOOKED_AT] for letter in text if letter.isalpha())
    counts: Counter[str] = Counter()
    for letter, count in letters.items():
        counts[_name(letter)] += count
    return {name: count / counts.total() for name, count in counts.most_common()}


@cache
def _name(letter: str) -> str:
    return unicodedata.name(letter, "other").partition(" ")[0]


def tell_alphabets(texts: Sequence[str]) -> str:
    """The same for a person."""
    shares = find_alphabets(texts)
    return ", ".join(f"{n.capitalize()} ({s:.0%})" for n, s in shares.items() if s >= SHOWN)


def choose_vectorizer(texts: Sequence[str]) -> dict[str, Any]:
    """Settings of TfidfVectorizer: words where there are spaces and letters make words."""
    shares = find_alphabets(texts)
    if sum(shares.get(name, 0) for name in UNSPACED) > UNSPACED_SHARE:
        return {"analyzer": "char", "ngram_range": [1, 3], "min_df": 2, "sublinear_tf": True}
    words = {"ngram_range": [1, 2], "min_df": 2, "sublinear_tf": True}
    if measure_loss(texts, words) > LOST:
        return {"analyzer": "char_wb", "ngram_range": [2, 4], "min_df": 2, "sublinear_tf": True}
    return words


def measure_loss(texts: Sequence[str], vectorizer: dict[str, Any]) -> float:
    """The share of the letters that are in no word of a vectorizer."""
    train = Train(seed=0, folds=2, scoring="", vectorizer=vectorizer, candidates={"any": {}})
    reader = build_reader(train)
    lost = sum(map(reader.count_lost_letters, texts[:LOOKED_AT]))
    return lost / max(1, sum(map(count_letters, texts[:LOOKED_AT])))

"""Text to features without a vocabulary: HashingVectorizer; and weights of terms alone."""

from __future__ import annotations

from serving.app.engines.frozen.analysis import make_analyzer
from serving.app.engines.frozen.memo import Memo
from serving.app.engines.frozen.rows import Features, normalize, read_doubles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile

CACHED_TERMS = 20_000
U32 = 0xFFFFFFFF
SIGN = 1 << 31


class Hash:
    """Text to features: each term is counted in the column that its hash names.

    Settings are scikit-learn's, `preprocessor` a name of features.PREPROCESSORS.
    """

    takes, gives = "text", "features"

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._analyze = make_analyzer(op)[1]
        self._width: int = op["n_features"]
        self._alternates: bool = op["alternate_sign"]
        self._binary: bool = op["binary"]
        self._norm: str | None = op["norm"]
        self._places = Memo(self._find, CACHED_TERMS)

    def __call__(self, text: str) -> Features:
        places = self._places
        found: dict[int, float] = {}
        for term in self._analyze(text):
            column, sign = places[term]
            found[column] = found.get(column, 0.0) + sign
        columns = sorted(found)
        # What adds up to zero is a value, too, where values only say that there is one.
        values = [1.0 if self._binary else found[column] for column in columns]
        return Features(columns, normalize(values, self._norm))

    def _find(self, term: str) -> tuple[int, float]:
        """Column and sign of a term.

        Raises:
            ValueError: It has a lone surrogate, which UTF-8 does not have.
        """
        hashed = murmur3(term.encode())
        negative = hashed >= SIGN
        column = ((1 << 32) - hashed if negative else hashed) % self._width
        return column, -1.0 if negative and self._alternates else 1.0


def murmur3(data: bytes) -> int:
    """MurmurHash3_x86_32 of data with the seed 0, unsigned: by A. Appleby, in the public domain."""
    hashed, whole = 0, len(data) & ~3
    for start in range(0, whole, 4):
        hashed ^= _scramble(int.from_bytes(data[start : start + 4], "little"))
        hashed = (hashed << 13 | hashed >> 19) & U32
        hashed = hashed * 5 + 0xE6546B64 & U32
    if whole < len(data):
        hashed ^= _scramble(int.from_bytes(data[whole:], "little"))
    hashed ^= len(data)
    hashed = (hashed ^ hashed >> 16) * 0x85EBCA6B & U32
    hashed = (hashed ^ hashed >> 13) * 0xC2B2AE35 & U32
    return hashed ^ hashed >> 16


def _scramble(part: int) -> int:
    part = part * 0xCC9E2D51 & U32
    part = (part << 15 | part >> 17) & U32
    return part * 0x1B873593 & U32


class Reweigh:
    """Features weighed: a TfidfTransformer of its own.

    Settings: `norm`. Section, perhaps: idf, f64 a column.
    """

    takes, gives = "features", "features"

    def __init__(self, file: FrozenFile, op: dict[str, Any]) -> None:
        self._norm: str | None = op["norm"]
        idf = op["sections"].get("idf")
        self._idf = None if idf is None else read_doubles(file, idf)

    def __call__(self, row: Features) -> Features:
        values, idf = row.values, self._idf
        if idf is not None:
            values = [
                value * idf[column] for column, value in zip(row.columns, values, strict=True)
            ]
        return Features(row.columns, normalize(values, self._norm), row.terms, row.unknown_terms)

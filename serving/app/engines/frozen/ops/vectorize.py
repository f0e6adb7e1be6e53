"""Text to features, as CountVectorizer and TfidfVectorizer do it, operation by operation.

Sums run in the order of scikit-learn's own source (CountVectorizer._count_vocab, TfidfTransformer.
transform, inplace_csr_row_normalize_l2), so that the values are its own to the last bit.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from math import log

from serving.app import native
from serving.app.engines.frozen.analysis import make_analyzer
from serving.app.engines.frozen.memo import Memo
from serving.app.engines.frozen.rows import Features, normalize
from serving.app.features import split_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile
    from serving.app.engines.frozen.vocabulary import Vocabulary

CACHED_FREQUENCIES = 20_000  # about 2 MB
U32 = 4
F64 = 8
NORMS = (None, "l1", "l2")  # by their numbers in the kernel


class Vectorize:
    """Text to features: a CountVectorizer or TfidfVectorizer.

    Settings are scikit-learn's, `preprocessor` a name of features.PREPROCESSORS. Sections:

    - terms: of each term u32 length | UTF-8 | u32 column | f64 idf (1 where there is none), bucket
      by bucket; a term is in the bucket of its UTF-8 as one number, modulo the number of buckets,
      a prime;
    - buckets: u32 start of each bucket in the terms, and the end of the last one;
    - logs, with sublinear_tf: f64 numpy's log of 1, 2, 3…, for a C library may round otherwise.

    Attributes:
        split: What makes words of a text; None where terms are not made of words.
        analyze: What makes terms of a text, repeats included.
        frequencies: Term frequency by the number of times that a term is there.
        norm: "l1", "l2" or None.
        native: The kernel's vocabulary; None without.
        prepare: Turns a text into what the kernel takes: its bytes, or its terms.
    """

    takes, gives = "text", "features"

    def __init__(self, file: FrozenFile, op: dict[str, Any]) -> None:
        self._file = file
        self.split, self.analyze = make_analyzer(op)
        self._binary, self.norm = op["binary"], op["norm"]
        self._terms, self._buckets = op["sections"]["terms"], op["sections"]["buckets"]
        start, stop = self._buckets
        if stop - start < 2 * U32:
            raise ValueError("no buckets")
        self._logs = op["sections"].get("logs")
        self.frequencies = Memo(self._weigh, CACHED_FREQUENCIES)
        self.native: Any = None
        if native.kernel:
            places = (file.kept_blocks, *self._terms, *self._buckets)
            weigh = (self.frequencies, NORMS.index(self.norm))
            self.native = native.kernel.Terms(file.load_block, *places, *weigh)
        # Words the kernel finds itself.
        self.prepare = _encode if self.analyze is split_words else self.analyze

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Column and idf by term; None for those that it does not have."""
        from serving.app.engines.frozen.vocabulary import Vocabulary  # noqa: PLC0415 - see there

        return Vocabulary(self._file, self._terms, self._buckets)

    def __call__(self, text: str) -> Features:
        if self.native:
            return Features(*self.native.weigh(self.prepare(text)))
        return self._weigh_terms(self.analyze(text))

    def read(self, text: str) -> tuple[Features, int, int]:
        """What it gives, how many terms the text has, and how many of them are unknown."""
        found = self(text)
        return found, found.terms, found.unknown_terms

    def _weigh_terms(self, terms: list[str]) -> Features:
        counts = dict.fromkeys(terms, 1)
        if len(counts) < len(terms):
            counts = Counter(terms)
        vocabulary, frequencies = self.vocabulary, self.frequencies
        unknown, found = 0, {}
        for term, count in counts.items():
            if known := vocabulary[term]:
                found[known[0]] = frequencies[count] * known[1]
            else:
                unknown += count
        columns = sorted(found)
        values = normalize([found[column] for column in columns], self.norm)
        return Features(columns, values, len(terms), unknown)

    def read_all(self) -> None:
        """Keep the whole vocabulary: for many texts that is quicker than to look their terms up."""
        if self.native:
            self.native.keep(self._file.blocks)
        else:
            self.vocabulary.read_all()

    def names(self, text: str) -> dict[int, str]:
        """The terms of a text that the vocabulary has, by column."""
        terms = dict.fromkeys(self.analyze(text))
        return {known[0]: term for term in terms if (known := self.vocabulary[term])}

    def _weigh(self, count: int) -> float:
        """Term frequency from the number of times that a term is there."""
        if self._binary:
            count = 1
        if self._logs is None or count == 1:  # whose log is 0 for any library
            return float(count)
        start, stop = self._logs
        place = start + (count - 1) * F64
        if place >= stop:
            return log(count) + 1.0
        return float(memoryview(self._file.read(place, place + F64)).cast("d")[0]) + 1.0


def _encode(text: str) -> bytes:
    """A text for the kernel, which lowers letters of ASCII itself, in a tenth of the time."""
    return (text if text.isascii() else text.lower()).encode(errors="replace")

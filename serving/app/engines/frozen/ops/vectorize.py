"""Text to features, as CountVectorizer and TfidfVectorizer do it, operation by operation.

Sums run in the order of scikit-learn's own source (CountVectorizer._count_vocab, TfidfTransformer.
transform, inplace_csr_row_normalize_l2), so that the values are its own to the last bit.
"""

from __future__ import annotations

from collections import Counter
from math import log

from serving.app import native
from serving.app.engines.frozen.analysis import make_analyzer
from serving.app.engines.frozen.memo import Memo
from serving.app.engines.frozen.rows import Features, normalize
from serving.app.features import split_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile

CACHED_TERMS = 20_000  # about 5 MB
MAX_CACHED_TERM = 100  # characters: callers choose what is looked up
MAX_BUCKET = 2**16  # bytes, for a look goes through all of it; serving/kernel/terms.c has it, too
U32 = 4
F64 = 8
NORMS = (None, "l1", "l2")  # by their numbers in the kernel


class _Vocabulary(Memo):
    """Column and idf by term, of the terms that were looked up; None for unknown ones."""

    complete = False  # whether all terms are here, so that any other one is unknown

    def __missing__(self, term: str) -> Any:
        if self.complete:
            return None
        # Callers choose what is looked up: what they made long to fill the memory is not kept.
        return super().__missing__(term) if len(term) <= MAX_CACHED_TERM else self._function(term)


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
        vocabulary: Column and idf by term; None for those that it does not have.
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
        sections = op["sections"]
        self._terms, self._terms_end = sections["terms"]
        self._buckets, end = sections["buckets"]
        self._bucket_count = (end - self._buckets) // U32 - 1
        if self._bucket_count < 1:
            raise ValueError("no buckets")
        self._logs = sections.get("logs")
        self.vocabulary = _Vocabulary(self._find, CACHED_TERMS)
        self.frequencies = Memo(self._weigh, CACHED_TERMS)
        self.native: Any = None
        if native.kernel:
            places = (file.kept_blocks, *sections["terms"], *sections["buckets"])
            weigh = (self.frequencies, NORMS.index(self.norm))
            self.native = native.kernel.Terms(file.load_block, *places, *weigh)
        # Words the kernel finds itself.
        self.prepare = _encode if self.analyze is split_words else self.analyze

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
        elif not self.vocabulary.complete:
            terms = bytes(self._file.read_whole(self._terms, self._terms_end))
            for key, known in _parse(terms):
                self.vocabulary[key.decode(errors="surrogatepass")] = known
            self.vocabulary.complete = True

    def names(self, text: str) -> dict[int, str]:
        """The terms of a text that the vocabulary has, by column."""
        terms = dict.fromkeys(self.analyze(text))
        return {known[0]: term for term in terms if (known := self.vocabulary[term])}

    def _find(self, term: str) -> tuple[int, float] | None:
        """Column and idf of a term; None if the vocabulary does not have it."""
        key = term.encode(errors="surrogatepass")
        place = self._buckets + int.from_bytes(key, "little") % self._bucket_count * U32
        start, stop = memoryview(self._file.read(place, place + 2 * U32)).cast("I")
        if not start <= stop <= min(start + MAX_BUCKET, self._terms_end - self._terms):
            raise ValueError("a bucket out of its section")
        for found, known in _parse(self._file.read(self._terms + start, self._terms + stop)):
            if found == key:
                return known
        return None

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
    return text.lower().encode(errors="replace")


def _parse(terms: bytes) -> Iterator[tuple[bytes, tuple[int, float]]]:
    """The terms of a part of the section, each with its column and idf."""
    at = 0
    while at < len(terms):
        start = at + U32
        end = start + int.from_bytes(terms[at:start], "little")
        at = end + U32 + F64
        column = int.from_bytes(terms[end : end + U32], "little")
        yield terms[start:end], (column, memoryview(terms[end + U32 : at]).cast("d")[0])

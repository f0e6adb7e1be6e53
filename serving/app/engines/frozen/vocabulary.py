"""The vocabulary of a vectorizer, read by Python: without the kernel, and for the terms' names."""

from __future__ import annotations

from serving.app.engines.frozen.memo import Memo

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


class Vocabulary(Memo):
    """Column and idf by term, of the terms that were looked up; None for unknown ones.

    Args:
        file: Of the model.
        terms, buckets: Where these sections begin and end; ops/vectorize.py says what they hold.
    """

    complete = False  # whether all terms are here, so that any other one is unknown

    def __init__(self, file: FrozenFile, terms: list[int], buckets: list[int]) -> None:
        super().__init__(self._find, CACHED_TERMS)
        self._file = file
        self._terms, self._terms_end = terms
        self._buckets, end = buckets
        self._bucket_count = (end - self._buckets) // U32 - 1

    def __missing__(self, term: str) -> Any:
        if self.complete:
            return None
        # Callers choose what is looked up: what they made long to fill the memory is not kept.
        return super().__missing__(term) if len(term) <= MAX_CACHED_TERM else self._find(term)

    def read_all(self) -> None:
        """Keep all terms."""
        if not self.complete:
            terms = bytes(self._file.read_whole(self._terms, self._terms_end))
            for key, known in _parse(terms):
                self[key.decode(errors="surrogatepass")] = known
            self.complete = True

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


def _parse(terms: bytes) -> Iterator[tuple[bytes, tuple[int, float]]]:
    """The terms of a part of the section, each with its column and idf."""
    at = 0
    while at < len(terms):
        start = at + U32
        end = start + int.from_bytes(terms[at:start], "little")
        at = end + U32 + F64
        column = int.from_bytes(terms[end : end + U32], "little")
        yield terms[start:end], (column, memoryview(terms[end + U32 : at]).cast("d")[0])

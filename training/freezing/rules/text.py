"""Texts to features: vectorizers."""

import math
from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)

from serving.app.engines.frozen.analysis import TOKEN_PATTERN
from serving.app.engines.frozen.patterns import compile_pattern
from serving.app.engines.frozen.vocabulary import MAX_BUCKET
from serving.app.features import PREPROCESSORS
from training.freezing.file import Op
from training.freezing.registry import Step, rule

# numpy's logarithms of all counts up to 65,536 are glibc's, bit by bit; the table is for other C
# libraries, and for what people write.
LOGS = 1024
# Terms in a bucket, on the average: few to look through, and of the buckets' starts, each of which
# may be in a block of its own that is read and checked, few blocks.
IN_BUCKET = 4
NORMS = (None, "l1", "l2")


@rule(TfidfVectorizer)
def freeze_weighed(step: Step) -> list[Op]:
    return freeze_vectorizer(step, step.estimator._tfidf)


@rule(CountVectorizer)
def freeze_counted(step: Step) -> list[Op]:
    return freeze_vectorizer(step, None)


@rule(HashingVectorizer)
def freeze_hashed(step: Step) -> list[Op]:
    vectorizer = step.estimator
    _check_analyzer(step)
    step.refuse(dtype=np.dtype(vectorizer.dtype) != np.float64, norm=vectorizer.norm not in NORMS)
    settings = {
        **_analyze(vectorizer),
        "n_features": int(vectorizer.n_features),
        "alternate_sign": bool(vectorizer.alternate_sign),
        "norm": vectorizer.norm,
    }
    return [Op("hash", settings, {})]


@rule(TfidfTransformer)
def freeze_weights(step: Step) -> list[Op]:
    """Of a TfidfTransformer that does not come right after the counts; see `freeze_steps`."""
    tfidf = step.estimator
    _check_tfidf(step, tfidf)
    # Its logarithms are numpy's, of any numbers.
    step.refuse(sublinear_tf=tfidf.sublinear_tf, **{"dense rows": not step.is_sparse})
    idf = getattr(tfidf, "idf_", None)
    sections = {} if idf is None else {"idf": idf.astype("<f8").tobytes()}
    return [Op("reweigh", {"norm": tfidf.norm}, sections)]


def freeze_vectorizer(step: Step, tfidf: Any, weighing: Step | None = None) -> list[Op]:
    """The op of a vectorizer.

    Args:
        step: The vectorizer.
        tfidf: The TfidfTransformer that weighs its counts, or None.
        weighing: The step that this is, where it is one of its own.
    """
    vectorizer = step.estimator
    _check_vectorizer(step)
    if tfidf is not None:
        _check_tfidf(weighing or step, tfidf)
    settings = {**_analyze(vectorizer), "norm": None if tfidf is None else tfidf.norm}
    sections = _hash_table(vectorizer.vocabulary_, getattr(tfidf, "idf_", None))
    longest = np.diff(np.frombuffer(sections["buckets"], "<u4")).max()
    step.refuse(**{"longest terms": longest > MAX_BUCKET})
    if tfidf is not None and tfidf.sublinear_tf:
        # All at once, in an array like those of transform: numpy's log of one number may differ.
        sections["logs"] = np.log(np.arange(1.0, LOGS + 1)).astype("<f8").tobytes()
    return [Op("vectorize", settings, sections)]


def _analyze(vectorizer: Any) -> dict[str, Any]:
    """The settings that say what the terms of a text are."""
    words = vectorizer.get_stop_words() if vectorizer.analyzer == "word" else None
    return {
        "analyzer": vectorizer.analyzer,
        "preprocessor": _name_preprocessor(vectorizer),
        "lowercase": bool(vectorizer.lowercase),
        "strip_accents": vectorizer.strip_accents,
        "token_pattern": vectorizer.token_pattern,
        "stop_words": sorted(words) if words else None,
        "ngram_range": [int(length) for length in vectorizer.ngram_range],
        "binary": bool(vectorizer.binary),
    }


def _check_vectorizer(step: Step) -> None:
    """Refuse a vectorizer that has a setting that has no frozen form."""
    vectorizer = step.estimator
    _check_analyzer(step)
    vocabulary = vectorizer.vocabulary_
    dtypes = ("f8",) if isinstance(vectorizer, TfidfVectorizer) else ("f8", "i8")
    step.refuse(
        dtype=np.dtype(vectorizer.dtype) not in map(np.dtype, dtypes),
        vocabulary_=type(vocabulary) is not dict
        or not _are_words(vocabulary)
        or sorted(vocabulary.values()) != list(range(len(vocabulary))),
    )


def _check_analyzer(step: Step) -> None:
    """Refuse a vectorizer that makes terms in a way that has no frozen form."""
    vectorizer = step.estimator
    shortest, longest = vectorizer.ngram_range
    step.refuse(
        analyzer=vectorizer.analyzer not in ("word", "char", "char_wb"),
        tokenizer=vectorizer.tokenizer is not None,
        preprocessor=vectorizer.preprocessor is not None and not _name_preprocessor(vectorizer),
        strip_accents=vectorizer.strip_accents not in (None, "ascii", "unicode"),
        input=vectorizer.input != "content",
        stop_words=not _are_words(vectorizer.get_stop_words() or ()),
        token_pattern=vectorizer.analyzer == "word" and not _is_quick(vectorizer.token_pattern),
        ngram_range=not all(isinstance(length, Integral) for length in vectorizer.ngram_range)
        or not 1 <= shortest <= longest,
    )


def _is_quick(pattern: str | None) -> bool:
    """Whether no text makes a token pattern slow."""
    if pattern in (None, TOKEN_PATTERN):  # a tokenizer's is None, and told of by that name
        return True
    try:
        compile_pattern(pattern)
    except ValueError:
        return False
    return True


def _check_tfidf(step: Step, tfidf: Any) -> None:
    step.check_part(tfidf, TfidfTransformer)
    idf = getattr(tfidf, "idf_", None)
    step.refuse(
        norm=tfidf.norm not in NORMS,
        idf_=idf is not None and (idf.dtype != np.float64 or not np.isfinite(idf).all()),
    )


def _are_words(values: Iterable[Any]) -> bool:
    """Whether these are all plain strings: scikit-learn takes anything that can be hashed."""
    return all(type(value) in (str, np.str_) for value in values)


def _name_preprocessor(vectorizer: Any) -> str | None:
    names = [name for name, one in PREPROCESSORS.items() if one is vectorizer.preprocessor]
    return names[0] if names else None


def _hash_table(vocabulary: dict[str, int], idf: NDArray[np.float64] | None) -> dict[str, bytes]:
    """The sections `terms` and `buckets`; see `Vectorize` of the frozen engine."""
    weights = np.ones(len(vocabulary)) if idf is None else idf
    buckets: list[list[bytes]] = [[] for _ in range(next_prime(len(vocabulary) // IN_BUCKET))]
    for term, number in sorted(vocabulary.items()):
        column = int(number)  # scikit-learn takes False and 0.0 for 0; numpy finds nothing there
        key = term.encode(errors="surrogatepass")
        tail = np.array(column, "<u4").tobytes() + np.array(weights[column], "<f8").tobytes()
        record = len(key).to_bytes(4, "little") + key + tail
        buckets[int.from_bytes(key, "little") % len(buckets)].append(record)
    joined = [b"".join(bucket) for bucket in buckets]
    starts = np.cumsum([0, *map(len, joined)])
    return {"buckets": starts.astype("<u4").tobytes(), "terms": b"".join(joined)}


def next_prime(number: int) -> int:
    """The least prime over `number`."""
    number += 1
    while number < 2 or any(number % factor == 0 for factor in range(2, math.isqrt(number) + 1)):  # noqa: PLR2004
        number += 1
    return number

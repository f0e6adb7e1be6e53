"""The stages of a frozen model: scikit-learn's arithmetic, operation by operation.

Sums run in scikit-learn's order, so decision scores are its own to the last bit, and labels with
them; probabilities differ by what one rounding of exp() may. The order, and with it each formula,
is that of the estimators' own source: CountVectorizer, TfidfTransformer, LinearClassifierMixin,
BaseDiscreteNB, _CalibratedClassifier.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import reduce
from itertools import chain, compress
from math import exp, log, log1p, sqrt
from operator import add

from serving.app.features import PREPROCESSORS
from serving.app.memo import Memo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Read = Callable[[int, int], bytes]
    Outcome = tuple[int, list[float] | None]

CACHE_BYTES = 4 * 1024 * 1024  # for each kind of result, roughly
TERM_BYTES = 300  # what a term costs in a cache, its place and weight included
MAX_CACHED_TERM = 100  # characters: callers choose what is looked up
U32 = 4
F64 = 8


class Features:
    """A text as a sparse vector, in the order of its columns.

    Attributes:
        columns, values: Of the terms that the vocabulary has.
        terms: How many terms the text has, repeats included.
        unknown_terms: How many of them the vocabulary does not have.
    """

    __slots__ = ("columns", "terms", "unknown_terms", "values")

    def __init__(
        self, columns: list[int], values: list[float], terms: int, unknown_terms: int
    ) -> None:
        self.columns = columns
        self.values = values
        self.terms = terms
        self.unknown_terms = unknown_terms


class _Vocabulary(Memo):
    """The terms that were looked up, without those that a caller made long to fill the memory."""

    def __missing__(self, term: str) -> Any:
        return super().__missing__(term) if len(term) <= MAX_CACHED_TERM else self._function(term)


class Vectorize:
    """Text to features: a CountVectorizer or TfidfVectorizer of words.

    Settings are scikit-learn's, `preprocessor` a name of features.PREPROCESSORS. Sections:

    - terms: of each term u32 column | u32 length | f64 idf (1 where there is none) | UTF-8,
      bucket by bucket; a term is in the bucket of its UTF-8 as one number, modulo the number of
      buckets, which is a prime;
    - buckets: u32 start of each bucket in the terms, and the end of the last one;
    - logs, with sublinear_tf: f64 numpy's log of 1, 2, 3…, for a C library may round otherwise.
    """

    def __init__(self, read: Read, stage: dict[str, Any]) -> None:
        self._read = read
        self._preprocess = _preprocessor(stage)
        self._tokenize = re.compile(stage["token_pattern"]).findall
        self._stop_words = frozenset(stage["stop_words"] or ())
        self._ngrams = range(stage["ngram_range"][0], stage["ngram_range"][1] + 1)
        self._binary, self._norm = stage["binary"], stage["norm"]
        sections = stage["sections"]
        self._terms = sections["terms"][0]
        self._buckets, end = sections["buckets"]
        self._bucket_count = (end - self._buckets) // U32 - 1
        self._logs = sections.get("logs")
        self._vocabulary = _Vocabulary(self._find, CACHE_BYTES // TERM_BYTES)
        self._frequencies = Memo(self._weigh, CACHE_BYTES // TERM_BYTES)

    def __call__(self, text: str) -> Features:
        terms = self._analyze(text)
        vocabulary, frequencies = self._vocabulary, self._frequencies
        unknown, found = 0, {}
        for term, count in Counter(terms).items():
            if known := vocabulary[term]:
                found[known[0]] = frequencies[count] * known[1]
            else:
                unknown += count
        columns = sorted(found)
        values = self._normalize([found[column] for column in columns])
        return Features(columns, values, len(terms), unknown)

    def names(self, text: str) -> dict[int, str]:
        """The terms of a text that the vocabulary has, by column."""
        terms = dict.fromkeys(self._analyze(text))
        return {known[0]: term for term in terms if (known := self._vocabulary[term])}

    def _analyze(self, text: str) -> list[str]:
        tokens = self._tokenize(self._preprocess(text))
        if self._stop_words:
            tokens = [token for token in tokens if token not in self._stop_words]
        if self._ngrams == range(1, 2):
            return tokens
        starts = [tokens[skipped:] for skipped in range(self._ngrams.stop - 1)]
        grams = (zip(*starts[:length], strict=False) for length in self._ngrams)
        return list(map(" ".join, chain.from_iterable(grams)))

    def _find(self, term: str) -> tuple[int, float] | None:
        """Column and idf of a term; None if the vocabulary does not have it."""
        key = term.encode(errors="surrogatepass")
        place = self._buckets + int.from_bytes(key, "little") % self._bucket_count * U32
        start, stop = memoryview(self._read(place, place + 2 * U32)).cast("I")
        bucket = memoryview(self._read(self._terms + start, self._terms + stop))
        while bucket:
            column, length = bucket[: 2 * U32].cast("I")
            if length == len(key) and bucket[16 : 16 + length] == key:
                return column, bucket[8:16].cast("d")[0]
            bucket = bucket[16 + length :]
        return None

    def _weigh(self, count: int) -> float:
        """Term frequency from the number of times that a term is there."""
        if self._binary:
            count = 1
        if self._logs is None:
            return float(count)
        start, stop = self._logs
        place = start + (count - 1) * F64
        if place >= stop:
            return log(count) + 1.0
        return float(memoryview(self._read(place, place + F64)).cast("d")[0]) + 1.0

    def _normalize(self, values: list[float]) -> list[float]:
        length = 0.0  # not sum(): it compensates, and scikit-learn does not
        if self._norm == "l2":
            for value in values:
                length += value * value
            length = sqrt(length)
        elif self._norm == "l1":
            for value in values:
                length += abs(value)
        return [value / length for value in values] if length else values


def _preprocessor(stage: dict[str, Any]) -> Callable[[str], str]:
    """What the vectorizer does to a text before it takes it apart."""
    if stage["preprocessor"]:
        return PREPROCESSORS[stage["preprocessor"]]
    accents = stage["strip_accents"]
    if not accents:
        return str.lower if stage["lowercase"] else str
    from unicodedata import combining, normalize  # noqa: PLC0415 - few models need it

    def preprocess(text: str) -> str:
        text = text.lower() if stage["lowercase"] else text
        if accents == "unicode" and text.isascii():
            return text
        text = normalize("NFKD", text)
        if accents == "ascii":
            return text.encode("ascii", "ignore").decode()
        return "".join(filter(lambda character: not combining(character), text))

    return preprocess


class Linear:
    """Features to scores: the decision function, or naive Bayes' joint log-likelihood.

    Settings: `intercept`, a number a score; `threshold`, over which a value counts as 1 and else
    as 0 (BernoulliNB), or null; `models`, of how many classifiers the scores are, one after the
    other; `explain`, "weights", "centred" (on their mean over the labels) or null. Section:

    - weights: f64 a score, column by column.
    """

    def __init__(self, read: Read, stage: dict[str, Any]) -> None:
        self._read = read
        self._start, self._stop = stage["sections"]["weights"]
        self._intercept = stage["intercept"]
        self._threshold = stage["threshold"]
        self._models, self._explain = stage["models"], stage["explain"]
        self._bytes = len(self._intercept) * F64
        self._zeros = [0.0] * (-(-len(self._intercept) // 5) * 5)
        self._weights = Memo(self._read_weights, CACHE_BYTES // (4 * self._bytes + TERM_BYTES))

    def __call__(self, features: Features) -> list[float]:
        columns, values = features.columns, features.values
        if self._threshold is not None:
            over = [value > self._threshold for value in values]
            columns, values = list(compress(columns, over)), [1.0] * sum(over)
        scores: list[float] = []
        # A loop over local variables is thrice as fast as one over lists.
        for fives in zip(*map(self._weights.__getitem__, columns), strict=True):
            a = b = c = d = e = 0.0
            for value, (v, w, x, y, z) in zip(values, fives, strict=True):
                a += value * v
                b += value * w
                c += value * x
                d += value * y
                e += value * z
            scores += (a, b, c, d, e)
        scores = scores or self._zeros
        return [score + b for score, b in zip(scores, self._intercept)]  # noqa: B905 - the fill

    def explain(
        self, features: Features, names: dict[int, str], label: int
    ) -> list[tuple[str, float]] | None:
        """The terms with their weights for a label, heaviest first; see `Engine.explain`."""
        if self._explain is None:
            return None
        weighed = [
            (names[column], value * self._weigh(column, label))
            for column, value in zip(features.columns, features.values, strict=True)
        ]
        return sorted(weighed, key=lambda pair: -pair[1])

    def _weigh(self, column: int, label: int) -> float:
        weights = list(chain.from_iterable(self._weights[column]))[: len(self._intercept)]
        scores = len(weights) // self._models
        if scores == 1:  # the second label's
            return (1 if label else -1) * sum(weights) / self._models
        weight = sum(weights[label::scores]) / self._models
        return weight - sum(weights) / len(weights) if self._explain == "centred" else weight

    def _read_weights(self, column: int) -> list[tuple[float, ...]]:
        """A column's weights in fives, the last ones filled with zeros."""
        start = self._start + column * self._bytes
        weights = memoryview(self._read(start, start + self._bytes)).cast("d").tolist()
        weights += self._zeros[len(weights) :]
        return list(zip(*[iter(weights)] * 5, strict=True))


class Classify:
    """Scores to a label and, where the classifier offers them, probabilities.

    Settings: `link`, a name of `LINKS`, or null.
    """

    def __init__(self, _: Read, stage: dict[str, Any]) -> None:
        self._link = LINKS[stage["link"]] if stage["link"] else None

    def __call__(self, scores: list[float]) -> Outcome:
        label = int(scores[0] > 0) if len(scores) == 1 else scores.index(max(scores))
        return label, self._link(scores) if self._link else None


class Calibrate:
    """Scores to a label and probabilities: CalibratedClassifierCV by sigmoids.

    Settings: `slopes` and `intercepts` of the sigmoids, a list a classifier, a number a score.
    """

    def __init__(self, _: Read, stage: dict[str, Any]) -> None:
        self._sigmoids = [
            list(zip(slopes, intercepts, strict=True))
            for slopes, intercepts in zip(stage["slopes"], stage["intercepts"], strict=True)
        ]

    def __call__(self, scores: list[float]) -> Outcome:
        rest = iter(scores)
        each = [self._calibrate(sigmoids, rest) for sigmoids in self._sigmoids]
        mean = each[0]
        if len(each) > 1:
            mean = [reduce(add, column) / len(each) for column in zip(*each, strict=True)]
        return mean.index(max(mean)), mean

    def _calibrate(self, sigmoids: list[tuple[float, float]], scores: Any) -> list[float]:
        found = [expit(-(a * score + b)) for (a, b), score in zip(sigmoids, scores)]  # noqa: B905
        return share(found) if len(found) > 1 else [1.0 - found[0], found[0]]


def expit(x: float) -> float:
    """The logistic function."""
    try:
        return 1.0 / (1.0 + exp(-x))
    except OverflowError:  # of exp, to which C's answer is infinity
        return 0.0


def share(found: list[float]) -> list[float]:
    """Each number's share of their sum; the same for each where all are zero."""
    total = sum(found)
    return [one / total for one in found] if total else [1 / len(found)] * len(found)


def _softmax(scores: list[float]) -> list[float]:
    top = max(scores)
    return share([exp(score - top) for score in scores])


def _logistic(scores: list[float]) -> list[float]:
    probability = expit(scores[0])
    return [1 - probability, probability]


def _one_vs_rest(scores: list[float]) -> list[float]:
    """LinearClassifierMixin's: uniform where all are zero."""
    return share(list(map(expit, scores)))


def _one_vs_rest_classifier(scores: list[float]) -> list[float]:
    """OneVsRestClassifier's: zeros where all are zero."""
    found = list(map(expit, scores))
    return share(found) if any(found) else found


def _modified_huber(scores: list[float]) -> list[float]:
    found = [(min(max(score, -1.0), 1.0) + 1.0) / 2.0 for score in scores]
    return share(found) if len(found) > 1 else [1 - found[0], found[0]]


def _bayes(scores: list[float]) -> list[float]:
    """Joint log-likelihoods to probabilities, by scikit-learn's own log-sum-exp."""
    top = max(scores)
    rest = sum(exp(score - top) for score in scores if score != top)
    ties = scores.count(top)
    total = log1p(rest / ties) + log(ties) + top
    return [exp(score - total) for score in scores]


LINKS = {
    "softmax": _softmax,
    "logistic": _logistic,
    "one_vs_rest": _one_vs_rest,
    "one_vs_rest_classifier": _one_vs_rest_classifier,
    "modified_huber": _modified_huber,
    "bayes": _bayes,
}
STAGES: dict[str, Any] = {
    "vectorize": Vectorize,
    "linear": Linear,
    "classify": Classify,
    "calibrate": Calibrate,
}

"""From a fitted pipeline to the ops of a frozen model.

What is taken is listed by exact type, since a subclass may compute anything. Everything else is
refused by name: the sklearn engine serves it just as well, only later after a cold start.
"""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.calibration import (
    CalibratedClassifierCV,
    _CalibratedClassifier,
    _SigmoidCalibration,
)
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import LabelBinarizer
from sklearn.svm import LinearSVC

from serving.app.features import PREPROCESSORS
from training.freezing.file import Op

# numpy's logarithms of all counts up to 65,536 are glibc's, bit by bit; the table is for other C
# libraries, and for what people write.
LOGS = 1024
LINEAR = (
    LogisticRegression,
    LogisticRegressionCV,
    LinearSVC,
    Perceptron,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
)
NAIVE_BAYES = (BernoulliNB, ComplementNB, MultinomialNB)


class CannotFreeze(Exception):
    """The pipeline has a step or a setting that has no frozen form; the message names it."""


def compile_pipeline(pipeline: Any) -> tuple[list[str], list[Op]]:
    """The classes, in the classifier's order, and the ops of a fitted text pipeline.

    Raises:
        CannotFreeze: The frozen engine could not compute exactly what it computes.
    """
    with _reading("the pipeline"):
        return _compile(pipeline)


@contextmanager
def _reading(step: str) -> Iterator[None]:
    """Refuse what is not fitted, or was changed to what scikit-learn itself may not take."""
    try:
        yield
    except (CannotFreeze, MemoryError):
        raise
    except Exception as error:
        raise CannotFreeze(
            f"{step}: the freezer cannot read it ({type(error).__name__}: {error})"
        ) from error


def _compile(pipeline: Any) -> tuple[list[str], list[Op]]:
    if _fuses():
        raise CannotFreeze(
            "on this processor scipy rounds a product and a sum at once, which Python does not: "
            "freeze on x86-64"
        )
    if type(pipeline) is not Pipeline:
        raise CannotFreeze(f"{type(pipeline).__name__} is no scikit-learn Pipeline")
    _check_methods("the pipeline", pipeline)
    steps = [(f"step {name!r}", step) for name, step in pipeline.steps]
    (first, vectorizer), (last, classifier) = steps[0], steps[-1]
    middle = [(step, one) for step, one in steps[1:-1] if one not in (None, "passthrough")]
    transformer = None
    if middle and type(middle[0][1]) is TfidfTransformer:
        transformer = middle.pop(0)
    for step, one in middle:
        raise CannotFreeze(f"{step}: {type(one).__name__} has no frozen form")
    with _reading(first):
        vectorize = _vectorize(first, vectorizer, transformer)
    with _reading(last):
        score, classify = _classify(last, classifier)
        classes = [str(label) for label in classifier.classes_]
    columns = len(score.sections["weights"]) / (8 * len(score.settings["intercept"]))
    _check(
        last,
        classes_=len(set(classes)) < len(classes),
        weights=columns != len(vectorizer.vocabulary_),
    )
    return classes, [vectorize, score, classify]


def _fuses() -> bool:
    """Whether scipy's sparse product uses fused multiply-add, as its builds for ARM do."""
    factor = 1 + 2.0**-27
    product = csr_array([[-1.0, factor]]) @ np.array([[1.0, 1.0], [factor, factor]])
    # The square is 1 + 2**-26 + 2**-54, of which a double cannot hold the last part beside the 1.
    return bool((product != 2.0**-26).any())


def _check_own(step: str, part: Any, *kinds: type) -> None:
    """Refuse what is not exactly of one of these classes, with their methods."""
    if type(part) not in kinds:
        raise CannotFreeze(f"{step}: {type(part).__name__} has no frozen form")
    _check_methods(step, part)


def _check_methods(step: str, part: Any) -> None:
    """Refuse an object of which an attribute stands for a method."""
    replaced = [name for name in vars(part) if callable(getattr(type(part), name, None))]
    _check(step, **dict.fromkeys(replaced, True))


def _check(step: str, **refused: bool) -> None:
    """Refuse a step for the first of its settings that is marked so."""
    for setting, wrong in refused.items():
        if wrong:
            raise CannotFreeze(f"{step}: there is no frozen form for its {setting}")


def _are_words(values: Iterable[Any]) -> bool:
    """Whether these are all plain strings: scikit-learn takes anything that can be hashed."""
    return all(type(value) in (str, np.str_) for value in values)


def _is_double(value: Any) -> bool:
    """Whether a number of any type is, exactly, a finite double."""
    try:
        return math.isfinite(value) and bool(float(value) == value)
    except OverflowError:
        return False


def _vectorize(step: str, vectorizer: Any, transformer: tuple[str, Any] | None) -> Op:
    _check_vectorizer(step, vectorizer)
    tfidf = _find_tfidf(step, vectorizer, transformer)
    stop_words = vectorizer.get_stop_words()
    settings = {
        "preprocessor": _name_preprocessor(vectorizer),
        "lowercase": bool(vectorizer.lowercase),
        "strip_accents": vectorizer.strip_accents,
        "token_pattern": vectorizer.token_pattern,
        "stop_words": sorted(stop_words) if stop_words else None,
        "ngram_range": [int(length) for length in vectorizer.ngram_range],
        "binary": bool(vectorizer.binary),
        "norm": None if tfidf is None else tfidf.norm,
    }
    sections = _hash_table(vectorizer.vocabulary_, getattr(tfidf, "idf_", None))
    if tfidf is not None and tfidf.sublinear_tf:
        # All at once, in an array like those of transform: numpy's log of one number may differ.
        sections["logs"] = np.log(np.arange(1.0, LOGS + 1)).astype("<f8").tobytes()
    return Op("vectorize", settings, sections)


def _check_vectorizer(step: str, vectorizer: Any) -> None:
    """Refuse a vectorizer that has a setting that has no frozen form."""
    _check_own(step, vectorizer, CountVectorizer, TfidfVectorizer)
    shortest, longest = vectorizer.ngram_range
    vocabulary = vectorizer.vocabulary_
    dtypes = ("f8",) if type(vectorizer) is TfidfVectorizer else ("f8", "i8")
    _check(
        step,
        analyzer=vectorizer.analyzer != "word",
        tokenizer=vectorizer.tokenizer is not None,
        preprocessor=vectorizer.preprocessor is not None and not _name_preprocessor(vectorizer),
        strip_accents=vectorizer.strip_accents not in (None, "ascii", "unicode"),
        input=vectorizer.input != "content",
        stop_words=not _are_words(vectorizer.get_stop_words() or ()),
        ngram_range=not all(isinstance(length, Integral) for length in vectorizer.ngram_range)
        or not 1 <= shortest <= longest,
        dtype=np.dtype(vectorizer.dtype) not in map(np.dtype, dtypes),
        vocabulary_=type(vocabulary) is not dict
        or not _are_words(vocabulary)
        or sorted(vocabulary.values()) != list(range(len(vocabulary))),
    )


def _find_tfidf(step: str, vectorizer: Any, transformer: tuple[str, Any] | None) -> Any:
    """The TfidfTransformer of a vectorizer, its own or the step after it; None without any.

    Raises:
        CannotFreeze: It has a setting that has no frozen form, or there are both.
    """
    if type(vectorizer) is TfidfVectorizer:
        _check(step, **{"tf-idf": transformer is not None})  # weights that are weighed again
        transformer = (step, vectorizer._tfidf)  # noqa: SLF001
    if transformer is None:
        return None
    step, tfidf = transformer
    _check_own(step, tfidf, TfidfTransformer)
    idf = getattr(tfidf, "idf_", None)
    _check(
        step,
        norm=tfidf.norm not in (None, "l1", "l2"),
        idf_=idf is not None and (idf.dtype != np.float64 or not np.isfinite(idf).all()),
    )
    return tfidf


def _name_preprocessor(vectorizer: Any) -> str | None:
    names = [name for name, one in PREPROCESSORS.items() if one is vectorizer.preprocessor]
    return names[0] if names else None


def _hash_table(vocabulary: dict[str, int], idf: NDArray[np.float64] | None) -> dict[str, bytes]:
    """The sections `terms` and `buckets`; see `Vectorize` of the frozen engine."""
    weights = np.ones(len(vocabulary)) if idf is None else idf
    buckets: list[list[bytes]] = [[] for _ in range(_next_prime(len(vocabulary)))]
    for term, number in sorted(vocabulary.items()):
        column = int(number)  # scikit-learn takes False and 0.0 for 0; numpy finds nothing there
        key = term.encode(errors="surrogatepass")
        tail = np.array(column, "<u4").tobytes() + np.array(weights[column], "<f8").tobytes()
        record = len(key).to_bytes(4, "little") + key + tail
        buckets[int.from_bytes(key, "little") % len(buckets)].append(record)
    joined = [b"".join(bucket) for bucket in buckets]
    starts = np.cumsum([0, *map(len, joined)])
    return {"buckets": starts.astype("<u4").tobytes(), "terms": b"".join(joined)}


def _next_prime(number: int) -> int:
    """The least prime over `number`."""
    number += 1
    while number < 2 or any(number % factor == 0 for factor in range(2, math.isqrt(number) + 1)):  # noqa: PLR2004
        number += 1
    return number


def _classify(step: str, classifier: Any) -> list[Op]:
    kind = type(classifier)
    _check_own(step, classifier, *LINEAR, *NAIVE_BAYES, OneVsRestClassifier, CalibratedClassifierCV)
    if kind is CalibratedClassifierCV:
        return _calibrated(step, classifier)
    if kind is OneVsRestClassifier:
        return _one_vs_rest(step, classifier)
    if kind in LINEAR:
        weights, intercept = _linear(step, classifier)
        link = Op("classify", {"link": _link(classifier)}, {})
        return [_score(step, weights, intercept), link]
    return _naive_bayes(step, classifier)


def _linear(step: str, classifier: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients of shape (n_scores, n_terms) and intercepts of shape (n_scores,)."""
    scores = len(classifier.classes_) if len(classifier.classes_) > 2 else 1  # noqa: PLR2004
    weights = classifier.coef_
    _check(
        step,
        coef_=type(weights) is not np.ndarray,
        classes_=_is_multilabel(classifier)
        or np.atleast_2d(weights).shape[0] != scores
        or len(classifier.classes_) < 2,  # noqa: PLR2004
    )
    return np.atleast_2d(weights), np.broadcast_to(classifier.intercept_, scores)


def _linear_part(step: str, classifier: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same of a classifier within another one."""
    step = f"{step}, within it"
    _check_own(step, classifier, *LINEAR)
    return _linear(step, classifier)


def _is_multilabel(classifier: Any) -> bool:
    """Whether a RidgeClassifier, alone among these, was fitted to several labels a text."""
    binarizer = getattr(classifier, "_label_binarizer", None)
    return binarizer is not None and binarizer.y_type_.startswith("multilabel")


def _link(classifier: Any) -> str | None:
    """How the classifier makes probabilities of its scores, if it does."""
    if not hasattr(classifier, "predict_proba"):
        return None
    binary = len(classifier.classes_) == 2  # noqa: PLR2004
    if isinstance(classifier, SGDClassifier):
        if classifier.loss == "modified_huber":
            return "modified_huber"
        return "logistic" if binary else "one_vs_rest"
    return "logistic" if binary else "softmax"


def _one_vs_rest(step: str, classifier: OneVsRestClassifier) -> list[Op]:
    _check_own(f"{step}, within it", classifier.label_binarizer_, LabelBinarizer)
    _check(step, classes_=classifier.multilabel_)
    parts = [_linear_part(step, one) for one in classifier.estimators_]
    weights = np.vstack([weights for weights, _ in parts])
    intercept = np.concatenate([intercept for _, intercept in parts])
    link = None
    if hasattr(classifier, "predict_proba"):
        links = {_link(one) for one in classifier.estimators_}
        _check(step, estimator=links != {"logistic"})
        link = "logistic" if len(parts) == 1 else "one_vs_rest_classifier"
    return [_score(step, weights, intercept), Op("classify", {"link": link}, {})]


def _naive_bayes(step: str, classifier: Any) -> list[Op]:
    logs, threshold = classifier.feature_log_prob_, None
    _check(step, classes_=len(classifier.classes_) < 2)  # noqa: PLR2004
    intercept = np.zeros(len(logs))
    if not isinstance(classifier, ComplementNB):
        intercept = classifier.class_log_prior_
    if isinstance(classifier, BernoulliNB):
        # As in its _joint_log_likelihood, so that each rounding is the same.
        with np.errstate(invalid="ignore", divide="ignore"):  # refused below
            absent = np.log(1 - np.exp(logs))
        intercept = intercept + absent.sum(axis=1)
        logs, threshold = logs - absent, _threshold(step, classifier)
    explain = None if isinstance(classifier, BernoulliNB) else "centred"
    score = _score(step, logs, intercept, threshold=threshold, explain=explain)
    return [score, Op("classify", {"link": "bayes"}, {})]


def _threshold(step: str, classifier: BernoulliNB) -> float | None:
    """Over which a value counts for a BernoulliNB, if it is not taken as it is."""
    if classifier.binarize is None:
        return None
    _check(step, binarize=not _is_double(classifier.binarize))
    return float(classifier.binarize)


def _calibrated(step: str, classifier: CalibratedClassifierCV) -> list[Op]:
    parts = classifier.calibrated_classifiers_
    for one in parts:
        _check_own(f"{step}, within it", one, _CalibratedClassifier)
        _check(
            step,
            method=one.method != "sigmoid",
            classes_=not np.array_equal(one.estimator.classes_, classifier.classes_),
        )
        for calibrator in one.calibrators:
            _check_own(f"{step}, within it", calibrator, _SigmoidCalibration)
    linear = [_linear_part(step, one.estimator) for one in parts]
    settings = {
        "slopes": [[float(each.a_) for each in one.calibrators] for one in parts],
        "intercepts": [[float(each.b_) for each in one.calibrators] for one in parts],
    }
    weights = np.vstack([weights for weights, _ in linear])
    intercept = np.concatenate([intercept for _, intercept in linear])
    _check(step, calibrators=not np.isfinite([*settings.values()]).all())
    score = _score(step, weights, intercept, models=len(parts))
    return [score, Op("calibrate", settings, {})]


def _score(  # noqa: PLR0913 - named where it is called
    step: str,
    weights: NDArray[np.float64],
    intercept: NDArray[np.float64],
    *,
    models: int = 1,
    threshold: float | None = None,
    explain: str | None = "weights",
) -> Op:
    # With alpha=0, say, a term that a class never had has the logarithm of zero.
    _check(
        step,
        weights=weights.dtype != np.float64 or not np.isfinite(weights).all(),
        intercept=not np.can_cast(intercept.dtype, np.float64) or not np.isfinite(intercept).all(),
    )
    settings = {
        "intercept": intercept.tolist(),
        "threshold": threshold,
        "models": models,
        "explain": explain,
    }
    return Op("linear", settings, {"weights": weights.T.astype("<f8").tobytes()})

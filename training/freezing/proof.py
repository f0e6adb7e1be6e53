"""The proof that a frozen model answers as the pipeline that it was made from."""

import random
import string
import unicodedata
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.app.engines.frozen.engine import LARGE_BATCH, FrozenEngine
from serving.app.features import SPLITTERS
from training.console import progress

PROBABILITY_TOLERANCE = 1e-12
CHUNK = 2 * LARGE_BATCH  # so that both ways to score are tried
MAX_CHARS = 50_000
ANSWER = ("label", "probabilities", "terms", "unknown_terms")
ALPHABETS = (
    string.ascii_lowercase + "    ",
    string.printable,
    "".join(map(chr, range(0x20, 0x250))),
    "áçêïñøßÆŒÐİıﬁﷺ½²Ⅷ" + "e\u0301" + "\u200b\u200d\ufeff\x00\x1f ",
    "абвгд אבגד العربية हिन्दी 中文日本語 한국어 ไทย ",
    "👩‍🚀🏒🎉 \U0001d54a\U00010348",
)


class ProofFailed(Exception):
    """The frozen model answers otherwise than the pipeline; the message says how."""


class SplitterDiffers(ProofFailed):
    """One of features.SPLITTERS is not what it stands for; the message says what mends it."""


def prove(pipeline: Any, engine: FrozenEngine, texts: list[str]) -> dict[str, float | None]:
    """Hold a frozen model against its pipeline.

    Args:
        pipeline: Fitted; what the engine was frozen from.
        engine: The frozen model.
        texts: What both are asked.

    Returns:
        The number of `texts` and the `worst_probability_difference`, None where there are no
        probabilities.

    Raises:
        ProofFailed: A term, a label or a decision score is another one, or a probability differs
            by more than `PROBABILITY_TOLERANCE`.
    """
    worst = 0.0
    chunks = [texts[start : start + CHUNK] for start in range(0, len(texts), CHUNK)]
    shown = progress(chunks, len(chunks), "proving the frozen model")
    for chunk in shown if len(chunks) > 1 else chunks:
        worst = max(worst, _compare(pipeline, engine, chunk))
    difference = worst if hasattr(pipeline, "predict_proba") else None
    return {"texts": len(texts), "worst_probability_difference": difference}


def _compare(pipeline: Any, engine: FrozenEngine, texts: list[str]) -> float:
    """The worst difference of a probability on these texts."""
    _compare_terms(pipeline[0], engine, texts)
    features, classifier = pipeline[:-1].transform(texts), pipeline[-1]
    found = engine.score(texts)
    _compare_alone(engine, texts, found)
    labels = np.array([engine.classes[one.label] for one in found])
    wrong = int((labels != classifier.predict(features).astype(str)).sum())
    if wrong:
        raise ProofFailed(f"{wrong} of {len(texts)} labels are not the pipeline's")
    scores = np.array([engine.decision_function(text) for text in texts])
    differing = int((scores != decide(classifier, features)).any(axis=1).sum())
    if differing:
        raise ProofFailed(f"decision scores of {differing} of {len(texts)} texts differ")
    probabilities = [one.probabilities for one in found]
    if not hasattr(classifier, "predict_proba"):
        if any(one is not None for one in probabilities):
            raise ProofFailed("it has probabilities, and the pipeline has none")
        return 0.0
    worst = float(np.abs(np.array(probabilities) - classifier.predict_proba(features)).max())
    if not worst <= PROBABILITY_TOLERANCE:
        raise ProofFailed(f"a probability differs by {worst:.1e}")
    return worst


def _compare_terms(vectorizer: Any, engine: FrozenEngine, texts: list[str]) -> None:
    """Hold the terms of each text against the vectorizer's: all else follows from them."""
    analyze = vectorizer.build_analyzer()
    for text in texts:
        if engine.analyze(text) != analyze(text):
            _check_splitter(vectorizer, engine, text)
            raise ProofFailed("the terms of a text are not the vectorizer's")


def _check_splitter(vectorizer: Any, engine: FrozenEngine, text: str) -> None:
    """Tell a splitter that was not changed with its preprocessor from a fault of the freezer."""
    if engine.split not in SPLITTERS.values():
        return
    words = vectorizer.build_tokenizer()(vectorizer.build_preprocessor()(text))
    for found, word in zip_longest(engine.split(text), words):
        if found != word:
            raise SplitterDiffers(
                f"serving/app/features.py: {engine.split.__name__} has {found!a:.40} where "
                f"{vectorizer.preprocessor.__name__} and the token pattern have {word!a:.40}: make "
                "both the same, or take it out of SPLITTERS; then train again"
            )


def _compare_alone(engine: FrozenEngine, texts: list[str], found: list[Any]) -> None:
    """Hold the answers to texts in a batch, which numpy may give, against each text's alone."""
    for text, one in zip(texts, found, strict=True):
        (other,) = engine.score([text])
        if any(getattr(one, name) != getattr(other, name) for name in ANSWER):
            raise ProofFailed("a text gets another answer alone than in a batch")


def decide(classifier: Any, features: Any) -> NDArray[np.float64]:
    """The classifier's own decision function, as `FrozenEngine` has it: (n_texts, n_scores)."""
    if hasattr(classifier, "calibrated_classifiers_"):
        parts = [one.estimator for one in classifier.calibrated_classifiers_]
        return np.hstack([decide(part, features) for part in parts])
    if hasattr(classifier, "decision_function"):
        found = classifier.decision_function(features)
    else:
        found = classifier.predict_joint_log_proba(features)
    scores: NDArray[np.float64] = found.reshape(len(found), -1)
    return scores


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

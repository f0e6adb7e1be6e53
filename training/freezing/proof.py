"""The proof that a frozen model answers as the pipeline that it was made from."""

import math
import warnings
from collections.abc import Sequence
from contextlib import suppress
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.app.engines.frozen.engine import LARGE_BATCH, FrozenEngine
from serving.app.engines.shape import shape
from serving.app.features import SPLITTERS
from training.console import progress
from training.freezing.compiler import TEXT, as_pipeline
from training.freezing.registry import Given, find_errors, find_rule
from training.freezing.rounding import STEEPNESS

PROBABILITY_TOLERANCE = 1e-12
CHUNK = 2 * LARGE_BATCH  # so that both ways to score are tried
ANSWER = ("label", "probabilities", "terms", "unknown_terms", "value")


class ProofFailed(Exception):
    """The frozen model answers otherwise than the pipeline; the message says how."""


class SplitterDiffers(ProofFailed):
    """One of features.SPLITTERS is not what it stands for; the message says what mends it."""


def prove(
    pipeline: Any,
    engine: FrozenEngine,
    values: Sequence[Any],
    described: dict[str, Any] = TEXT,
    others: Sequence[FrozenEngine] = (),
) -> dict[str, Any]:
    """Hold a frozen model against its pipeline.

    Args:
        pipeline: Fitted; what the engine was frozen from.
        engine: The frozen model.
        values: What both are asked, as the input kind reads it.
        described: The input, as the manifest describes it.
        others: The same model, by other arithmetic: each has to answer the same to the last bit.

    Returns:
        The number of `inputs`, and of those that both have `refused`; whether all scores are
        `exact`, to the last bit; if not, the `worst_score_difference` and how many labels of
        `near_ties` are others. The `worst_probability_difference`, None where there are none.

    Raises:
        ProofFailed: A term is another one; a score differs by more than its bound, which is nothing
            for most models; a label differs, and not for a near tie; or a probability differs by
            more than `PROBABILITY_TOLERANCE` and what the bound of its scores makes of it. Or
            one of the others answers otherwise.
    """
    held = Held(as_pipeline(pipeline), [engine, *others], described)
    chunks = [values[start : start + CHUNK] for start in range(0, len(values), CHUNK)]
    shown = progress(chunks, len(chunks), "proving the frozen model")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what scikit-learn says of odd inputs is no news here
        for chunk in shown if len(chunks) > 1 else chunks:
            held.compare(chunk)
    return held.tell(len(values))


def tell_proof(proof: dict[str, Any]) -> str:
    """What a proof found, as half a sentence for a person."""
    asked = f"on {proof['inputs']:,} inputs"
    probability = proof.get("worst_probability_difference")
    likely = "" if probability is None else f", probabilities within {probability:.1e}"
    if proof["exact"]:
        labels = "worst_probability_difference" in proof  # a regression has none
        scores = "labels and decision scores" if labels else "values"
        return f"{asked} all {scores} are the model's{likely}"
    scores = f"within {proof['worst_score_difference']:.1e}"
    if "near_ties" not in proof:
        return f"{asked} all values are the model's {scores}"
    ties = f" but {proof['near_ties']:,} of near ties" if proof["near_ties"] else ""
    return f"{asked} all labels{ties} are the model's, decision scores {scores}{likely}"


class Held:
    """A frozen model held against its pipeline, and what was found so far."""

    def __init__(
        self, pipeline: Any, engines: Sequence[FrozenEngine], described: dict[str, Any]
    ) -> None:
        self._pipeline = pipeline
        self._engines = engines
        self._engine = engines[0]
        self._described = described
        found = find_rule(pipeline)
        if found is None or found.scores is None:
            raise ProofFailed("the pipeline has no rule that says what its scores are")
        self._score = found.scores
        self._exact = True
        self._worst_score = self._worst_probability = 0.0
        self._near_ties = self._refused = 0

    def compare(self, values: Sequence[Any]) -> None:
        """Hold both answers to each of these against each other."""
        rows = shape(self._described, values)
        try:
            expected = self._score(self._pipeline, rows)
        except ValueError:
            self._compare_refused(values)
            return
        self._compare_answers(values, rows, expected)

    def _compare_refused(self, values: Sequence[Any]) -> None:
        """Hold what scikit-learn refuses one of against each alone."""
        if len(values) > 1:
            half = len(values) // 2
            self.compare(values[:half])
            self.compare(values[half:])
            return
        self._refused += 1
        for engine in self._engines:
            with suppress(ValueError):
                (found,) = engine.score(values)
                if engine.classes or math.isfinite(found.value):  # else the task refuses it
                    raise ProofFailed("an input is answered that scikit-learn refuses")

    def _compare_answers(self, values: Sequence[Any], rows: Any, expected: Any) -> None:
        if hasattr(self._engine.first, "analyze"):
            _compare_terms(self._pipeline, self._engine, values)
        errors = find_errors(self._pipeline, Given(rows))
        try:
            found = self._engine.score(values)
        except ValueError as error:
            raise ProofFailed(f"an input is refused that scikit-learn answers ({error})") from error
        _compare_alone(self._engines, values, found)
        self._compare_scores(values, expected, errors)
        if not self._engine.classes:
            return
        self._compare_labels(rows, found, expected, errors)
        self._compare_probabilities(rows, found, errors)

    def tell(self, count: int) -> dict[str, Any]:
        """What `prove` returns."""
        found: dict[str, Any] = {"inputs": count, "refused": self._refused, "exact": self._exact}
        if not self._exact:
            found["worst_score_difference"] = self._worst_score
            if self._engine.classes:
                found["near_ties"] = self._near_ties
        if self._engine.classes:
            has_any = hasattr(self._pipeline, "predict_proba")
            found["worst_probability_difference"] = self._worst_probability if has_any else None
        return found

    def _compare_scores(
        self, values: Sequence[Any], expected: NDArray[np.float64], errors: Any
    ) -> None:
        stop = -1 if self._engine.classes else None
        scores, *others = (
            np.array([engine.run(value, stop) for value in values], dtype=np.float64)
            for engine in self._engines
        )
        if any(scores.tobytes() != other.tobytes() for other in others):
            raise ProofFailed("the kernel's scores are not Python's")
        if scores.shape != expected.shape:
            raise ProofFailed(f"there are {scores.shape[1]} scores, not {expected.shape[1]}")
        same = (scores == expected) | (np.isnan(scores) & np.isnan(expected))
        if errors is not None:
            self._exact = False
            with np.errstate(invalid="ignore"):  # of equal infinities
                differences = np.where(same, 0.0, np.abs(scores - expected))
            self._worst_score = max(self._worst_score, float(differences.max(initial=0.0)))
            same = differences <= errors
        differing = int((~same).any(axis=1).sum())
        if differing:
            raise ProofFailed(f"decision scores of {differing} of {len(values)} inputs differ")

    def _compare_labels(self, rows: Any, found: list[Any], expected: Any, errors: Any) -> None:
        labels = np.array([self._engine.classes[one.label] for one in found])
        wrong = labels != self._pipeline.predict(rows).astype(str)
        if errors is not None and wrong.any():
            ties = wrong & self._find_near_ties(rows, expected, errors)
            self._near_ties += int(ties.sum())
            wrong &= ~ties
        if wrong.any():
            raise ProofFailed(f"{int(wrong.sum())} of {len(found)} labels are not the pipeline's")

    def _find_near_ties(self, rows: Any, expected: Any, errors: Any) -> NDArray[np.bool]:
        """Which inputs have two best labels that are closer than what rounding may move."""
        margin = 2 * errors.max(axis=1)
        # Where labels are voted for, any decision can turn the vote.
        votes = self._engine.votes
        ties: Any = (np.abs(expected).min(axis=1) if votes else _margin(expected)) <= margin
        if votes:
            return ties  # type: ignore[no-any-return]
        if hasattr(self._pipeline, "predict_proba"):
            probabilities = self._pipeline.predict_proba(rows)
            ties |= _margin(probabilities) <= 2 * (PROBABILITY_TOLERANCE + STEEPNESS * margin)
        return ties  # type: ignore[no-any-return]

    def _compare_probabilities(self, rows: Any, found: list[Any], errors: Any) -> None:
        probabilities = [one.probabilities for one in found]
        if not hasattr(self._pipeline, "predict_proba"):
            if any(one is not None for one in probabilities):
                raise ProofFailed("it has probabilities, and the pipeline has none")
            return
        differences = np.abs(np.array(probabilities) - self._pipeline.predict_proba(rows))
        allowed: Any = PROBABILITY_TOLERANCE
        if errors is not None:
            allowed = allowed + STEEPNESS * errors.max(axis=1, keepdims=True)
        if not (differences <= allowed).all():
            raise ProofFailed(f"a probability differs by {differences.max():.1e}")
        self._worst_probability = max(self._worst_probability, float(differences.max()))


def _margin(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far the best of a row's scores is from the next, or one score from zero."""
    if scores.shape[1] == 1:
        return np.abs(scores[:, 0])
    ordered = np.sort(scores, axis=1)
    return ordered[:, -1] - ordered[:, -2]


def _compare_terms(pipeline: Any, engine: FrozenEngine, texts: Sequence[str]) -> None:
    """Hold the terms of each text against the vectorizer's: all else follows from them."""
    found = (one for _, one in pipeline.steps if hasattr(one, "build_analyzer"))
    vectorizer = next(found, None)
    if vectorizer is None:  # it is within another step: its terms are seen in the scores alone
        return
    analyze = vectorizer.build_analyzer()
    for text in texts:
        if engine.first.analyze(text) != analyze(text):
            _check_splitter(vectorizer, engine.first.split, text)
            raise ProofFailed("the terms of a text are not the vectorizer's")


def _check_splitter(vectorizer: Any, split: Any, text: str) -> None:
    """Tell a splitter that was not changed with its preprocessor from a fault of the freezer."""
    if split not in SPLITTERS.values():
        return
    words = vectorizer.build_tokenizer()(vectorizer.build_preprocessor()(text))
    for found, word in zip_longest(split(text), words):
        if found != word:
            raise SplitterDiffers(
                f"serving/app/features.py: {split.__name__} has {found!a:.40} where "
                f"{vectorizer.preprocessor.__name__} and the token pattern have {word!a:.40}: make "
                "both the same, or take it out of SPLITTERS; then train again"
            )


def _compare_alone(
    engines: Sequence[FrozenEngine], values: Sequence[Any], found: list[Any]
) -> None:
    """Hold the answers to inputs in a batch, which go other ways, against each input's alone."""
    for engine in engines:
        together = found if engine is engines[0] else engine.score(values)
        for value, one, other in zip(values, found, together, strict=True):
            (alone,) = engine.score([value])
            # As text, for what is no number equals itself there.
            if repr(_list_answer(one)) != repr(_list_answer(alone)):
                raise ProofFailed("an input gets another answer alone than in a batch")
            if repr(_list_answer(one)) != repr(_list_answer(other)):
                raise ProofFailed("the kernel's answers are not Python's")


def _list_answer(scores: Any) -> list[Any]:
    return [getattr(scores, name) for name in ANSWER]

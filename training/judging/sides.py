"""Two models side by side: what each says of the test part, and where they differ."""

import hashlib
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from serving.bundle.manifest import VERSION_DIGITS
from training.data.dataset import Document, read_documents
from training.judging.committed import NotComparable, Recorded, predict_as, read_model_of
from training.paths import Paths
from training.reports.report import leading_words
from training.steps.evaluate import Scored, baseline_predictions, per_class, score, summarize

SHOWN_FLIPS = 10


class Flip(NamedTuple):
    """A test document that gets another label, and the terms that led to it.

    Attributes:
        row: Its line in the source's file.
        actual, before, after: Its label; the labels that the models give.
        was_sure, is_sure: Their probabilities; None where a classifier offers none.
        terms: The heaviest first.
    """

    row: int
    actual: str
    before: str
    was_sure: float | None
    after: str
    is_sure: float | None
    terms: list[str]


@dataclass(frozen=True)
class Side:
    """A model, and what it says of the test part.

    Attributes:
        version: As in a manifest.
        size: Of model.joblib, in bytes.
        pipeline: None for another commit's, which is never loaded here.
        metrics, classes: The scores; the F1 of each class, by label.
    """

    version: str
    size: int
    pipeline: Any
    scored: Scored
    metrics: dict[str, float]
    classes: dict[str, float]


def look_at(paths: Paths, pipeline: Any, documents: list[Document]) -> Side:
    """Predict the test part with this tree's model."""
    scored = score(pipeline, documents)
    return sum_up(paths, paths.model.read_bytes(), scored, documents, pipeline)


def look_at_base(
    paths: Paths, rev: str, manifest: Recorded | None, side: Side, documents: list[Document]
) -> Side:
    """Predict this tree's test part with the model of another commit.

    Raises:
        NotComparable: The commit has no model, or one that cannot predict these documents.
        StepError: Its model cannot be had.
    """
    data = read_model_of(rev, manifest, paths)
    scored = predict_as(rev, data, documents)
    changed = sorted(set(map(str, scored.classes)) ^ side.classes.keys())
    if changed:
        raise NotComparable(
            f"the model of {rev} has other classes: only one of the two has {', '.join(changed)}"
        )
    return sum_up(paths, data, scored, documents)


def sum_up(
    paths: Paths, data: bytes, scored: Scored, documents: list[Document], pipeline: Any = None
) -> Side:
    """What a model's predictions amount to."""
    return Side(
        version=hashlib.sha256(data).hexdigest()[:VERSION_DIGITS],
        size=len(data),
        pipeline=pipeline,
        scored=scored,
        metrics=summarize(scored, baseline_predictions(read_documents(paths.train), documents)),
        classes={one["label"]: one["f1"] for one in per_class(scored)},
    )


def find_flips(base: Side, side: Side, documents: list[Document]) -> list[Flip]:
    """The documents that get another label, those first of which the models are surest."""
    before, after = base.scored, side.scored
    changed = np.flatnonzero(before.predicted != after.predicted)
    was_sure, is_sure = _list_confidence(before), _list_confidence(after)
    order = sorted(changed, key=lambda one: -(was_sure[one] or 0) - (is_sure[one] or 0))
    flips: list[Flip] = []
    for index in order:
        label, shown = str(after.predicted[index]), len(flips) < SHOWN_FLIPS
        flips.append(
            Flip(
                row=documents[index].row,
                actual=documents[index].label,
                before=str(before.predicted[index]),
                was_sure=was_sure[index],
                after=label,
                is_sure=is_sure[index],
                terms=leading_words(side.pipeline, documents[index].text, label) if shown else [],
            )
        )
    return flips


def _list_confidence(scored: Scored) -> list[float] | list[None]:
    """The probability of each predicted label, or as many times None."""
    confidence = scored.confidence
    return [None] * len(scored.predicted) if confidence is None else confidence.tolist()

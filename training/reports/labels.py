"""What a report says of a classification."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from training.definition import Definition
from training.reports.drawing import BLUE, MUTED, draw
from training.tasks.classification import BINS

SHOWN_WORDS = 6
LEFT_OUT = 500  # words of a text, for the time's sake
SHOWN_PAIRS = 5


def describe(
    definition: Definition, model: Any, evaluation: dict[str, Any], inputs: dict[int, Any]
) -> dict[str, Any]:
    """What the templates labels*.html.j2 show; `inputs` are the test part's, by row."""
    mistakes = explain_mistakes(definition, model, evaluation["mistakes"], inputs)
    bins = evaluation["reliability"]
    return {
        "labels": {one.id: one.model_dump() for one in definition.schema.labels or ()},
        "confusion": shade(np.array(evaluation["confusion"])),
        "pairs": most_confused(evaluation["confusion"], evaluation["labels"]),
        "reliability": bins and draw(draw_reliability, bins),
        "mistakes": mistakes,
        "led": any(one["words"] for one in mistakes),
    }


def is_of(model: Any, evaluation: dict[str, Any]) -> bool:
    """Whether the evaluation may be this model's."""
    return bool(evaluation["labels"] == sorted(map(str, model.classes_)))


def explain_mistakes(
    definition: Definition, model: Any, mistakes: Sequence[dict[str, Any]], inputs: dict[int, Any]
) -> list[dict[str, Any]]:
    """The mistakes with what was asked and, of a text, the words that led to them."""
    is_text = definition.schema.kind == "text"
    return [
        {
            **one,
            "excerpt": definition.input.show(inputs[one["row"]]),
            "picture": definition.input.draw(inputs[one["row"]]),
            "words": leading_words(model, inputs[one["row"]], one["predicted"]) if is_text else [],
        }
        for one in mistakes
    ]


def shade(counts: np.ndarray[Any, Any]) -> dict[str, list[list[float]]]:
    """Of each cell the count, the share of its row, and how much colour it gets, from 0 to 1.

    Mistakes are measured against the worst one: beside the diagonal they would all be pale.
    """
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    right = np.eye(len(counts), dtype=bool)
    weights = np.where(right, shares, shares / (shares[~right].max() or 1))
    return {"counts": counts.tolist(), "shares": shares.tolist(), "weights": weights.tolist()}


def most_confused(confusion: list[list[int]], labels: list[str]) -> list[tuple[int, str, str]]:
    """Count, actual and predicted label of the most frequent kinds of mistake."""
    pairs = [
        (count, actual, predicted)
        for actual, row in zip(labels, confusion, strict=True)
        for predicted, count in zip(labels, row, strict=True)
        if actual != predicted and count
    ]
    return sorted(pairs, key=lambda pair: -pair[0])[:SHOWN_PAIRS]


def leading_words(pipeline: Any, text: str, label: str) -> list[str]:
    """The words without which `label` would lose most of its probability, the first one most.

    Each is left out once, wherever it stands, which holds for any model. None where all that are
    left out change nothing, or the classifier offers no probabilities.
    """
    pieces = re.split(r"(\w+)", text)
    words = list(dict.fromkeys(one.lower() for one in pieces[1::2]))[:LEFT_OUT]
    if not words or not hasattr(pipeline, "predict_proba"):
        return []
    without = ["".join(one for one in pieces if one.lower() != word) for word in words]
    column = [str(one) for one in pipeline.classes_].index(label)
    whole, *left = pipeline.predict_proba([text, *without])[:, column]
    lost = whole - np.array(left)
    order = np.argsort(-lost, kind="stable")[:SHOWN_WORDS]
    return [words[index] for index in order if lost[index] > 0]


def draw_reliability(figure: Figure, bins: list[dict[str, float]]) -> None:
    """Accuracy by confidence, and below it the number of examples of each dot."""
    above, below = figure.subplots(2, sharex=True, height_ratios=(3, 1))
    names = ("confidence", "accuracy", "count")
    sure, right, count = ([one[name] for one in bins] for name in names)
    above.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    above.plot(sure, right, color=BLUE, marker="o", linewidth=1.8, clip_on=False)
    above.set(xlim=(0, 1), ylim=(0, 1), ylabel="share right")
    middles = [(min(int(one * BINS), BINS - 1) + 0.5) / BINS for one in sure]
    bars = below.bar(middles, count, width=0.8 / BINS, color=BLUE)
    below.bar_label(bars, fmt="{:,.0f}", fontsize=8.5, padding=2)
    below.set(xlabel="probability of the predicted label", ylabel="examples", yticks=[])
    below.margins(y=0.3)
    below.grid(visible=False)
    figure.align_ylabels()

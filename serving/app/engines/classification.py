"""The task `classification`: a label, with its probability where the classifier offers one."""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from serving.app.engines.base import Scores
    from serving.bundle.manifest import Label, Manifest


class Prediction:
    """The answer for one input.

    Attributes:
        label: The predicted label.
        probability: Of that label; None where the classifier offers none.
        scores: What the engine said, of all labels.
    """

    __slots__ = ("label", "probability", "scores")

    def __init__(self, label: Label, probability: float | None, scores: Scores) -> None:
        self.label = label
        self.probability = probability
        self.scores = scores

    def answer(self) -> dict[str, Any]:
        """What is answered to a single input."""
        label = self.label
        return {"label": label.id, "title": label.title, "probability": self.probability}

    def item(self) -> dict[str, Any]:
        """What is answered to an input of a batch."""
        return {"label": self.label.id, "probability": self.probability}

    def properties(self) -> dict[str, Any]:
        """What the EMF document says of it."""
        return {"label": self.label.id}


class Classification:
    """From scores to labels."""

    def __init__(self, manifest: Manifest) -> None:
        self._labels = manifest.labels

    def decide(self, scores: Scores) -> Prediction:
        probabilities = scores.probabilities
        probability = None if probabilities is None else probabilities[scores.label]
        return Prediction(self._labels[scores.label], probability, scores)

    def measure(self, predictions: Sequence[Prediction]) -> dict[str, float]:
        """The metrics of predictions."""
        confidences = [one.probability for one in predictions if one.probability is not None]
        if not confidences or not math.isfinite(sum(confidences)):
            return {}
        return {"prediction.confidence": math.fsum(confidences) / len(confidences)}

    def rank(self, prediction: Prediction, count: int) -> list[tuple[Label, float | None]]:
        """The `count` most probable labels, the predicted one first.

        Fewer where the model has fewer; the predicted one alone where the classifier offers no
        probabilities.
        """
        predicted = prediction.scores.label
        probabilities = prediction.scores.probabilities
        if probabilities is None:
            return [(prediction.label, None)]
        order = sorted(
            range(len(probabilities)), key=lambda i: (i != predicted, -probabilities[i], i)
        )
        return [(self._labels[i], probabilities[i]) for i in order[:count]]

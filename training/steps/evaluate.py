"""Step evaluate: score the model once on the official test part, and hold it against the gate."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss
from sklearn.metrics import precision_recall_fscore_support as per_class_scores

from training.console import StepError, say
from training.data.dataset import Document, read_documents
from training.model_file import load_model
from training.paths import Paths, run_for_model
from training.settings.params import Evaluate, read_params

BINS = 10
SHOWN_MISTAKES = 20


@dataclass(frozen=True)
class Scored:
    """What the model said of the test part.

    Attributes:
        classes: The labels, in the classifier's order; shape (n_labels,).
        actual: The true labels; shape (n_documents,).
        predicted: The predicted labels; shape (n_documents,).
        probabilities: Shape (n_documents, n_labels); None where the classifier offers none.
    """

    classes: NDArray[np.str_]
    actual: NDArray[np.str_]
    predicted: NDArray[np.str_]
    probabilities: NDArray[np.float64] | None

    @property
    def confidence(self) -> NDArray[np.float64] | None:
        """The probability of the predicted label; shape (n_documents,)."""
        if self.probabilities is None:
            return None
        columns = np.searchsorted(self.classes, self.predicted)
        return self.probabilities[np.arange(len(columns)), columns]


def main(paths: Paths) -> None:
    """Write the scores.

    Raises:
        StepError: The model is below the gate of params.yaml; the message lists each reason.
    """
    documents = read_documents(paths.test)
    scored = score(load_model(paths), documents)
    metrics = summarize(scored, baseline_predictions(read_documents(paths.train), documents))
    classes = per_class(scored)
    write_reports(paths, metrics, classes, scored, documents)
    say(
        f"test part: macro-F1 {metrics['macro_f1']:.4f}, accuracy {metrics['accuracy']:.4f}, "
        f"{tell_probabilities(metrics)} (baseline accuracy {metrics['baseline_accuracy']:.4f})"
    )
    failures = find_failures(metrics, classes, read_params(paths.params).evaluate)
    if failures:
        raise StepError(
            f"the model is below the gate ({paths.params}, evaluate):\n  " + "\n  ".join(failures)
        )


def score(pipeline: Any, documents: list[Document]) -> Scored:
    """Predict the documents."""
    texts = [one.text for one in documents]
    actual = np.array([one.label for one in documents])
    probabilities = pipeline.predict_proba(texts) if hasattr(pipeline, "predict_proba") else None
    return Scored(pipeline.classes_, actual, pipeline.predict(texts), probabilities)


def baseline_predictions(train: list[Document], test: list[Document]) -> NDArray[np.str_]:
    """What a model says that always says the training part's most frequent class."""
    dummy = DummyClassifier(strategy="most_frequent")
    dummy.fit([[0]] * len(train), [one.label for one in train])
    found: NDArray[np.str_] = dummy.predict([[0]] * len(test))
    return found


def summarize(scored: Scored, baseline: NDArray[np.str_]) -> dict[str, float]:
    """The scores of the whole test part, by name; those of probabilities where there are any."""
    return {
        "macro_f1": float(f1_score(scored.actual, scored.predicted, average="macro")),
        "accuracy": float(accuracy_score(scored.actual, scored.predicted)),
        **score_probabilities(scored),
        "baseline_accuracy": float(accuracy_score(scored.actual, baseline)),
        "baseline_macro_f1": float(f1_score(scored.actual, baseline, average="macro")),
    }


def score_probabilities(scored: Scored) -> dict[str, float]:
    """How far the probabilities can be believed; nothing where the classifier offers none."""
    if scored.probabilities is None:
        return {}
    return {
        "log_loss": float(log_loss(scored.actual, scored.probabilities, labels=scored.classes)),
        "calibration_error": calibration_error(reliability(scored)),
    }


def tell_probabilities(metrics: dict[str, float]) -> str:
    """The scores of probabilities as a line of progress has them."""
    if "log_loss" not in metrics:
        return "no log-loss or calibration error, for the classifier offers no probabilities"
    return (
        f"log-loss {metrics['log_loss']:.3f}, calibration error {metrics['calibration_error']:.3f}"
    )


def per_class(scored: Scored) -> list[dict[str, Any]]:
    """Precision, recall, F1 and number of test documents of each class, in order."""
    table = per_class_scores(
        scored.actual, scored.predicted, labels=scored.classes, zero_division=0
    )
    names = ("precision", "recall", "f1", "support")
    return [
        {"label": str(label), **dict(zip(names, map(float, row), strict=True))}
        for label, row in zip(scored.classes, np.transpose(table), strict=True)
    ]


def reliability(scored: Scored) -> list[dict[str, float]]:
    """How often the model is right when it is this sure, in `BINS` bins of equal width.

    Bins without documents are left out: all of them, where there are no probabilities.
    """
    confidence = scored.confidence
    if confidence is None:
        return []
    right = scored.actual == scored.predicted
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        {
            "confidence": float(confidence[bins == index].mean()),
            "accuracy": float(right[bins == index].mean()),
            "count": int((bins == index).sum()),
        }
        for index in np.unique(bins)
    ]


def calibration_error(bins: list[dict[str, float]]) -> float:
    """The expected calibration error (Naeini et al., 2015): mean gap, weighted by count."""
    total = sum(one["count"] for one in bins)
    return sum(abs(one["confidence"] - one["accuracy"]) * one["count"] for one in bins) / total


def mistakes(scored: Scored, documents: list[Document]) -> list[dict[str, Any]]:
    """The wrong predictions that the model was most sure of, by row of the source.

    Without probabilities, the first ones.
    """
    wrong = np.flatnonzero(scored.actual != scored.predicted)
    sure = scored.confidence
    if sure is not None:
        wrong = wrong[np.argsort(-sure[wrong], kind="stable")]
    return [
        {
            "row": documents[index].row,
            "actual": str(scored.actual[index]),
            "predicted": str(scored.predicted[index]),
            "probability": None if sure is None else float(sure[index]),
        }
        for index in wrong[:SHOWN_MISTAKES]
    ]


def find_failures(
    metrics: dict[str, float], classes: list[dict[str, Any]], gate: Evaluate
) -> list[str]:
    """In which ways the scores are below the gate, one sentence each."""
    gain = metrics["accuracy"] - metrics["baseline_accuracy"]
    checks = [
        ("macro-F1", metrics["macro_f1"], "min_macro_f1", gate.min_macro_f1),
        ("accuracy over baseline", gain, "min_gain_over_baseline", gate.min_gain_over_baseline),
        *(
            (f"F1 of {one['label']}", one["f1"], "min_class_f1", gate.min_class_f1)
            for one in classes
        ),
    ]
    return [
        f"{what} is {value:.4f}, below {name} ({least})"
        for what, value, name, least in checks
        if value < least
    ]


def write_reports(
    paths: Paths,
    metrics: dict[str, float],
    classes: list[dict[str, Any]],
    scored: Scored,
    documents: list[Document],
) -> None:
    """Write the metrics, the evaluation and the tables that DVC plots."""
    matrix = confusion_matrix(scored.actual, scored.predicted, labels=scored.classes)
    evaluation = {
        "labels": scored.classes.tolist(),
        "per_class": classes,
        "confusion": matrix.tolist(),
        "reliability": reliability(scored),
        "mistakes": mistakes(scored, documents),
    }
    paths.metrics.write_text(json.dumps(metrics, indent=2) + "\n")
    paths.evaluation.write_text(json.dumps(evaluation, indent=2) + "\n")
    paths.reliability.parent.mkdir(exist_ok=True)
    _write_table(paths.reliability, ["confidence", "accuracy", "count"], evaluation["reliability"])
    pairs = zip(scored.actual, scored.predicted, strict=True)
    rows = [{"actual": actual, "predicted": predicted} for actual, predicted in pairs]
    _write_table(paths.confusion, ["actual", "predicted"], rows)


def _write_table(path: Path, names: list[str], rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, fieldnames=names)
        table.writeheader()
        table.writerows(rows)


if __name__ == "__main__":
    run_for_model(main)

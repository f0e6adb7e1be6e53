"""The task `classification`: one of some labels."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss
from sklearn.metrics import precision_recall_fscore_support as per_class_scores
from sklearn.model_selection import StratifiedKFold

from serving.bundle.manifest import Label
from training.console import StepError
from training.data.dataset import Example, list_rows
from training.settings.params import Params, Validate
from training.settings.schema import Schema
from training.tasks import Measured, Metrics, Mistaken
from training.tasks.tables import write_table

BINS = 10
SHOWN_MISTAKES = 20
FEW_PER_CLASS = 20


@dataclass(frozen=True)
class Scored:
    """What a model said of examples.

    Attributes:
        classes: The labels as texts, sorted; shape (n_labels,).
        actual: The true labels; shape (n_examples,).
        predicted: The predicted labels; shape (n_examples,).
        probabilities: Shape (n_examples, n_labels); None where the classifier offers none.
    """

    classes: NDArray[np.str_]
    actual: NDArray[np.str_]
    predicted: NDArray[np.str_]
    probabilities: NDArray[np.float64] | None

    @property
    def confidence(self) -> NDArray[np.float64] | None:
        """The probability of the predicted label; shape (n_examples,)."""
        if self.probabilities is None:
            return None
        columns = np.searchsorted(self.classes, self.predicted)
        return self.probabilities[np.arange(len(columns)), columns]


class Classification:
    """What the steps ask of it; see `tasks.Task`."""

    trial_metric = "accuracy"

    def __init__(self, schema: Schema) -> None:
        self._labels = {one.id: one for one in schema.labels or ()}

    def read_targets(self, examples: Sequence[Example]) -> NDArray[np.str_]:
        return np.array([one.target for one in examples], dtype=np.str_)

    def make_folds(self, targets: NDArray[np.str_], count: int, seed: int) -> StratifiedKFold:
        fewest = min(np.unique(targets, return_counts=True)[1])
        if fewest < count:
            raise StepError(
                f"params.yaml: {count} folds are more than a class has training examples ({fewest})"
            )
        return StratifiedKFold(count, shuffle=True, random_state=seed)

    def find_problems(
        self, train: Sequence[Example], test: Sequence[Example], limits: Validate
    ) -> list[str]:
        counts = self.count(train)
        checks = {
            "examples with a label that schema.json does not have": [
                one.row for one in [*train, *test] if not self._has(one.target)
            ],
            "test examples with a label that the training part does not have": [
                one.row for one in test if str(one.target) not in counts
            ],
        }
        found = [f"{what}: rows {list_rows(rows)}" for what, rows in checks.items() if rows]
        return found + find_imbalance(counts, limits)

    def _has(self, target: object) -> bool:
        return isinstance(target, str) and target in self._labels

    def check_params(self, params: Params, targets: NDArray[np.str_]) -> None:
        """Nothing."""

    def count(self, examples: Sequence[Example]) -> dict[str, int]:
        """Examples per label, by label."""
        return dict(sorted(Counter(str(one.target) for one in examples).items()))

    def take_few(self, examples: Sequence[Example]) -> list[Example]:
        by_label: defaultdict[Any, list[Example]] = defaultdict(list)
        for one in examples:
            by_label[one.target].append(one)
        return [one for same in by_label.values() for one in same[:FEW_PER_CLASS]]

    def score(self, model: Any, values: Any, targets: NDArray[np.str_]) -> Scored:
        probabilities = model.predict_proba(values) if hasattr(model, "predict_proba") else None
        # A model that was trained elsewhere may have numbers as its labels.
        return make_scored(model.classes_, targets, model.predict(values), probabilities)

    def calibrate(self, candidate: Any, values: Any, targets: Any, params: Params) -> None:
        """Nothing: the classifier says how sure it is, if it can."""

    def score_trial(self, scored: Scored) -> float:
        return float(accuracy_score(scored.actual, scored.predicted))

    def summarize(self, scored: Scored, trained: NDArray[np.str_], _: None = None) -> Metrics:
        baseline = predict_most_frequent(trained, len(scored.actual))
        return {
            "macro_f1": float(f1_score(scored.actual, scored.predicted, average="macro")),
            "accuracy": float(accuracy_score(scored.actual, scored.predicted)),
            **score_probabilities(scored),
            "baseline_accuracy": float(accuracy_score(scored.actual, baseline)),
            "baseline_macro_f1": float(f1_score(scored.actual, baseline, average="macro")),
        }

    def measure(self, scored: Scored, metrics: Metrics) -> list[Measured]:
        gain = metrics["accuracy"] - metrics["baseline_accuracy"]
        return [
            Measured("min_macro_f1", "macro-F1", metrics["macro_f1"]),
            Measured("min_gain_over_baseline", "accuracy over baseline", gain),
            Measured("min_accuracy", "accuracy", metrics["accuracy"]),
            *(
                Measured("min_trials_accuracy", "accuracy in trials", value)
                for name, value in metrics.items()
                if name == "trials_accuracy"
            ),
            *(
                Measured("min_class_f1", f"F1 of {one['label']}", one["f1"])
                for one in score_classes(scored)
                if one["support"]  # without test examples nothing is known of it
            ),
        ]

    def describe(self, scored: Scored, rows: Sequence[int], _: None = None) -> dict[str, Any]:
        matrix = confusion_matrix(scored.actual, scored.predicted, labels=scored.classes)
        return {
            "labels": scored.classes.tolist(),
            "per_class": score_classes(scored),
            "confusion": matrix.tolist(),
            "reliability": measure_reliability(scored),
            "mistakes": list_mistakes(scored, rows),
        }

    def write_plots(self, scored: Scored, folder: Path) -> None:
        bins = measure_reliability(scored)
        write_table(folder / "reliability.csv", ["confidence", "accuracy", "count"], bins)
        pairs = zip(scored.actual, scored.predicted, strict=True)
        rows = [{"actual": actual, "predicted": predicted} for actual, predicted in pairs]
        write_table(folder / "confusion.csv", ["actual", "predicted"], rows)

    def tell(self, metrics: Metrics) -> str:
        return (
            f"macro-F1 {metrics['macro_f1']:.4f}, accuracy {metrics['accuracy']:.4f}, "
            f"{tell_probabilities(metrics)} (baseline accuracy {metrics['baseline_accuracy']:.4f})"
        )

    def choose_golden(
        self, golden: list[dict[str, Any]], trained: NDArray[np.str_], place: Path
    ) -> list[dict[str, Any]]:
        chosen = [one for one in golden if one["label"] in trained]
        if not chosen:
            raise StepError(
                f"{place} has no example of a label that is trained: write at least one, for "
                "'make smoke' holds what is deployed against them"
            )
        return chosen

    def answer_golden(self, golden: dict[str, Any], scored: Scored, index: int) -> dict[str, Any]:
        label = str(scored.predicted[index])
        if label != golden["label"]:
            raise Mistaken(f"{label} instead of {golden['label']}")
        sure = scored.confidence
        return {"label": label, "probability": None if sure is None else float(sure[index])}

    def profile(self, scored: Scored) -> dict[str, Any]:
        shares = {str(one): float((scored.predicted == one).mean()) for one in scored.classes}
        if scored.confidence is None:
            return {"labels": shares}
        counts, _ = np.histogram(scored.confidence, bins=BINS, range=(0, 1))
        return {"labels": shares, "confidence_histogram": (counts / counts.sum()).tolist()}

    def describe_answers(self, model: Any, _: dict[str, Any]) -> dict[str, Any]:
        labels = tuple(Label(**self._labels[str(one)].model_dump()) for one in model.classes_)
        return {"labels": labels, "target": None, "interval": None}


def make_scored(classes: Any, actual: Any, predicted: Any, probabilities: Any) -> Scored:
    """As a classifier says it: its labels may be numbers, whose order as texts is another."""
    names = np.asarray(classes).astype(str)
    order = np.argsort(names)
    if probabilities is not None:
        probabilities = probabilities[:, order]
    return Scored(names[order], actual, np.asarray(predicted).astype(str), probabilities)


def predict_most_frequent(trained: NDArray[np.str_], count: int) -> NDArray[np.str_]:
    """What a model says that always says the training part's most frequent class."""
    dummy = DummyClassifier(strategy="most_frequent").fit([[0]] * len(trained), trained)
    found: NDArray[np.str_] = dummy.predict([[0]] * count)
    return found


def score_probabilities(scored: Scored) -> Metrics:
    """How far the probabilities can be believed; nothing where the classifier offers none."""
    if scored.probabilities is None:
        return {}
    return {
        "log_loss": float(log_loss(scored.actual, scored.probabilities, labels=scored.classes)),
        "calibration_error": average_gap(measure_reliability(scored)),
    }


def tell_probabilities(metrics: Metrics) -> str:
    """The scores of probabilities as a line of progress has them."""
    if "log_loss" not in metrics:
        return "no log-loss or calibration error, for the classifier offers no probabilities"
    return (
        f"log-loss {metrics['log_loss']:.3f}, calibration error {metrics['calibration_error']:.3f}"
    )


def score_classes(scored: Scored) -> list[dict[str, Any]]:
    """Precision, recall, F1 and number of test examples of each class, in order."""
    table = per_class_scores(
        scored.actual, scored.predicted, labels=scored.classes, zero_division=0
    )
    names = ("precision", "recall", "f1", "support")
    return [
        {"label": str(label), **dict(zip(names, map(float, row), strict=True))}
        for label, row in zip(scored.classes, np.transpose(table), strict=True)
    ]


def measure_reliability(scored: Scored) -> list[dict[str, float]]:
    """How often the model is right when it is this sure, in `BINS` bins of equal width.

    Bins without examples are left out: all of them, where there are no probabilities.
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


def average_gap(bins: list[dict[str, float]]) -> float:
    """The expected calibration error (Naeini et al., 2015): mean gap, weighted by count."""
    total = sum(one["count"] for one in bins)
    return sum(abs(one["confidence"] - one["accuracy"]) * one["count"] for one in bins) / total


def list_mistakes(scored: Scored, rows: Sequence[int]) -> list[dict[str, Any]]:
    """The wrong predictions that the model was most sure of, by row of the source.

    Without probabilities, the first ones.
    """
    wrong = np.flatnonzero(scored.actual != scored.predicted)
    sure = scored.confidence
    if sure is not None:
        wrong = wrong[np.argsort(-sure[wrong], kind="stable")]
    return [
        {
            "row": rows[index],
            "actual": str(scored.actual[index]),
            "predicted": str(scored.predicted[index]),
            "probability": None if sure is None else float(sure[index]),
        }
        for index in wrong[:SHOWN_MISTAKES]
    ]


def find_imbalance(counts: dict[str, int], limits: Validate) -> list[str]:
    """What is wrong with the numbers of training examples per class."""
    if not counts:
        return ["there are no training examples"]
    found = [
        f"class {label} has {count} training examples, fewer than "
        f"validate.min_examples_per_class ({limits.min_examples_per_class})"
        for label, count in counts.items()
        if count < limits.min_examples_per_class
    ]
    if len(counts) == 1:
        found.append("there is one class alone: a model has nothing to tell apart")
    ratio = max(counts.values()) / min(counts.values())
    if ratio > limits.max_class_ratio:
        found.append(
            f"the largest class is {ratio:.1f} times the smallest, more than "
            f"validate.max_class_ratio ({limits.max_class_ratio:g})"
        )
    return found

"""Scores and the gate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.dataset import Document
from training.settings.params import Evaluate
from training.steps import evaluate
from training.steps.evaluate import Scored

CLASSES = np.array(["a", "b", "c"])
GATE = Evaluate(min_macro_f1=0.5, min_class_f1=0.4, min_gain_over_baseline=0.2)


def scored(actual, probabilities):
    probabilities = np.array(probabilities)
    return Scored(
        CLASSES, np.array(list(actual)), CLASSES[probabilities.argmax(axis=1)], probabilities
    )


SURE = [[0.9, 0.1, 0.0], [0.1, 0.9, 0.0], [0.0, 0.1, 0.9], [0.85, 0.1, 0.05]]


def test_scores_are_those_of_the_definitions():
    metrics = evaluate.summarize(scored("abcb", SURE), np.array(list("bbbb")))
    assert metrics["accuracy"] == 0.75
    assert metrics["baseline_accuracy"] == 0.5
    assert metrics["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert metrics["log_loss"] == pytest.approx(-np.mean(np.log([0.9, 0.9, 0.9, 0.1])))


def test_calibration_error_is_the_weighted_gap():
    # Bin 0.8-0.9 has one document, wrong; bin 0.9-1.0 three, right.
    found = evaluate.calibration_error(evaluate.reliability(scored("abcb", SURE)))
    assert found == pytest.approx((0.85 * 1 + 0.1 * 3) / 4)


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.lists(st.floats(0.01, 1), min_size=3, max_size=3)),
        min_size=1,
    )
)
def test_reliability_counts_every_document_once(rows):
    probabilities = np.array([row for _, row in rows])
    bins = evaluate.reliability(
        scored(
            [label for label, _ in rows], probabilities / probabilities.sum(axis=1, keepdims=True)
        )
    )
    assert sum(one["count"] for one in bins) == len(rows)
    assert all(0 <= one["accuracy"] <= 1 for one in bins)


def test_mistakes_are_the_wrong_ones_the_surest_first():
    documents = [Document(row, "a", "") for row in (5, 6, 7, 8)]
    found = evaluate.mistakes(scored("bbcb", SURE), documents)
    assert [(one["row"], one["actual"], one["predicted"]) for one in found] == [
        (5, "b", "a"),
        (8, "b", "a"),
    ]
    assert found[0]["probability"] == 0.9


def test_model_passes_the_gate_has_no_failures():
    result = scored("abca", SURE)
    metrics = evaluate.summarize(result, np.array(list("bbbb")))
    assert evaluate.find_failures(metrics, evaluate.per_class(result), GATE) == []


def test_model_fails_the_gate_names_each_rule_with_its_value():
    result = scored("bcab", SURE)
    metrics = evaluate.summarize(result, np.array(list("bbbb")))
    failures = evaluate.find_failures(metrics, evaluate.per_class(result), GATE)
    assert failures[0] == "macro-F1 is 0.0000, below min_macro_f1 (0.5)"
    assert "accuracy over baseline is -0.5000" in failures[1]
    assert [one.split()[2] for one in failures[2:]] == ["a", "b", "c"]


def test_baseline_says_the_most_frequent_class_of_training():
    train = [Document(1, label, "") for label in "abb"]
    assert set(evaluate.baseline_predictions(train, train)) == {"b"}

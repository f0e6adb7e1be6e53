"""The task `classification`: scores, what the gates look at, golden examples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.console import StepError
from training.settings.params import Evaluate
from training.tasks import Mistaken, apply_gates
from training.tasks.classification import (
    Scored,
    average_gap,
    list_mistakes,
    measure_reliability,
    predict_most_frequent,
    score_probabilities,
)
from training.tests.sample import TASK

CLASSES = np.array(["a", "b", "c"])
GATE = Evaluate(min_macro_f1=0.5, min_class_f1=0.4, min_gain_over_baseline=0.2)


def scored(actual, probabilities):
    probabilities = np.array(probabilities)
    return Scored(
        CLASSES, np.array(list(actual)), CLASSES[probabilities.argmax(axis=1)], probabilities
    )


SURE = [[0.9, 0.1, 0.0], [0.1, 0.9, 0.0], [0.0, 0.1, 0.9], [0.85, 0.1, 0.05]]


def test_scores_are_those_of_the_definitions():
    metrics = TASK.summarize(scored("abcb", SURE), np.array(list("bbbb")))
    assert metrics["accuracy"] == 0.75
    assert metrics["baseline_accuracy"] == 0.5
    assert metrics["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert metrics["log_loss"] == pytest.approx(-np.mean(np.log([0.9, 0.9, 0.9, 0.1])))


def test_calibration_error_is_the_weighted_gap():
    # Bin 0.8-0.9 has one example, wrong; bin 0.9-1.0 three, right.
    found = average_gap(measure_reliability(scored("abcb", SURE)))
    assert found == pytest.approx((0.85 * 1 + 0.1 * 3) / 4)


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.lists(st.floats(0.01, 1), min_size=3, max_size=3)),
        min_size=1,
    )
)
def test_reliability_counts_every_example_once(rows):
    probabilities = np.array([row for _, row in rows])
    bins = measure_reliability(
        scored(
            [label for label, _ in rows], probabilities / probabilities.sum(axis=1, keepdims=True)
        )
    )
    assert sum(one["count"] for one in bins) == len(rows)
    assert all(0 <= one["accuracy"] <= 1 for one in bins)


def test_mistakes_are_the_wrong_ones_the_surest_first():
    found = list_mistakes(scored("bbcb", SURE), [5, 6, 7, 8])
    assert [(one["row"], one["actual"], one["predicted"]) for one in found] == [
        (5, "b", "a"),
        (8, "b", "a"),
    ]
    assert found[0]["probability"] == 0.9


def find_failures(result, metrics):
    return [
        one.failure for one in apply_gates(GATE, TASK.measure(result, metrics)) if not one.passed
    ]


def test_model_passes_the_gate_has_no_failures():
    result = scored("abca", SURE)
    metrics = TASK.summarize(result, np.array(list("bbbb")))
    assert find_failures(result, metrics) == []


def test_model_fails_the_gate_names_each_rule_with_its_value():
    result = scored("bcab", SURE)
    metrics = TASK.summarize(result, np.array(list("bbbb")))
    failures = find_failures(result, metrics)
    assert failures[0] == "macro-F1 is 0.0000, below min_macro_f1 (0.5)"
    assert "accuracy over baseline is -0.5000" in failures[1]
    assert [one.split()[2] for one in failures[2:]] == ["a", "b", "c"]


def test_baseline_says_the_most_frequent_class_of_training():
    assert predict_most_frequent(np.array(list("abb")), 4).tolist() == ["b"] * 4


GOLDEN = [{"label": "a", "input": {"text": "x"}}, {"label": "z", "input": {"text": "y"}}]


def test_golden_examples_of_labels_that_are_not_trained_are_left_out(tmp_path):
    assert TASK.choose_golden(GOLDEN, CLASSES, tmp_path) == GOLDEN[:1]


def test_no_golden_example_is_of_a_label_that_is_trained_is_refused(tmp_path):
    with pytest.raises(StepError, match=r"golden\.json has no example of a label.*'make smoke'"):
        TASK.choose_golden(GOLDEN[1:], CLASSES, tmp_path / "golden.json")


def test_golden_example_is_answered_with_the_label_and_its_probability():
    result = scored("abcb", SURE)
    assert TASK.answer_golden({"label": "a"}, result, 3) == {"label": "a", "probability": 0.85}
    with pytest.raises(Mistaken, match="a instead of b"):
        TASK.answer_golden({"label": "b"}, result, 3)


class Numbers:
    """A classifier whose labels are numbers: as texts they have another order."""

    classes_ = np.array([1, 2, 10])

    def predict(self, values):
        return self.classes_[self.predict_proba(values).argmax(axis=1)]

    def predict_proba(self, values):
        return np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.05, 0.05, 0.9]])[values]


def test_labels_are_numbers_each_has_its_own_probability():
    found = TASK.score(Numbers(), [0, 1, 2, 2], np.array(["1", "2", "10", "1"]))
    assert found.classes.tolist() == ["1", "10", "2"]
    assert found.predicted.tolist() == ["1", "2", "10", "10"]
    assert found.confidence.tolist() == [0.7, 0.6, 0.9, 0.9]
    expected = -np.log([0.7, 0.6, 0.9, 0.05]).mean()
    assert score_probabilities(found)["log_loss"] == pytest.approx(expected)


def test_class_without_test_examples_has_no_gate():
    found = TASK.score(Numbers(), [0, 1], np.array(["1", "2"]))
    measured = TASK.measure(found, TASK.summarize(found, np.array(["1"])))
    assert [one.what for one in measured if one.setting == "min_class_f1"] == ["F1 of 1", "F1 of 2"]


def test_more_folds_than_a_class_has_examples_are_refused():
    with pytest.raises(
        StepError, match=r"3 folds are more than a class has training examples \(2\)"
    ):
        TASK.make_folds(np.array(list("aaabb")), 3, seed=0)

"""How equal frozen answers are is written down for each class, and measured."""

from pathlib import Path

import numpy as np
import pytest

from tools.equality.measure import Asked, find_share, measure
from tools.equality.page import PAGE, build_page, build_summary, read_results
from training.freezing.registry import RULES
from training.tests.zoo import list_classes

INPUTS = 10_000  # of each class
SOME = ("AdaBoostClassifier", "Normalizer", "Ridge")


def test_page_is_made_of_the_registry_and_the_results():
    assert PAGE.read_text(encoding="utf-8") == build_page(read_results())


def test_documents_say_what_was_measured():
    page = Path("docs/explanation/freezing.md").read_text(encoding="utf-8")
    assert build_summary(read_results()) in page


def test_results_are_of_each_class_that_has_a_rule():
    classes = read_results()["classes"]
    assert [one["class"] for one in classes] == [kind.__name__ for kind in list_classes()]
    exact = {kind.__name__ for kind, rule in RULES.items() if rule.bound is None}
    assert {one["class"] for one in classes if one["equality"] == "exact"} == exact


def test_no_class_answered_otherwise_than_it_may():
    for one in read_results()["classes"]:
        assert one["inputs"] >= INPUTS
        assert one["share"] is None or one["share"] <= 1


def test_each_bound_says_what_it_is():
    assert all(rule.bound.__doc__ for rule in RULES.values() if rule.bound)


@pytest.mark.parametrize("name", SOME)
def test_class_is_measured_and_is_as_equal_as_written_down(name):
    (written,) = (one for one in read_results()["classes"] if one["class"] == name)
    found = measure(name, Asked(inputs=60, rows=5))
    assert found["equality"] == written["equality"]
    assert found["inputs"] == 60
    assert found["share"] is None or found["share"] <= 1


@pytest.mark.filterwarnings("ignore:.*encountered in divide:RuntimeWarning")
def test_difference_is_told_as_a_share_of_its_bound():
    found, nan = np.array([[1.0, 2.5, np.nan]]), np.nan
    assert find_share(found, np.array([[1.0, 2.0, nan]]), np.array([[0.0, 2.0, 0.0]])) == 0.25
    assert find_share(found, np.array([[1.5, 2.5, nan]]), np.zeros((1, 3))) == np.inf

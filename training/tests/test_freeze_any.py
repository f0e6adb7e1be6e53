"""Whatever can be frozen answers as scikit-learn does: each class, and pipelines of any of them."""

import numpy as np
import pytest
from sklearn.pipeline import Pipeline

from serving.app.engines.shape import shape
from training.freezing.inputs import generate
from training.freezing.registry import RULES, Given, find_errors, find_rule
from training.tests.frozen import hold
from training.tests.zoo import draw, list_classes, make_case, sketch

FAST = 12  # random pipelines of `make test`
ALL = 320
MOST = 1e-8  # of a score on ordinary inputs


def prove_case(path, case, count):
    pipeline, described, values = case
    asked = [*values, *generate(described, pipeline, values, count, seed=1)]
    return hold(path / "model.frozen", pipeline, described, asked)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", list_classes(), ids=lambda kind: kind.__name__)
def test_each_class_answers_as_scikit_learn_does(kind, tmp_path):
    case = make_case(kind)
    found = prove_case(tmp_path, case, 200)
    assert found["refused"] < found["inputs"] / 2
    check_bounds(*case)


def check_bounds(pipeline, described, values):
    """On ordinary inputs a bound is near nothing: one that allows anything would prove nothing."""
    rows = shape(described, values)
    errors = find_errors(pipeline, Given(rows))
    if errors is not None:
        scores = find_rule(pipeline).scores(pipeline, rows)
        assert (errors <= MOST * (1 + np.abs(scores))).all()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(FAST))
def test_a_few_random_pipelines_answer_as_scikit_learn_does(seed, tmp_path):
    prove_case(tmp_path, draw(seed), 100)


def test_random_pipelines_have_each_class_that_has_a_rule():
    drawn = {type(part) for seed in range(ALL) for part in sketch(seed)[0].get_params().values()}
    assert not RULES.keys() - drawn - {Pipeline}  # which they are themselves


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(FAST, ALL))
def test_random_pipelines_answer_as_scikit_learn_does(seed, tmp_path):
    prove_case(tmp_path, draw(seed), 100)

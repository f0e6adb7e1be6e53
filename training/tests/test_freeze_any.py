"""Whatever can be frozen answers as scikit-learn does: each class, and pipelines of any of them."""

import pytest

from training.freezing.inputs import generate
from training.tests.frozen import hold
from training.tests.zoo import draw, list_classes, make_case

FAST = 12  # random pipelines of `make test`
ALL = 320


def prove_case(path, case, count):
    pipeline, described, values = case
    asked = [*values, *generate(described, pipeline, values, count, seed=1)]
    return hold(path / "model.frozen", pipeline, described, asked)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", list_classes(), ids=lambda kind: kind.__name__)
def test_each_class_answers_as_scikit_learn_does(kind, tmp_path):
    found = prove_case(tmp_path, make_case(kind), 200)
    assert found["refused"] < found["inputs"] / 2


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(FAST))
def test_a_few_random_pipelines_answer_as_scikit_learn_does(seed, tmp_path):
    prove_case(tmp_path, draw(seed), 100)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(FAST, ALL))
def test_random_pipelines_answer_as_scikit_learn_does(seed, tmp_path):
    prove_case(tmp_path, draw(seed), 100)

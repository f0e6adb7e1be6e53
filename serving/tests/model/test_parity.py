"""The service answers what the pipeline of training says, on the whole test part."""

import json

import numpy as np
import pytest

from serving.bundle.inputs import MAX_TEXT_CHARS, make_batch
from training.data.dataset import read_examples
from training.definition import read_definition
from training.freezing.proof import PROBABILITY_TOLERANCE
from training.model_file import load_model
from training.tasks import apply_gates

pytestmark = pytest.mark.trained


@pytest.fixture(scope="session")
def tested(paths):
    for path in (paths.train, paths.test, paths.input):
        if not path.exists():
            pytest.skip(f"parity is NOT tested: {path} is missing: run {paths.make('train')}")
    return read_examples(paths.test)


@pytest.fixture
def tolerance(predictor):
    """How far the numbers of an engine may be from scikit-learn's.

    Dense products of some pictures and of all go through other routines of BLAS.
    """
    manifest = predictor.manifest
    is_exact = manifest.engine == "sklearn" and manifest.input["kind"] != "image"
    return 0 if is_exact else PROBABILITY_TOLERANCE


def test_golden_examples_get_the_answers_of_the_manifest(predictor):
    golden = predictor.manifest.golden
    found = predictor.predict([predictor.input.read(one["input"]) for one in golden])
    for one, expected in zip(found, golden, strict=True):
        if predictor.manifest.task == "regression":
            assert one.value == pytest.approx(expected["value"], rel=PROBABILITY_TOLERANCE)
            continue
        assert one.label.id == expected["label"]
        assert one.probability == pytest.approx(expected["probability"], abs=PROBABILITY_TOLERANCE)


@pytest.mark.slow
def test_test_part_is_posted_gets_the_pipelines_answers(
    predictor, tested, start_service, paths, tolerance
):
    client = start_service(paths.bundle)
    _, _, task, kind = read_definition(paths)
    # A text can be longer than a request may be.
    inputs = [cut(one.input) for one in tested]
    targets = task.read_targets(tested)
    expected = task.score(load_model(paths), kind.shape(inputs), targets)
    answers = []
    for start in range(0, len(inputs), 250):  # under the limit of the body
        bodies = [kind.make_body(one) for one in inputs[start : start + 250]]
        body = make_batch(predictor.manifest.input, bodies)
        answers += client.request(path="/predict/batch", body=body).json["predictions"]
    if predictor.manifest.task == "regression":
        assert [one["value"] for one in answers] == expected.predicted.tolist()
        return
    assert [one["label"] for one in answers] == expected.predicted.tolist()
    probabilities = [one["probability"] for one in answers]
    if expected.confidence is None:
        assert set(probabilities) == {None}
        return
    assert np.abs(np.array(probabilities) - expected.confidence).max() <= tolerance


def cut(value):
    return value[:MAX_TEXT_CHARS] if isinstance(value, str) else value


def test_metrics_of_the_manifest_are_those_of_the_test_part(predictor, tested, paths):
    manifest = predictor.manifest
    assert manifest.metrics == json.loads(paths.metrics.read_text())
    _, params, task, kind = read_definition(paths)
    values = kind.shape(one.input for one in tested)
    scored = task.score(load_model(paths), values, task.read_targets(tested))
    trained = task.read_targets(read_examples(paths.train))
    metrics = task.summarize(scored, trained, manifest.interval)
    trials = f"trials_{task.trial_metric}"  # of other examples
    if trials in manifest.metrics:
        metrics[trials] = manifest.metrics[trials]
    assert metrics == manifest.metrics
    assert all(one.passed for one in apply_gates(params.evaluate, task.measure(scored, metrics)))

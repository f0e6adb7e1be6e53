"""The service answers what the pipeline of training says, on the whole official test part."""

import json
from copy import replace

import joblib
import numpy as np
import pytest

from serving.bundle.inputs import MAX_TEXT_CHARS
from training.data.dataset import read_documents
from training.freezing.proof import PROBABILITY_TOLERANCE
from training.settings.params import read_params
from training.steps.evaluate import score, summarize

pytestmark = pytest.mark.trained


@pytest.fixture(scope="session")
def documents(paths):
    if not paths.test.exists():
        pytest.skip(f"parity is NOT tested: {paths.test} is missing: run 'make train'")
    return read_documents(paths.test)


def test_golden_examples_get_the_probabilities_of_the_manifest(predictor):
    golden = predictor.manifest.golden
    found = predictor.predict([one["input"]["text"] for one in golden])
    assert [one.label.id for one in found] == [one["label"] for one in golden]
    expected = [one["probability"] for one in golden]
    for one, probability in zip(found, expected, strict=True):
        assert one.probability == pytest.approx(probability, abs=PROBABILITY_TOLERANCE)


@pytest.mark.slow
def test_test_part_is_posted_gets_the_pipelines_labels_and_probabilities(
    predictor, documents, start_service, paths
):
    client = start_service(paths.bundle)
    # A document can be longer than a request may be.
    sent = [replace(one, text=one.text[:MAX_TEXT_CHARS]) for one in documents]
    expected = score(joblib.load(paths.model), sent)
    texts = [one.text for one in sent]
    answers = []
    for start in range(0, len(texts), 250):  # under the limit of the body
        body = {"texts": texts[start : start + 250]}
        answers += client.request(path="/predict/batch", body=body).json["predictions"]
    assert [one["label"] for one in answers] == expected.predicted.tolist()
    probabilities = [one["probability"] for one in answers]
    if expected.confidence is None:
        assert set(probabilities) == {None}
        return
    worst = np.abs(np.array(probabilities) - expected.confidence).max()
    assert worst <= (PROBABILITY_TOLERANCE if predictor.manifest.engine == "frozen" else 0)


def test_metrics_of_the_manifest_are_those_of_the_test_part(predictor, documents, paths):
    found = score(joblib.load(paths.model), documents)
    metrics = predictor.manifest.metrics
    assert metrics == json.loads(paths.metrics.read_text())
    recomputed = summarize(found, found.predicted)
    for name in recomputed.keys() - {"baseline_accuracy", "baseline_macro_f1"}:
        assert recomputed[name] == metrics[name]
    assert metrics["macro_f1"] >= read_params(paths.params).evaluate.min_macro_f1

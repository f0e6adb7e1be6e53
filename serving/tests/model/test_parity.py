"""The service answers what the pipeline of training says, on the whole official test part."""

import json
from copy import replace
from pathlib import Path

import joblib
import numpy as np
import pytest

from serving.app.limits import MAX_TEXT_CHARS
from serving.app.settings import read_settings
from training.dataset import read_documents
from training.freezing.proof import PROBABILITY_TOLERANCE
from training.params import read_params
from training.paths import METRICS, TEST
from training.steps.evaluate import score, summarize

pytestmark = pytest.mark.trained


@pytest.fixture(scope="module")
def documents():
    if not TEST.exists():
        pytest.skip(f"parity on the test part is NOT tested: {TEST} is missing: run 'make train'")
    return read_documents(TEST)


def test_golden_examples_get_the_probabilities_of_the_manifest(predictor):
    golden = predictor.manifest.golden
    found = predictor.predict([one["text"] for one in golden])
    assert [one.label.id for one in found] == [one["label"] for one in golden]
    expected = [one["probability"] for one in golden]
    for one, probability in zip(found, expected, strict=True):
        assert one.probability == pytest.approx(probability, abs=PROBABILITY_TOLERANCE)


@pytest.mark.slow
def test_test_part_is_posted_gets_the_pipelines_labels_and_probabilities(
    predictor, documents, start_service
):
    bundle = Path(read_settings({}).bundle)
    client = start_service(bundle)
    # A document can be longer than a request may be.
    sent = [replace(one, text=one.text[:MAX_TEXT_CHARS]) for one in documents]
    expected = score(joblib.load(bundle / "model.joblib"), sent)
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


def test_metrics_of_the_manifest_are_those_of_the_test_part(predictor, documents):
    found = score(joblib.load(Path(read_settings({}).bundle) / "model.joblib"), documents)
    metrics = predictor.manifest.metrics
    assert metrics == json.loads(METRICS.read_text())
    recomputed = summarize(found, found.predicted)
    for name in recomputed.keys() - {"baseline_accuracy", "baseline_macro_f1"}:
        assert recomputed[name] == metrics[name]
    assert metrics["macro_f1"] >= read_params().evaluate.min_macro_f1

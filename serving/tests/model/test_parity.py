"""The service answers what the pipeline of training says, on the whole official test part."""

import json
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


@pytest.fixture(scope="module")
def documents():
    if not TEST.exists():
        pytest.skip(f"parity on the test part is NOT tested: {TEST} is missing: run 'make train'")
    return read_documents(TEST)


@pytest.mark.slow
def test_test_part_is_posted_gets_the_pipelines_labels_and_probabilities(
    predictor, documents, start_service
):
    bundle = Path(read_settings({}).bundle)
    client = start_service(bundle)
    expected = score(joblib.load(bundle / "model.joblib"), documents)
    # A few documents are longer than a request may be. Cut, they keep their labels.
    whole = np.array([len(one.text) <= MAX_TEXT_CHARS for one in documents])
    assert whole.mean() > 0.998
    texts = [one.text[:MAX_TEXT_CHARS] for one in documents]
    answers = []
    for start in range(0, len(texts), 250):  # under the limit of the body
        sent = {"texts": texts[start : start + 250]}
        answers += client.request(path="/predict/batch", body=sent).json["predictions"]
    assert [one["label"] for one in answers] == expected.predicted.tolist()
    probabilities = np.array([one["probability"] for one in answers])
    worst = np.abs(probabilities[whole] - expected.confidence[whole]).max()
    assert worst <= (PROBABILITY_TOLERANCE if predictor.manifest.engine == "frozen" else 0)


def test_metrics_of_the_manifest_are_those_of_the_test_part(predictor, documents):
    found = score(joblib.load(Path(read_settings({}).bundle) / "model.joblib"), documents)
    metrics = predictor.manifest.metrics
    assert metrics == json.loads(METRICS.read_text())
    recomputed = summarize(found, found.predicted)
    for name in ("macro_f1", "accuracy", "log_loss", "calibration_error"):
        assert recomputed[name] == metrics[name]
    assert metrics["macro_f1"] >= read_params().evaluate.min_macro_f1

"""The candidates of the topics model."""

import hashlib
import io

import joblib
import pytest

from serving.app.features import normalize
from training.data.dataset import Example
from training.fitting.candidates import list_candidates
from training.models.topics.model import MODEL
from training.settings.params import Params
from training.steps import train
from training.tests.sample import SMALL_PARAMS, make_rows, take_columns

DOCUMENTS = [
    Example(number, topic, text)
    for number, (topic, text) in enumerate(make_rows(12, seed=3))
    if topic in ("remedies", "stars", "cars")
]
PARAMS = Params.model_validate(SMALL_PARAMS).train


def with_params(**changes):
    return PARAMS.model_copy(update=changes)


def joblib_bytes(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    return file.getvalue()


@pytest.mark.parametrize("name", MODEL.candidates)
def test_every_candidate_offers_probabilities_and_keeps_them_when_stripped(name):
    (candidate,) = list_candidates(with_params(candidates={name: {}}), MODEL.candidates)
    pipeline = train.fit(candidate.pipeline, *take_columns(DOCUMENTS))
    assert pipeline.predict_proba(["the doctor"]).sum() == pytest.approx(1)
    assert all(type(index) is int for index in pipeline[0].vocabulary_.values())


@pytest.mark.parametrize("name", MODEL.candidates)
def test_model_is_fitted_twice_is_the_same_file(name):
    hashes = set()
    for _ in range(2):
        (candidate,) = list_candidates(with_params(candidates={name: {}}), MODEL.candidates)
        file = io.BytesIO()
        joblib.dump(train.fit(candidate.pipeline, *take_columns(DOCUMENTS)), file)
        hashes.add(hashlib.sha256(file.getvalue()).hexdigest())
    assert len(hashes) == 1


def test_preprocessing_is_the_shared_one_by_reference():
    (candidate, *_) = list_candidates(PARAMS, MODEL.candidates)
    assert candidate.pipeline[0].preprocessor is normalize
    assert b"serving.app.features" in joblib_bytes(candidate.pipeline)

"""No step unpickles another file than DVC recorded."""

import joblib
import pytest

from training.console import StepError
from training.model_file import LOCK, load_model
from training.reports import report
from training.tests.conftest import record_model
from training.tests.sample import PATHS


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    PATHS.model.parent.mkdir(parents=True)
    joblib.dump({"a": 1}, PATHS.model)
    return PATHS.model.read_bytes()


def test_file_is_the_recorded_one_it_is_unpickled(model):
    record_model()
    assert load_model(PATHS) == {"a": 1}


def test_file_is_another_nothing_is_unpickled(model, monkeypatch):
    record_model(model + b"0")
    unpickled = []
    monkeypatch.setattr(joblib, "load", unpickled.append)
    with pytest.raises(
        StepError, match=r"not the file that dvc\.lock records.*'make train MODEL=sample'"
    ):
        load_model(PATHS)
    assert not unpickled


def test_report_measures_how_long_loading_takes_only_of_the_recorded_one(model, monkeypatch):
    record_model(model + b"0")
    monkeypatch.setattr(joblib, "load", pytest.fail)
    monkeypatch.setattr(report, "list_inputs", lambda _: [])
    with pytest.raises(StepError, match=r"not the file that dvc\.lock records"):
        report.main(PATHS)


@pytest.mark.parametrize("lock", ["stages: {}", "stages: {train@sample: {cmd: a}}", None])
def test_nothing_is_recorded_nothing_is_unpickled(model, lock, monkeypatch):
    monkeypatch.setattr(joblib, "load", pytest.fail)
    if lock:
        LOCK.write_text(lock)
    with pytest.raises(StepError, match=r"not the file that dvc\.lock records"):
        load_model(PATHS)


@pytest.mark.parametrize("lock", [": {", "[]", "stages: []"])
def test_lock_is_damaged_it_is_said(model, lock):
    LOCK.write_text(lock)
    with pytest.raises(StepError, match=r"dvc\.lock is damaged: 'git checkout dvc\.lock'"):
        load_model(PATHS)

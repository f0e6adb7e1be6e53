"""No stage unpickles another file than DVC recorded."""

import hashlib

import joblib
import pytest
import yaml

from training.console import StageError
from training.model_file import LOCK, load_model
from training.paths import MODEL


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    MODEL.parent.mkdir(parents=True)
    joblib.dump({"a": 1}, MODEL)
    return MODEL.read_bytes()


def record(data):
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    outs = [{"path": "reports/a.json", "md5": "0"}, {"path": str(MODEL), "md5": md5}]
    LOCK.write_text(yaml.safe_dump({"stages": {"train": {"outs": outs}}}))


def test_file_is_the_recorded_one_it_is_unpickled(model):
    record(model)
    assert load_model() == {"a": 1}


def test_file_is_another_nothing_is_unpickled(model, monkeypatch):
    record(model + b"0")
    unpickled = []
    monkeypatch.setattr(joblib, "load", unpickled.append)
    with pytest.raises(StageError, match=r"not the file that dvc\.lock records.*'make train'"):
        load_model()
    assert not unpickled


@pytest.mark.parametrize("lock", ["stages: {}", "stages: {train: {cmd: a}}", None])
def test_nothing_is_recorded_nothing_is_unpickled(model, lock, monkeypatch):
    monkeypatch.setattr(joblib, "load", pytest.fail)
    if lock:
        LOCK.write_text(lock)
    with pytest.raises(StageError, match=r"not the file that dvc\.lock records"):
        load_model()


@pytest.mark.parametrize("lock", [": {", "[]", "stages: []"])
def test_lock_is_damaged_it_is_said(model, lock):
    LOCK.write_text(lock)
    with pytest.raises(StageError, match=r"dvc\.lock is damaged: 'git checkout dvc\.lock'"):
        load_model()

"""The bundle is checked before anything of it is interpreted."""

import json
import shutil

import joblib
import pytest
from sklearn.preprocessing import StandardScaler

from serving.app import features
from serving.app.engines.predictor import load_predictor
from serving.bundle import versions
from serving.bundle.errors import BundleDamaged, BundleMissing, ModelError, VersionMismatch
from serving.bundle.manifest import VERSION_DIGITS, read_manifest
from serving.bundle.versions import installed_versions
from serving.tests.sample import change_manifest, fit, pin, write_bundle


@pytest.fixture
def copied(bundle, tmp_path):
    """A bundle to damage."""
    return shutil.copytree(bundle, tmp_path / "bundle")


@pytest.fixture
def unpickled(monkeypatch):
    """What joblib was asked to load."""
    calls = []
    load = joblib.load
    monkeypatch.setattr(joblib, "load", lambda file: calls.append(file) or load(file))
    return calls


def test_bundle_is_whole_loads_what_was_written(copied, pipeline):
    predictor = load_predictor(copied)
    assert predictor.predict(["the boat"])[0].label.id == pipeline.predict(["the boat"])[0]
    assert predictor.load_milliseconds > 0


def test_manifest_is_written_again_is_the_same_text(copied):
    text = (copied / "manifest.json").read_text(encoding="utf-8")
    assert read_manifest(copied).to_json() == text


def test_label_without_description_and_url_is_read(copied):
    labels = json.loads((copied / "manifest.json").read_text(encoding="utf-8"))["labels"]
    bare = [one | {"description": None, "url": None} for one in labels]
    change_manifest(copied, labels=bare)
    assert [vars(one) for one in read_manifest(copied).labels] == bare


@pytest.mark.parametrize("name", ["manifest.json", "model.joblib"])
def test_file_is_missing_says_which_and_what_mends_it(copied, unpickled, name):
    (copied / name).unlink()
    with pytest.raises(BundleMissing, match=rf"{name} .*'make train MODEL="):
        load_predictor(copied)
    assert not unpickled


def test_folder_is_missing_is_a_missing_bundle(tmp_path):
    with pytest.raises(BundleMissing):
        load_predictor(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"format": 4}', "[" * 100_000])
def test_manifest_is_something_else_is_refused(copied, unpickled, text):
    (copied / "manifest.json").write_text(text)
    with pytest.raises(BundleDamaged, match="is not as it was written"):
        load_predictor(copied)
    assert not unpickled


@pytest.mark.parametrize(
    "changes",
    [
        {"versions": None},
        {"versions": {"python": 3.13}},
        {"name": None},
        {"metrics": "x"},
        {"metrics": {"macro_f1": "high"}},
        {"parameters": []},
        {"labels": [{"id": 1, "title": "a", "description": "", "url": ""}]},
        {"labels": [{"id": "a", "title": None, "description": None, "url": None}]},
        {"labels": [{"id": "a", "title": "a", "description": 1, "url": None}]},
        {"labels": [{"id": "a", "title": "a"}]},
        {"golden": [1]},
        {"golden": [{"input": "text"}]},
        {"title": None},
        {"task": "clustering"},
        {"task": "regression"},
        {"interval": {"kind": "ratio", "low": 0.5, "high": 2.0, "coverage": 0.9}},
        {"target": {"title": None, "unit": None, "description": None}},
        {"input": "text"},
        {"input": {"kind": "sound", "example": "a"}},
        {"input": {"kind": "text"}},
        {"input": {"kind": "text", "example": 1}},
        {"files": {}},
        {"files": {"model.joblib": {"sha256": None, "size": 1}}},
        {"files": {"model.joblib": {"sha256": "", "size": "1"}}},
        {"files": []},
        {"files": {"a": {}}},
        {"more": 1},
    ],
)
def test_member_of_the_manifest_has_another_type_is_refused(copied, unpickled, changes):
    change_manifest(copied, **changes)
    with pytest.raises(BundleDamaged, match="is not a manifest"):
        load_predictor(copied)
    assert not unpickled


def test_version_is_not_the_models_is_refused(copied, unpickled):
    change_manifest(copied, version="000000000000")
    with pytest.raises(BundleDamaged, match="wrong version"):
        load_predictor(copied)
    assert not unpickled


def test_code_does_not_fit_the_model_is_a_damaged_bundle(copied, monkeypatch):
    monkeypatch.delattr(features, "normalize")
    with pytest.raises(BundleDamaged, match=r"cannot be loaded by this code \(AttributeError\)"):
        load_predictor(copied)


def test_model_is_no_classifier_is_a_damaged_bundle(tmp_path, pipeline):
    write_bundle(tmp_path, pipeline)
    joblib.dump(StandardScaler().fit([[0.0]]), tmp_path / "model.joblib")
    changed = pin(tmp_path / "model.joblib")
    version = changed.sha256[:VERSION_DIGITS]
    change_manifest(tmp_path, files={"model.joblib": vars(changed)}, version=version)
    with pytest.raises(BundleDamaged, match="cannot be loaded by this code"):
        load_predictor(tmp_path)


@pytest.mark.parametrize("package", installed_versions())
def test_other_version_made_the_model_names_both_and_the_mend(copied, unpickled, package):
    change_manifest(copied, versions=installed_versions() | {package: "0.1"})
    with pytest.raises(VersionMismatch, match="make train") as raised:
        load_predictor(copied)
    assert f"{package} 0.1 (installed: {installed_versions()[package]})" in str(raised.value)
    assert not unpickled


def test_package_is_not_installed_is_a_version_mismatch(copied, monkeypatch):
    monkeypatch.setattr(versions, "PINNED_PACKAGES", ("scikit-learn", "no-such-package"))
    with pytest.raises(VersionMismatch, match=r"unknown \(installed: not installed\)"):
        load_predictor(copied)


def test_format_is_another_is_refused(copied):
    change_manifest(copied, format=1)
    with pytest.raises(VersionMismatch, match="format 1, this code reads 4"):
        load_predictor(copied)


def test_engine_is_unknown_is_refused(copied):
    change_manifest(copied, engine="steam")
    with pytest.raises(BundleDamaged, match="'steam'"):
        load_predictor(copied)


def test_manifest_of_another_model_is_refused(tmp_path, bundle):
    write_bundle(tmp_path, fit(labels=list("abcdefghijkl")))
    shutil.copy(bundle / "model.joblib", tmp_path)
    with pytest.raises(BundleDamaged):
        load_predictor(tmp_path)


def test_labels_are_not_the_models_is_refused(copied):
    labels = json.loads((copied / "manifest.json").read_text())["labels"]
    change_manifest(copied, labels=labels[::-1])
    with pytest.raises(BundleDamaged, match="labels"):
        load_predictor(copied)


def test_every_model_error_is_one_sentence_with_a_command(copied):
    (copied / "model.joblib").write_bytes(b"")
    with pytest.raises(ModelError, match=r"'make [a-z]+ MODEL=\w+'") as raised:
        load_predictor(copied)
    assert "\n" not in str(raised.value)

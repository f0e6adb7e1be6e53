"""The pipeline of dvc.yaml, run by the real DVC on a small data set."""

import ast
import json
import re
import shutil
import subprocess
from copy import replace
from pathlib import Path

import pytest
import yaml

from serving.app.engines.predictor import load_predictor
from serving.bundle.files import read_pinned
from serving.bundle.manifest import read_manifest
from serving.tests.sample import fit, write_bundle
from serving.tests.tracked import ROOT
from training import ensure_model
from training.console import StepError
from training.dataset import read_documents, write_documents
from training.paths import ARCHIVE, BUNDLE, FROZEN, GOLDEN, LABELS, TRAIN
from training.steps import bundle, evaluate, freeze, learning_curve, prepare, train, validate
from training.tests.conftest import commit_all, run, run_steps


def stages_run(output):
    return re.findall(r"Running stage '(\w+)'", output)


def edit_params(change):
    params = yaml.safe_load(Path("params.yaml").read_text())
    change(params)
    Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


@pytest.mark.slow
def test_pipeline_is_run_changed_and_run_again(workspace):
    first = run("dvc", "repro")
    assert stages_run(first.stdout)[:7] == [
        "fetch",
        "prepare",
        "validate",
        "train",
        "evaluate",
        "freeze",
        "bundle",
    ]
    manifest = read_manifest(BUNDLE)
    assert len(manifest.labels) == 10
    assert len(manifest.golden) == 20
    read_pinned(BUNDLE, "model.joblib", manifest.files["model.joblib"])
    report = json.loads(Path("reports/data.json").read_text())
    assert len(report["dropped"]["repeated"]) == 1
    commit_all("trained")

    # Twice changes nothing, and so does starting from nothing.
    assert stages_run(run("dvc", "repro").stdout) == []
    lock = Path("dvc.lock").read_text()
    shutil.rmtree(".dvc/cache")
    shutil.rmtree("data")
    (BUNDLE / "model.joblib").unlink()
    run("dvc", "repro", "--no-run-cache")
    assert Path("dvc.lock").read_text() == lock
    assert (
        subprocess.run(["git", "status", "--porcelain"], capture_output=True, check=True).stdout
        == b""
    )

    # A changed parameter runs what depends on it.
    edit_params(lambda params: params["evaluate"].update(min_class_f1=0.2))
    assert stages_run(run("dvc", "repro").stdout) == ["evaluate"]
    edit_params(lambda params: params["train"]["vectorizer"].update(min_df=4))
    again = run("dvc", "repro")
    # The data is cleaned and checked as the vectorizer reads it, so these run, too.
    assert stages_run(again.stdout) == [
        "prepare",
        "validate",
        "train",
        "evaluate",
        "freeze",
        "bundle",
        "learning_curve",
    ]
    assert read_manifest(BUNDLE).version != manifest.version
    assert "macro_f1" in run("dvc", "metrics", "diff", "--all").stdout
    run("dvc", "plots", "show", "--out", "plots")
    page = Path("plots/index.html").read_text()
    assert all(name in page for name in ("confusion", "reliability", "learning_curve"))


@pytest.mark.slow
def test_model_cannot_be_frozen_leaves_the_reason_and_no_warning_of_dvc(workspace):
    edit_params(lambda params: params["train"]["vectorizer"].update(ngram_range=[1.0, 1.0]))
    done = run("dvc", "repro", "bundle")
    assert "is empty" not in done.stdout + done.stderr
    assert FROZEN.read_text().startswith("not frozen: step 'vectorizer': ")
    assert list(read_manifest(BUNDLE).files) == ["model.joblib"]
    assert stages_run(run("dvc", "repro", "bundle").stdout) == []


@pytest.mark.slow
def test_model_is_below_the_gate_gets_no_manifest_and_says_why(workspace, capfd):
    edit_params(lambda params: params["evaluate"].update(min_gain_over_baseline=1.0))
    (BUNDLE / "manifest.json").unlink()
    with pytest.raises(StepError, match="there is no model to serve"):
        ensure_model.main()
    said = capfd.readouterr().err
    assert "below min_gain_over_baseline (1.0)" in said
    assert "Traceback" not in said
    assert not (BUNDLE / "manifest.json").exists()


def test_stages_run_one_after_the_other_leave_a_bundle_that_serves(workspace, sample_archive):
    ARCHIVE.parent.mkdir(parents=True)
    shutil.copy(sample_archive, ARCHIVE)
    run_steps(prepare, validate, train, evaluate, freeze, bundle, learning_curve)
    predictor = load_predictor(BUNDLE)
    for example in predictor.manifest.golden:
        (prediction,) = predictor.predict([example["text"]])
        assert prediction.label.id == example["label"]
        assert prediction.probability == pytest.approx(example["probability"], abs=1e-12)
    profile = predictor.manifest.profile
    assert sum(profile["labels"].values()) == pytest.approx(1)
    assert sum(profile["confidence_histogram"]) == pytest.approx(1)


def test_prepared_data_was_changed_by_hand_is_refused_with_its_rows(workspace, sample_archive):
    ARCHIVE.parent.mkdir(parents=True)
    shutil.copy(sample_archive, ARCHIVE)
    prepare.main()
    documents = read_documents(TRAIN)
    write_documents(TRAIN, [*documents, documents[0]])
    with pytest.raises(StepError, match=rf"repeat an earlier one: rows {documents[0].row}$"):
        validate.main()


def test_golden_example_is_mislabelled_stops_the_bundle(workspace, sample_archive):
    ARCHIVE.parent.mkdir(parents=True)
    shutil.copy(sample_archive, ARCHIVE)
    run_steps(prepare, validate, train, evaluate, freeze)
    GOLDEN.write_text('[{"label": "remedies", "text": "nasa shuttle orbit"}]')
    with pytest.raises(StepError, match=r"stars instead of remedies: nasa shuttle orbit"):
        bundle.main()


def test_optional_members_of_labels_are_left_out_gives_a_bundle_that_serves(
    workspace, sample_archive
):
    found = json.loads(LABELS.read_text())
    found["labels"] = [{"id": one["id"], "title": one["title"]} for one in found["labels"]]
    LABELS.write_text(json.dumps(found))
    ARCHIVE.parent.mkdir(parents=True)
    shutil.copy(sample_archive, ARCHIVE)
    run_steps(prepare, validate, train, evaluate, freeze, bundle)
    label = load_predictor(BUNDLE).manifest.labels[0]
    assert (label.title, label.description, label.url) == ("Pictures", None, None)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"labels": ()}, None),
        ({"golden": ({"text": "x" * 3_000_000},)}, "at most 2,097,152 bytes"),
        ({"metrics": {"macro_f1": float("nan")}}, "there can be no such manifest: .*nan"),
        ({"name": None}, "the service could not read the manifest"),
        ({"files": {}}, "the service could not read the manifest"),
        ({"parameters": {"a": (1,)}}, None),
    ],
)
def test_manifest_is_read_by_the_services_reader_before_it_is_kept(
    tmp_path, monkeypatch, changes, says
):
    monkeypatch.setattr(bundle, "BUNDLE", tmp_path)
    manifest = replace(write_bundle(tmp_path / "sample", fit()), **changes)
    if says is None:
        bundle.write(manifest)
        assert read_manifest(tmp_path).to_json() == manifest.to_json()
        return
    with pytest.raises(StepError, match=says):
        bundle.write(manifest)
    assert [one.name for one in tmp_path.iterdir()] == ["sample"]


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        (GOLDEN, "[]", "no example of a label that is trained"),
        (LABELS, "{}", "labels: Field required"),
    ],
)
def test_file_of_a_person_is_wrong_stops_before_anything_is_trained(
    workspace, sample_archive, path, text, says
):
    ARCHIVE.parent.mkdir(parents=True)
    shutil.copy(sample_archive, ARCHIVE)
    prepare.main()
    path.write_text(text)
    with pytest.raises(StepError, match=says):
        validate.main()


def imported(module, seen):
    """Our modules that a module imports, directly or not, the packages they are in included."""
    path = ROOT / module.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if not path.exists() or path in seen:
        return
    seen.add(path)
    imported(module.rpartition(".")[0], seen)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            imported(node.module, seen)
            for name in node.names:
                imported(f"{node.module}.{name.name}", seen)


# How stages talk and what files are called has no part in what they make.
PLUMBING = {
    "training/console.py",
    "training/model_file.py",
    "training/paths.py",
    "serving/bundle/errors.py",
}
MODEL_FILE = "serving/app/data/model.joblib"
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


@pytest.mark.parametrize("name", STAGES)
def test_stage_declares_every_module_that_makes_its_outputs(name):
    seen = set()
    imported(STAGES[name]["cmd"].removeprefix("python -m "), seen)
    needed = {str(path.relative_to(ROOT)) for path in seen if path.stat().st_size} - PLUMBING
    if MODEL_FILE in [*STAGES[name]["deps"], *map(str, STAGES[name].get("outs", ()))]:
        needed.add("serving/app/features.py")  # imported by what is pickled, if not by its code
    assert {one for one in STAGES[name]["deps"] if one.endswith(".py")} == needed


@pytest.mark.parametrize("name", STAGES)
def test_stage_that_uses_the_models_packages_declares_their_versions(name):
    deps = STAGES[name]["deps"]
    outs = [str(one) for one in STAGES[name].get("outs", [])]
    if any("model.joblib" in one for one in [*deps, *outs]):
        assert {".python-version", "requirements/train.txt"} <= set(deps)

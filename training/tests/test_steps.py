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
from training.contract import read_source
from training.data.dataset import read_examples, write_examples
from training.paths import Paths
from training.remote import LAST_STEPS
from training.steps import bundle, evaluate, freeze, learning_curve, prepare, train, validate
from training.tests.conftest import commit_all, enter_workspace, run, run_steps
from training.tests.sample import NAME, PATHS, take_raw


def steps_run(output, name=NAME):
    return re.findall(rf"Running stage '(\w+)@{name}'", output)


def edit_params(change):
    params = yaml.safe_load(PATHS.params.read_text())
    change(params)
    PATHS.params.write_text(yaml.safe_dump(params, sort_keys=False))


@pytest.mark.slow
def test_pipeline_is_run_changed_and_run_again(workspace):
    first = run("dvc", "repro")
    assert steps_run(first.stdout)[:7] == [
        "fetch",
        "prepare",
        "validate",
        "train",
        "evaluate",
        "freeze",
        "bundle",
    ]
    manifest = read_manifest(PATHS.bundle)
    assert len(manifest.labels) == 10
    assert len(manifest.golden) == 20
    read_pinned(PATHS.bundle, "model.joblib", manifest.files["model.joblib"])
    report = json.loads(PATHS.data_report.read_text())
    assert len(report["dropped"]["repeated"]) == 1
    commit_all("trained")

    # Twice changes nothing, and so does starting from nothing.
    assert steps_run(run("dvc", "repro").stdout) == []
    lock = Path("dvc.lock").read_text()
    shutil.rmtree(".dvc/cache")
    shutil.rmtree("data")
    (PATHS.bundle / "model.joblib").unlink()
    run("dvc", "repro", "--no-run-cache")
    assert Path("dvc.lock").read_text() == lock
    assert (
        subprocess.run(["git", "status", "--porcelain"], capture_output=True, check=True).stdout
        == b""
    )

    # A changed parameter runs what depends on it.
    edit_params(lambda params: params["evaluate"].update(min_class_f1=0.2))
    assert steps_run(run("dvc", "repro").stdout) == ["evaluate"]
    edit_params(lambda params: params["train"]["vectorizer"].update(min_df=4))
    again = run("dvc", "repro")
    # The data is cleaned and checked as the vectorizer reads it, so these run, too.
    assert steps_run(again.stdout) == [
        "prepare",
        "validate",
        "train",
        "evaluate",
        "freeze",
        "bundle",
        "learning_curve",
    ]
    assert read_manifest(PATHS.bundle).version != manifest.version
    assert "macro_f1" in run("dvc", "metrics", "diff", "--all").stdout
    run("dvc", "plots", "show", "--out", "plots")
    page = Path("plots/index.html").read_text()
    assert all(name in page for name in ("confusion", "reliability", "learning_curve"))


@pytest.mark.slow
def test_model_cannot_be_frozen_leaves_the_reason_and_no_warning_of_dvc(workspace):
    edit_params(lambda params: params["train"]["vectorizer"].update(ngram_range=[1.0, 1.0]))
    done = run("dvc", "repro", "bundle")
    assert "is empty" not in done.stdout + done.stderr
    assert PATHS.frozen.read_text().startswith("not frozen: step 'vectorizer': ")
    assert list(read_manifest(PATHS.bundle).files) == ["model.joblib"]
    assert steps_run(run("dvc", "repro", "bundle").stdout) == []


@pytest.mark.slow
def test_model_is_below_the_gate_gets_no_manifest_and_says_why(workspace, capfd):
    edit_params(lambda params: params["evaluate"].update(min_gain_over_baseline=1.0))
    with pytest.raises(StepError, match="there is no model to serve"):
        ensure_model.main(PATHS)
    said = capfd.readouterr().err
    assert "below min_gain_over_baseline (1)" in said
    assert "Traceback" not in said
    assert not (PATHS.bundle / "manifest.json").exists()


def test_steps_run_one_after_the_other_leave_a_bundle_that_serves(workspace, sample_archive):
    take_raw(sample_archive)
    run_steps(prepare, validate, train, evaluate, freeze, bundle, learning_curve)
    predictor = load_predictor(PATHS.bundle)
    for example in predictor.manifest.golden:
        (prediction,) = predictor.predict([example["input"]["text"]])
        assert prediction.label.id == example["label"]
        assert prediction.probability == pytest.approx(example["probability"], abs=1e-12)
    profile = predictor.manifest.profile
    assert sum(profile["labels"].values()) == pytest.approx(1)
    assert sum(profile["confidence_histogram"]) == pytest.approx(1)


def test_prepared_data_was_changed_by_hand_is_refused_with_its_rows(workspace, sample_archive):
    take_raw(sample_archive)
    prepare.main(PATHS)
    documents = read_examples(PATHS.train)
    write_examples(PATHS.train, [*documents, documents[0]])
    with pytest.raises(StepError, match=rf"repeat an earlier one: rows {documents[0].row}$"):
        validate.main(PATHS)


def test_models_own_setting_is_wrong_says_where(workspace, sample_archive):
    take_raw(sample_archive)
    edit_params(lambda params: params["prepare"].update(topics="some"))
    with pytest.raises(StepError, match=r"sample/params\.yaml, prepare: topics: .*'ten' or 'all'"):
        prepare.main(PATHS)


def test_golden_example_is_mislabelled_stops_the_bundle(workspace, sample_archive):
    take_raw(sample_archive)
    run_steps(prepare, validate, train, evaluate, freeze)
    PATHS.golden.write_text('[{"label": "remedies", "input": {"text": "nasa shuttle orbit"}}]')
    with pytest.raises(StepError, match=r"stars instead of remedies: nasa shuttle orbit"):
        bundle.main(PATHS)


def test_optional_members_of_labels_are_left_out_gives_a_bundle_that_serves(
    workspace, sample_archive
):
    found = json.loads(PATHS.schema.read_text())
    found["labels"] = [{"id": one["id"], "title": one["title"]} for one in found["labels"]]
    PATHS.schema.write_text(json.dumps(found))
    take_raw(sample_archive)
    run_steps(prepare, validate, train, evaluate, freeze, bundle)
    label = load_predictor(PATHS.bundle).manifest.labels[0]
    assert (label.title, label.description, label.url) == ("Pictures", None, None)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"labels": ()}, None),
        ({"golden": ({"input": {"text": "x" * 3_000_000}},)}, "at most 2,097,152 bytes"),
        ({"metrics": {"macro_f1": float("nan")}}, "there can be no such manifest: .*nan"),
        ({"name": None}, "the service could not read the manifest"),
        ({"files": {}}, "the service could not read the manifest"),
        ({"parameters": {"a": (1,)}}, None),
    ],
)
def test_manifest_is_read_by_the_services_reader_before_it_is_kept(tmp_path, changes, says):
    manifest = replace(write_bundle(tmp_path / "sample", fit()), **changes)
    if says is None:
        bundle.write(manifest, tmp_path)
        assert read_manifest(tmp_path).to_json() == manifest.to_json()
        return
    with pytest.raises(StepError, match=says):
        bundle.write(manifest, tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["sample"]


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        (PATHS.golden, "[]", r"golden\.json has no example: write at least one"),
        (
            PATHS.golden,
            '[{"label": "other-1", "input": {"text": "x"}}]',
            "no example of a label that is trained",
        ),
        (
            PATHS.golden,
            '[{"label": "stars", "input": {"text": ""}}]',
            r"golden\.json: 0\.input: the service would refuse it: body\.text: .*at least 1",
        ),
        (PATHS.schema, "{}", "it must have either labels or a target"),
    ],
)
def test_file_of_a_person_is_wrong_stops_before_anything_is_trained(
    workspace, sample_archive, path, text, says
):
    take_raw(sample_archive)
    prepare.main(PATHS)
    path.write_text(text)
    with pytest.raises(StepError, match=says):
        validate.main(PATHS)


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


# How steps talk, what files are called, what finds a model's folder: no part in what they make.
PLUMBING = {
    "training/console.py",
    "training/contract.py",
    "training/model_file.py",
    "training/paths.py",
}
STEPS = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
FOLDER = "training/models/${item}"
MODELS = "training/models/*/model.py"
MODEL_FILE = "serving/app/data/${item}/model.joblib"


def list_deps(name):
    return STEPS[name]["do"]["deps"]


def covers(deps, path):
    return any(path == one or path.startswith(f"{one}/") for one in deps)


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("model", sorted(path.parent.name for path in ROOT.glob(MODELS)))
def test_step_declares_every_module_that_makes_its_outputs(name, model):
    deps = [one.replace("${item}", model) for one in list_deps(name)]
    seen = set()
    imported(f"training.steps.{name}", seen)
    for one in deps:
        if one.startswith(FOLDER.replace("${item}", model)) and one.endswith(".py"):
            imported(one.removesuffix(".py").replace("/", "."), seen)
    needed = {str(path.relative_to(ROOT)) for path in seen if path.stat().st_size} - PLUMBING
    if MODEL_FILE in [*list_deps(name), *map(str, STEPS[name]["do"].get("outs", ()))]:
        # Imported by what is pickled, if not by its code.
        needed |= {"serving/app/features.py", f"training/models/{model}/features.py"}
    # What source.py pins by hash cannot change without it.
    pinned = {f"training/models/{model}/{module}" for module in read_source(model).modules}
    assert [one for one in sorted(needed - pinned) if not covers(deps, one)] == []


@pytest.mark.parametrize("name", STEPS)
def test_step_declares_no_package_that_it_does_not_import(name):
    seen = set()
    imported(f"training.steps.{name}", seen)
    seen = {str(path.relative_to(ROOT)) for path in seen}
    code = [one for one in list_deps(name) if one.startswith(("training/", "serving/app/engines"))]
    unused = [one for one in code if not any(covers([one], path) for path in seen)]
    assert [one for one in unused if not one.startswith(FOLDER)] == []


@pytest.mark.parametrize("name", STEPS)
def test_step_loads_the_models_folder_declares_the_module(name):
    """By `read_source` and `read_model`, which no import statement shows."""
    source = (ROOT / f"training/steps/{name}.py").read_text()
    for module in ("source", "model"):
        declared = f"{FOLDER}/{module}.py" in list_deps(name)
        assert declared == (f"read_{module}(" in source)


@pytest.mark.parametrize("name", STEPS)
def test_step_that_uses_the_models_packages_declares_their_versions(name):
    deps = list_deps(name)
    outs = [str(one) for one in STEPS[name]["do"].get("outs", [])]
    if any("model.joblib" in one for one in [*deps, *outs]):
        assert {".python-version", "requirements/train.txt"} <= set(deps)


def test_lock_has_the_dependencies_of_the_steps_and_no_others():
    """DVC takes a dependency that has gone for none that changed, and strikes it out later."""
    locked = yaml.safe_load((ROOT / "dvc.lock").read_text())["stages"]
    for one, recorded in locked.items():
        name, _, model = one.partition("@")
        deps = {dep.replace("${item}", model) for dep in list_deps(name)}
        assert {dep["path"] for dep in recorded["deps"]} == deps, one


def test_last_steps_lead_to_all_others():
    """`make push` hands on what these and those before them make."""
    outs = {}
    for name, step in STEPS.items():
        for kind in ("outs", "metrics", "plots"):
            for one in step["do"].get(kind, ()):
                outs[one if isinstance(one, str) else next(iter(one))] = name
    needed = {outs[one] for name in STEPS for one in list_deps(name) if one in outs}
    assert STEPS.keys() - needed == set(LAST_STEPS)


@pytest.mark.slow
def test_two_models_are_here_a_change_to_one_trains_that_one_alone(
    tmp_path, sample_archive, monkeypatch
):
    enter_workspace(tmp_path / "workspace", sample_archive, monkeypatch, NAME, "second")
    done = run("dvc", "repro", "bundle")
    assert steps_run(done.stdout) == steps_run(done.stdout, "second")
    versions = [read_manifest(Paths(name).bundle).version for name in (NAME, "second")]
    assert versions[0] == versions[1]  # the same data and parameters
    edit_params(lambda params: params["train"].update(seed=14))
    done = run("dvc", "repro", "bundle")
    assert "train" in steps_run(done.stdout)
    assert steps_run(done.stdout, "second") == []
    assert read_manifest(Paths("second").bundle).version == versions[1]
    # Neither words for people nor tests nor what people read train a model again.
    for name in ("README.md", "tests/test_more.py"):
        (PATHS.home / name).parent.mkdir(exist_ok=True)
        (PATHS.home / name).write_text("")
    PATHS.schema.write_text(PATHS.schema.read_text().replace("Pictures", "Images"))
    assert "train" not in steps_run(run("dvc", "repro", "bundle").stdout)

"""The pipeline on records and values, from made-up flats to a bundle that serves."""

import json
import sys
from pathlib import Path

import pytest
import yaml

from serving.app.engines.predictor import load_predictor
from serving.bundle.manifest import read_manifest
from training.console import StepError
from training.data.dataset import read_examples, write_examples
from training.definition import read_definition
from training.freezing.proof import PROBABILITY_TOLERANCE
from training.judging import __main__ as judging
from training.judging.committed import predict_as
from training.model_file import load_model
from training.paths import Paths
from training.steps import (
    bundle,
    evaluate,
    fetch,
    freeze,
    learning_curve,
    prepare,
    train,
    validate,
)
from training.tests.conftest import commit_all, enter_workspace, run, run_steps
from training.tests.sample import PRICES

PATHS = Paths(PRICES)


@pytest.fixture
def workspace(tmp_path, sample_archive, monkeypatch):
    enter_workspace(tmp_path / "workspace", sample_archive, monkeypatch, PRICES)


def edit_params(section, **changes):
    params = yaml.safe_load(PATHS.params.read_text())
    params[section] |= changes
    PATHS.params.write_text(yaml.safe_dump(params, sort_keys=False))


def test_steps_run_one_after_the_other_leave_a_bundle_that_serves(workspace):
    run_steps(
        *(fetch, prepare, validate, train, evaluate, freeze, bundle, learning_curve), paths=PATHS
    )
    predictor = load_predictor(PATHS.bundle)
    manifest = predictor.manifest
    assert (manifest.task, manifest.input["kind"]) == ("regression", "record")
    assert manifest.target == {
        "title": "Price",
        "unit": "EUR",
        "description": "What the flat was sold for",
    }

    # The golden records get their values, each alone and all at once, within their intervals.
    records = [predictor.input.read(one["input"]) for one in manifest.golden]
    expected = [one["value"] for one in manifest.golden]
    bounds = [one["between"] for one in json.loads(PATHS.golden.read_text())]
    for estimates in (predictor.predict(records), [predictor.predict([one])[0] for one in records]):
        assert [one.value for one in estimates] == pytest.approx(expected, rel=1e-12)
        for (low, high), one in zip(bounds, estimates, strict=True):
            assert low <= one.value <= high
            assert one.unit == "EUR"
            assert one.interval["low"] < one.value < one.interval["high"]
            assert one.interval["coverage"] == 0.9

    # What is said of the model is of this data.
    fields = {one["name"]: one for one in manifest.input["fields"]}
    assert fields["rooms"]["nullable"]
    assert not fields["size"]["nullable"]
    assert fields["kind"]["values"] == ["flat", "house", "loft"]
    assert fields["size"]["unit"] == "m²"
    assert fields["size"]["example"] == manifest.golden[0]["input"]["size"]
    assert manifest.metrics == json.loads(PATHS.metrics.read_text())
    assert manifest.metrics["rmse"] < manifest.metrics["baseline_rmse"]
    assert manifest.metrics["interval_coverage"] > 0.8
    report = json.loads(PATHS.validation.read_text())
    assert report["inputs"]["missing"]["train"] == {"rooms": pytest.approx(0.1, abs=0.01)}
    assert report["targets"]["train"]["count"] == len(read_examples(PATHS.train))
    assert len(PATHS.learning_curve.read_text().splitlines()) == 3


def test_other_commits_model_predicts_the_same_records_in_its_own_code(workspace):
    run_steps(fetch, prepare, train, paths=PATHS)
    model, definition = load_model(PATHS), read_definition(PATHS)
    inputs = [one.input for one in read_examples(PATHS.test)]
    assert any(one["rooms"] is None for one in inputs)
    # This tree's own code has no part in it.
    Path("serving/app/engines/frame.py").write_text("raise SystemExit('ours')")
    found = predict_as("HEAD", PATHS.model.read_bytes(), definition.input, inputs)
    assert found.keys() == {"predicted"}
    assert found["predicted"].tolist() == model.predict(definition.input.shape(inputs)).tolist()


def test_training_twice_gives_the_same_version(workspace):
    versions = set()
    for _ in range(2):
        run_steps(fetch, prepare, train, evaluate, freeze, bundle, paths=PATHS)
        versions.add(read_manifest(PATHS.bundle).version)
    assert len(versions) == 1


def test_model_is_below_the_gate_says_by_how_much_and_leaves_no_manifest(workspace):
    edit_params("evaluate", max_rmse=10, min_coverage=1)
    run_steps(fetch, prepare, validate, train, paths=PATHS)
    with pytest.raises(StepError, match=r"RMSE is .*, above max_rmse \(10\)\n  coverage of the"):
        evaluate.main(PATHS)
    assert not (PATHS.bundle / "manifest.json").exists()


def test_golden_value_is_outside_stops_the_bundle_and_shows_the_record(workspace):
    run_steps(fetch, prepare, validate, train, evaluate, freeze, paths=PATHS)
    golden = json.loads(PATHS.golden.read_text())
    golden[1]["between"] = [1, 2]
    PATHS.golden.write_text(json.dumps(golden))
    with pytest.raises(
        StepError, match=r"is not between 1 and 2: size 150\.5, kind house, garden True"
    ):
        bundle.main(PATHS)


def test_prepared_records_were_changed_by_hand_are_refused_by_field_and_row(workspace):
    run_steps(fetch, prepare, paths=PATHS)
    examples = read_examples(PATHS.train)
    examples[6].input["size"] = "large"
    write_examples(PATHS.train, examples)
    row = examples[6].row
    with pytest.raises(StepError, match=rf"body\.size: .* valid number: rows {row}$"):
        validate.main(PATHS)


def test_golden_record_would_be_refused_stops_before_anything_is_trained(workspace):
    run_steps(fetch, prepare, paths=PATHS)
    golden = json.loads(PATHS.golden.read_text())
    del golden[0]["input"]["kind"]
    PATHS.golden.write_text(json.dumps(golden))
    with pytest.raises(StepError, match=r"0\.input: .* refuse it: body\.kind: Field required"):
        validate.main(PATHS)


@pytest.mark.parametrize("candidate", ["log_ridge", "boosting"])
def test_other_candidates_are_served_too(workspace, candidate):
    edit_params("train", candidates={candidate: {}})
    edit_params("evaluate", max_rmse=50_000)
    run_steps(fetch, prepare, validate, train, evaluate, freeze, bundle, paths=PATHS)
    predictor = load_predictor(PATHS.bundle)
    golden = predictor.manifest.golden
    found = predictor.predict([predictor.input.read(one["input"]) for one in golden])
    # The exponential after the logarithm's model is numpy's in the one, and the C library's in the
    # other.
    values = [one["value"] for one in golden]
    assert [one.value for one in found] == pytest.approx(values, rel=PROBABILITY_TOLERANCE)


@pytest.mark.slow
def test_another_model_of_values_is_judged_by_its_errors_and_by_what_moves(workspace, monkeypatch):
    run("training.run_dvc", "repro", "bundle")
    commit_all("a model")
    monkeypatch.setattr(sys, "argv", ["judge", PRICES, "--base", "HEAD"])
    judging.main()
    page = (PATHS.reports / "judge.md").read_text()
    assert "It is the model of `HEAD`" in page
    assert "| values that move by more than 10% | 0.00% |" in page

    edit_params("train", candidates={"boosting": {"n_estimators": 3}})
    edit_params("evaluate", max_rmse=100_000, min_r2=0, min_gain_over_baseline=0)
    golden = json.loads(PATHS.golden.read_text())
    PATHS.golden.write_text(json.dumps([one | {"between": [0, 1e6]} for one in golden]))
    run("training.run_dvc", "repro", "bundle")
    with pytest.raises(StepError, match=r"share of the RMSE added: .*\n.*values that move"):
        judging.main()
    page = (PATHS.reports / "judge.md").read_text()
    assert "### Values that move: " in page
    assert "**Blocked**: share of the RMSE added, values that move by more than 10%" in page

"""`make models`: what is said of each model that is here."""

import pytest

from serving.tests.sample import fit, write_bundle
from training import overview
from training.paths import Paths
from training.tests.sample import NAME, PATHS, PRICES, put_model


@pytest.fixture(autouse=True)
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put_model(tmp_path)


def test_model_is_not_trained_it_is_said_what_trains_it(capsys):
    overview.main()
    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == [
        "model",
        "kind",
        "task",
        "version",
        "engine",
        "scores",
        "size",
        "bundle",
    ]
    assert line.split()[:4] == [NAME, "text", "classification", "-"]
    assert line.endswith(f"not trained: 'make train MODEL={NAME}'")


def test_kind_and_task_are_those_of_the_schema(tmp_path):
    put_model(tmp_path, name=PRICES)
    assert overview.describe(Paths(PRICES))[:4] == (PRICES, "record", "regression", "-")


@pytest.mark.parametrize("engine", ["frozen", "sklearn"])
def test_model_is_trained_its_manifest_is_shown_and_whether_its_files_are_here(engine, capsys):
    manifest = write_bundle(PATHS.bundle, fit(), engine)
    overview.main()
    line = capsys.readouterr().out.splitlines()[1]
    said = [NAME, "text", "classification", manifest.version, engine, "macro_f1", "1.0000"]
    assert line.split()[:7] == said
    assert line.endswith("MB  here")
    PATHS.model.unlink()
    overview.main()
    assert capsys.readouterr().out.endswith(f"not here: 'make serve MODEL={NAME}'\n")


@pytest.mark.parametrize(
    ("metrics", "told"),
    [
        ({}, ""),
        ({"rmse": 43_211.77, "baseline_rmse": 9.0, "r2": 0.5}, "rmse 43,211.8, r2 0.5000"),
    ],
)
def test_scores_are_the_first_two_that_are_no_baselines(metrics, told):
    write_bundle(PATHS.bundle, fit(), metrics=metrics)
    assert overview.describe(PATHS).scores == told

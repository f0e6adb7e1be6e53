"""How a model would be served, as the report says it; what `make bench COLD=1` writes for it."""

import hashlib
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.tests.sample import fit, write_bundle
from training.console import StepError
from training.judging import served
from training.judging.served import (
    NOT_MEASURED,
    NotServed,
    describe_own,
    describe_start,
    find_manifest,
)
from training.paths import Paths
from training.tests.sample import PATHS

FOUND = {
    "version": "0" * 12,
    "ratio": 1.123,
    "hold": 1.25,
    "aim": 1.1,
    "milliseconds": {"empty": 36.8, "frozen": 41.4},
    "rounds": 15,
}


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    PATHS.freeze.parent.mkdir(parents=True)
    PATHS.cold.parent.mkdir(parents=True)


def record_freeze():
    """Let dvc.lock say that what is here is what the stage freeze read and wrote."""

    def record(path):
        md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False)
        return {"path": str(path), "md5": md5.hexdigest()}

    stage = {"deps": [record(PATHS.model)], "outs": [record(PATHS.frozen), record(PATHS.freeze)]}
    served.LOCK.write_text(yaml.safe_dump({"stages": {PATHS.name_step("freeze"): stage}}))


@pytest.mark.parametrize(("engine", "said"), [("frozen", "frozen"), ("sklearn", "not frozen: X")])
def test_manifest_is_the_models_it_says_how_it_is_served(tree, engine, said):
    refused = {} if engine == "frozen" else {"frozen": {"refused": "X"}}
    manifest = write_bundle(PATHS.bundle, fit(), engine, **refused)
    found = describe_own(manifest.version, PATHS)
    assert (found.said, found.engine) == (said, engine)
    assert found.frozen_bytes == (PATHS.frozen.stat().st_size if engine == "frozen" else None)


@pytest.mark.parametrize("name", ["model.frozen", "model.joblib", "manifest.json"])
@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_text("{")])
def test_file_of_the_bundle_is_missing_or_changed_it_is_not_served(tree, name, damage):
    version = write_bundle(PATHS.bundle, fit(), "frozen").version
    damage(PATHS.bundle / name)
    with pytest.raises(NotServed, match="'make"):
        find_manifest(version, PATHS)


def test_manifest_is_of_another_model_it_is_not_served(tree):
    write_bundle(PATHS.bundle, fit(), "frozen")
    with pytest.raises(NotServed, match="no manifest of this model"):
        find_manifest("0" * 12, PATHS)


def test_model_has_no_manifest_freezing_is_told_only_if_dvc_recorded_it_of_this_model(tree):
    write_bundle(PATHS.bundle, fit(), "frozen")
    (PATHS.bundle / "manifest.json").unlink()
    PATHS.freeze.write_text(json.dumps({"engine": "sklearn", "refused": "no form"}))
    assert describe_own("", PATHS).said == "not frozen yet"
    record_freeze()
    assert describe_own("", PATHS).said == "not frozen: no form"
    PATHS.model.write_bytes(b"another one")
    assert describe_own("", PATHS).said == "not frozen yet: the pipeline ended before that"


def test_cold_start_was_measured_of_this_model_it_is_shown(tree):
    PATHS.cold.write_text(json.dumps(FOUND))
    assert describe_start("0" * 12, "frozen", PATHS) == "1.12× (41 ms against 37 ms; hold 1.25×)"
    PATHS.cold.write_text(json.dumps(FOUND | {"ratio": 1.26}))
    assert "not held" in describe_start("0" * 12, "frozen", PATHS)


def test_cold_start_was_measured_of_no_model_or_another_one_it_is_said(tree):
    assert describe_start("0" * 12, "frozen", PATHS) == NOT_MEASURED
    PATHS.cold.write_text(json.dumps(FOUND))
    assert describe_start("1" * 12, "frozen", PATHS) == NOT_MEASURED
    assert describe_start("0" * 12, None, PATHS) != NOT_MEASURED
    assert describe_start("0" * 12, "sklearn", PATHS) == "not measured: it is not frozen"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda one: st.lists(one) | st.dictionaries(st.sampled_from(["frozen", "empty"]), one),
)


OF_THIS_MODEL = {"version": st.just("0" * 12)}


@settings(deadline=None)
@given(
    st.fixed_dictionaries(OF_THIS_MODEL, optional=dict.fromkeys(FOUND.keys() - {"version"}, JSON))
)
def test_what_was_measured_is_damaged_nothing_is_raised(tmp_path_factory, found):
    paths = Paths(PATHS.name)
    paths.cold = tmp_path_factory.getbasetemp() / "cold.json"
    paths.cold.write_text(json.dumps(found))
    assert describe_start("0" * 12, "frozen", paths)


def test_cold_start_is_measured_the_report_can_read_it(tree, monkeypatch, capfd):
    pytest.importorskip("awslambdaric", reason="the Lambda runtime is for Linux")
    from bench import cold

    version = write_bundle(PATHS.bundle, fit(), "frozen").version
    monkeypatch.setattr(cold, "ROUNDS", 1)
    cold.main(PATHS)
    found = json.loads(PATHS.cold.read_text())
    assert (found["hold"], found["aim"], found["rounds"]) == (1.25, 1.1, 1)
    times = found["milliseconds"]
    assert found["ratio"] == pytest.approx(times["frozen"] / times["empty"])
    shown = f"{found['ratio']:.2f}× ({times['frozen']:.0f} ms against {times['empty']:.0f} ms"
    assert describe_start(version, "frozen", PATHS).startswith(shown)


@pytest.mark.parametrize(
    "missing",
    [PATHS.frozen, PATHS.bundle / "manifest.json"],
)
def test_there_is_no_model_nothing_is_measured(tree, missing):
    pytest.importorskip("awslambdaric", reason="the Lambda runtime is for Linux")
    from bench import cold

    write_bundle(PATHS.bundle, fit(), "frozen")
    Path(missing).unlink()
    with pytest.raises(StepError, match="'make train"):
        cold.main(PATHS)
    assert not PATHS.cold.exists()


def test_model_is_not_frozen_that_is_said_and_no_failure(tree, capsys):
    pytest.importorskip("awslambdaric", reason="the Lambda runtime is for Linux")
    from bench import cold

    write_bundle(PATHS.bundle, fit(), "sklearn")
    cold.main(PATHS)
    assert "is not frozen" in capsys.readouterr().out
    assert not PATHS.cold.exists()

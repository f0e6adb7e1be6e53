"""Rows scored on a Dask cluster: a real scheduler and real workers, on loopback."""

import json
import threading
import time

import pytest

from scoring import __main__ as command
from scoring import cluster
from scoring import run as running
from scoring.tests.test_tables import write_table
from serving.tests.records import make_records
from training.console import StepError
from training.tests.test_cluster import kill, scheduler_started, worker_started

pytestmark = pytest.mark.slow


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A table in small chunks, and what is written of it without a cluster."""
    monkeypatch.setattr(running, "CHUNK_ROWS", 20)
    rows = [
        one | {"rooms": "x"} if place == 77 else one for place, one in enumerate(make_records(600))
    ]
    write_table(tmp_path / "in.jsonl", rows)


def run(folder, tmp_path, out, *more):
    places = [f"--bundle={folder}", f"--in={tmp_path / 'in.jsonl'}", f"--out={tmp_path / out}"]
    return command.main([*places, *more])


def test_cluster_writes_the_same_bytes(table, rents, tmp_path, capsys):
    assert run(rents, tmp_path, "here.csv", "--processes=0") == 3
    with scheduler_started() as scheduler, worker_started(scheduler, tmp_path / "worker"):
        assert run(rents, tmp_path, "there.csv", f"--dask={scheduler.address}") == 3
    assert "workers: 1" in capsys.readouterr().out
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


def test_worker_has_another_model_or_other_code_is_refused(table, rents, tmp_path, monkeypatch):
    with scheduler_started() as scheduler, worker_started(scheduler, tmp_path / "worker"):
        with monkeypatch.context() as patch:
            patch.setattr("scoring.asking.hash_manifest", lambda _: "other")
            with pytest.raises(StepError, match="is not the model that the run began with"):
                run(rents, tmp_path, "model.csv", f"--dask={scheduler.address}")
        monkeypatch.setattr(cluster, "hash_code", lambda: "other")
        with pytest.raises(StepError, match="other code of scoring or serving"):
            run(rents, tmp_path, "code.csv", f"--dask={scheduler.address}")


def test_workers_are_lost_what_is_written_is_kept(table, rents, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE_SECONDS", 2)
    assert run(rents, tmp_path, "here.csv", "--processes=0") == 3
    with (
        scheduler_started() as scheduler,
        worker_started(scheduler, tmp_path / "worker") as worker,
    ):
        threading.Thread(target=kill_after, args=(tmp_path / "x.csv.part", worker)).start()
        with pytest.raises(StepError, match="no worker of the Dask cluster has been left"):
            run(rents, tmp_path, "x.csv", f"--dask={scheduler.address}")
    state = json.loads((tmp_path / "x.csv.part.json").read_text())
    assert 0 < state["count"] < 600
    assert run(rents, tmp_path, "x.csv", "--processes=0") == 3
    assert (tmp_path / "x.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


def kill_after(path, worker):
    """End the workers once a file has something of the rows."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if path.exists() and path.stat().st_size > 5_000:
            kill(worker)
            return
        time.sleep(0.002)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "somewhere"])
def test_no_scheduler_is_told_with_the_command(address, table, rents, tmp_path):
    with pytest.raises(StepError, match="make score"):
        run(rents, tmp_path, "out.csv", f"--dask={address}")

"""A run is cut off, wherever it is, and the same command goes on to the same bytes."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest

from scoring import __main__ as command
from scoring import part, scorer
from scoring import run as running
from scoring.scorer import Scored
from scoring.sources import Place
from scoring.tests.test_tables import write_table
from serving.tests.records import make_records
from serving.tests.sample import change_manifest
from serving.tests.tracked import ROOT
from training.console import StepError

CHUNK = 20
# As the command, but in small steps, each of which is a checkpoint.
RUN = f"""
import sys
from scoring import __main__ as command, part, run
run.CHUNK_ROWS, part.CHECKPOINT_SECONDS = {CHUNK}, 0
if __name__ == "__main__":
    sys.exit(command.main(sys.argv[1:]))
"""


def put_bad_rows(rows):
    """Some of the rows with a value that is none."""
    return [one | {"rooms": 1.5} if place % 37 == 5 else one for place, one in enumerate(rows)]


def start(tmp_path, folder, source, out, processes):
    script = tmp_path / "run.py"
    script.write_text(RUN)
    return subprocess.Popen(
        [
            *(sys.executable, str(script), f"--bundle={folder}", f"--in={tmp_path / source}"),
            *(f"--out={tmp_path / out}", f"--processes={processes}"),
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for_growth(process, path, more):
    """Wait till a file has so many bytes more than now; whether it got them."""
    before = path.stat().st_size if path.exists() else 0
    until = time.monotonic() + 60
    while process.poll() is None:
        assert time.monotonic() < until
        if path.exists() and path.stat().st_size >= before + more:
            return True
        time.sleep(0.001)
    return False


@pytest.mark.slow
@pytest.mark.parametrize(
    "places",
    [("in.csv", "out.csv", 2), ("in.jsonl", "out.parquet", 0), ("in.parquet", "out.jsonl", 1)],
)
def test_killed_at_random_goes_on_to_the_same_bytes(places, rents, tmp_path, monkeypatch):
    source, out, processes = places
    rng = random.Random(f"{source}{out}")
    rows = [{"id": "0017"} | one for one in put_bad_rows(make_records(3_000))]
    write_table(tmp_path / source, rows)
    monkeypatch.setattr(running, "CHUNK_ROWS", CHUNK)
    whole = tmp_path / f"whole{out[3:]}"
    given = [f"--bundle={rents}", f"--in={tmp_path / source}", f"--out={whole}", "--processes=0"]
    assert command.main(given) == 3
    kills = 0
    for _ in range(4):
        process = start(tmp_path, rents, source, out, processes)
        if wait_for_growth(process, tmp_path / f"{out}.part", rng.randrange(1, 60_000)):
            children = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            kills += 1
            assert not (tmp_path / out).exists()
            _, alive = psutil.wait_procs(children, 30)
            assert not alive
        process.communicate()
    process = start(tmp_path, rents, source, out, processes)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 3, said
    assert "going on after " in said
    assert kills > 1
    assert (tmp_path / out).read_bytes() == whole.read_bytes()
    assert "rows with an error: 81" in said
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(
        {source, out, whole.name, "run.py", "in.tmp"} & {one.name for one in tmp_path.iterdir()}
    )


@pytest.fixture
def cut_off(rents, tmp_path, monkeypatch):
    """A run that ends after its third chunk, by what `how` raises; the command that began it."""
    write_table(tmp_path / "in.csv", make_records(200))
    monkeypatch.setattr(running, "CHUNK_ROWS", CHUNK)
    folder = tmp_path / "model"
    shutil.copytree(rents, folder)

    def run(*more, source="in.csv"):
        given = [f"--bundle={folder}", f"--in={tmp_path / source}", f"--out={tmp_path / 'out.csv'}"]
        return command.main([*given, "--processes=0", *more])

    add = part.Part.add

    def end(self, scored, place):
        add(self, scored, place)
        if self.count == 3 * CHUNK:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(part.Part, "add", end)
        with pytest.raises(KeyboardInterrupt):
            run()
    return run


def test_interrupted_goes_on_where_it_was(cut_off, tmp_path, capsys):
    state = json.loads((tmp_path / "out.csv.part.json").read_text())
    assert state["count"] == 3 * CHUNK
    assert cut_off() == 0
    assert f"going on after {3 * CHUNK} rows" in capsys.readouterr().out
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 201
    assert sorted(one.name for one in tmp_path.iterdir()) == ["in.csv", "model", "out.csv"]


def test_half_of_a_row_after_the_checkpoint_is_cut_away(cut_off, tmp_path):
    with (tmp_path / "out.csv.part").open("a") as file:
        file.write("63,1.5,")
    assert cut_off() == 0
    cut = (tmp_path / "out.csv").read_bytes()
    assert cut_off() == 0
    assert (tmp_path / "out.csv").read_bytes() == cut


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ("model", "model version"),
        ("input", "input"),
        ("setting", "setting"),
        ("code", "code"),
    ],
)
def test_something_else_than_it_was_begun_with_is_refused(
    changed, what, cut_off, tmp_path, monkeypatch
):
    before = (tmp_path / "out.csv.part").read_bytes()
    more = ["--nulls=NA"] if changed == "setting" else []
    if changed == "model":
        change_manifest(tmp_path / "model", title="Other rents")
    if changed == "input":
        data = (tmp_path / "in.csv").read_text()
        (tmp_path / "in.csv").write_text(data.replace("flat", "huts"))
    if changed == "code":
        monkeypatch.setattr("scoring.asking.hash_code", lambda: "other")
    with pytest.raises(StepError, match=f"begun with another {what}.*FRESH=1 starts over"):
        cut_off(*more)
    assert (tmp_path / "out.csv.part").read_bytes() == before
    assert not (tmp_path / "out.csv").exists()
    assert cut_off("--fresh", *more) == 0
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 201


@pytest.mark.parametrize("damage", ["checkpoint", "end"])
def test_part_that_is_damaged_is_refused(damage, cut_off, tmp_path):
    if damage == "checkpoint":
        (tmp_path / "out.csv.part.json").write_text('{"size"')
    else:
        os.truncate(tmp_path / "out.csv.part", 100)
    with pytest.raises(StepError, match="FRESH=1 starts over"):
        cut_off()


def test_two_runs_do_not_write_one_file(cut_off, tmp_path):
    with part.Part(tmp_path / "x.csv", {}, b"", Place(0, 1), fresh=False) as one:
        one.add(Scored(b"a\n", 1, 0), Place(1, 2))
        with pytest.raises(StepError, match="another run writes"):
            part.Part(tmp_path / "x.csv", {}, b"", Place(0, 1), fresh=True)
    assert (tmp_path / "x.csv.part").read_bytes() == b"a\n"


def test_file_is_changed_while_it_is_read_is_told(rents, tmp_path, monkeypatch):
    write_table(tmp_path / "in.csv", make_records(60))
    monkeypatch.setattr(running, "CHUNK_ROWS", CHUNK)
    add = part.Part.add

    def change(self, scored, place):
        add(self, scored, place)
        os.utime(tmp_path / "in.csv", (0, 0))

    monkeypatch.setattr(part.Part, "add", change)
    given = [f"--bundle={rents}", f"--in={tmp_path / 'in.csv'}", f"--out={tmp_path / 'out.csv'}"]
    with pytest.raises(StepError, match="was changed while it was read"):
        command.main([*given, "--processes=0"])
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.slow
def test_process_that_scores_is_killed_what_is_written_is_kept(rents, tmp_path):
    write_table(tmp_path / "in.csv", make_records(3_000))
    process = start(tmp_path, rents, "in.csv", "out.csv", 1)
    assert wait_for_growth(process, tmp_path / "out.csv.part", 1_000)
    # The one that scores, and not the one that tells what is shared.
    for child in psutil.Process(process.pid).children():
        if "spawn_main" in " ".join(child.cmdline()):
            child.send_signal(signal.SIGKILL)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "a scoring process was ended" in said
    process = start(tmp_path, rents, "in.csv", "out.csv", 1)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "going on after " in said


def test_model_is_damaged_ends_the_run(cut_off, tmp_path):
    path = tmp_path / "model/model.frozen"
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(data)
    for one in (scorer.find_scorer, scorer.load_model):  # as in a new process
        one.cache_clear()
    with pytest.raises(StepError, match=r"model\.frozen"):
        cut_off()
    assert (tmp_path / "out.csv.part").exists()

"""The comparison on a Dask cluster: a real scheduler and real workers, on loopback."""

import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import joblib
import pytest
from distributed import Client

from serving.tests.tracked import ROOT
from training.console import StepError
from training.parallel import backend, cluster, fingerprint
from training.steps import prepare, train, validate
from training.tests.conftest import run
from training.tests.sample import NAME, PATHS, compare, take_raw
from training.tests.test_train import DOCUMENTS, PARAMS

FROM_TRAINING = (
    "NPY_DISABLE_CPU_FEATURES",
    "OMP_NUM_THREADS",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_NUM_THREADS",
)
OURS = {name: os.environ[name] for name in FROM_TRAINING if name in os.environ}
QUICK = ("--nworkers", "1", "--nthreads", "1", "--preload-nanny", "training")


@contextmanager
def started(kind, *options, cwd=ROOT, exported=()):
    """A process of Dask's on loopback, as a person would start it; ended by its group's id."""
    command = [sys.executable, "-m", "dask", kind, *options]
    command += ["--host", "127.0.0.1", "--no-dashboard"]
    environment = {key: one for key, one in os.environ.items() if key not in FROM_TRAINING}
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=environment | dict(exported),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            kill(process)


def kill(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def scheduler_started(cwd=ROOT):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with started("scheduler", "--port", str(port), cwd=cwd) as process:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        process.address = f"tcp://127.0.0.1:{port}"
        yield process


@contextmanager
def worker_started(scheduler, folder, *options, **settings):
    before = count_workers(scheduler)
    options = [scheduler.address, "--local-directory", str(folder), *(options or QUICK)]
    with started("worker", *options, **settings) as process:
        for _ in range(200):
            if count_workers(scheduler) > before:
                break
            time.sleep(0.1)
        yield process


def count_workers(scheduler):
    with Client(scheduler.address, set_as_default=False) as client:
        return len(client.nthreads())


@pytest.fixture(scope="module")
def scheduler():
    with scheduler_started() as process:
        yield process


@pytest.fixture
def two_workers(scheduler, tmp_path):
    """Of their own for each test: some end them."""
    with ExitStack() as both:
        yield [both.enter_context(worker_started(scheduler, tmp_path)) for _ in range(2)]


def search(scheduler, monkeypatch, params=PARAMS):
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler.address)
    return compare(params, DOCUMENTS)


@pytest.mark.slow
def test_stage_is_run_on_a_cluster_writes_the_same_bytes_as_here(
    workspace, sample_archive, scheduler, tmp_path, monkeypatch
):
    take_raw(sample_archive)
    prepare.main(PATHS)
    validate.main(PATHS)
    run("training.steps.train", NAME)
    here = (PATHS.comparison.read_bytes(), PATHS.model.read_bytes())
    PATHS.comparison.unlink()
    PATHS.model.unlink()
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler.address)
    with ExitStack() as both:
        for _ in range(2):
            both.enter_context(worker_started(scheduler, tmp_path, cwd=Path.cwd()))
        done = run("training.steps.train", NAME)
    assert f"on the Dask cluster at {scheduler.address}: workers: 2" in done.stdout
    assert "comparing candidates: 6/6" in done.stderr.splitlines()[-1]
    assert (PATHS.comparison.read_bytes(), PATHS.model.read_bytes()) == here


@pytest.mark.slow
def test_candidate_cannot_be_fitted_is_the_sentence_it_is_without_a_cluster(
    scheduler, two_workers, monkeypatch, caplog
):
    params = PARAMS.model_copy(update={"candidates": {"logistic_regression": {"C": -1.0}}})
    with pytest.raises(StepError, match=r"^params\.yaml: candidate logistic_regression\(C=-1\.0\)"):
        search(scheduler, monkeypatch, params)
    assert not caplog.records


@pytest.mark.slow
def test_cluster_has_no_workers_says_how_to_start_one(scheduler, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with pytest.raises(StepError, match=r"has no workers: .*dask worker tcp://127"):
        search(scheduler, monkeypatch)


@pytest.mark.slow
def test_worker_runs_two_tasks_at_once_is_refused_with_the_command(
    scheduler, tmp_path, monkeypatch
):
    options = ("--nworkers", "1", "--nthreads", "2", "--preload-nanny", "training")
    with (
        worker_started(scheduler, tmp_path, *options),
        pytest.raises(StepError, match=r"runs 2 tasks in one process; start it .*--nthreads 1"),
    ):
        search(scheduler, monkeypatch)


# Each x86-64 has the older kernels, so these differ from ours on every one. What a processor
# chooses by itself may be what we choose.
@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != "x86_64", reason="has none of x86-64's kernels")
@pytest.mark.parametrize(
    ("exported", "says"),
    [
        (
            {"OPENBLAS_CORETYPE": "NEHALEM"},
            r"another BLAS \(openblas Nehalem, .*openblas Haswell, ",
        ),
        ({"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4"}, r"another numpy's kernels \("),
    ],
)
def test_worker_has_other_kernels_is_refused_with_the_command(
    scheduler, tmp_path, monkeypatch, exported, says
):
    early = tmp_path / "early.py"
    early.write_text("import numpy, scipy.linalg")
    options = ("--nworkers", "1", "--nthreads", "1", "--preload", str(early))
    with (
        worker_started(scheduler, tmp_path, *options, exported=OURS | exported),
        pytest.raises(StepError, match=f"might compute other scores: .*{says}.*--preload-nanny"),
    ):
        search(scheduler, monkeypatch)


@pytest.mark.slow
def test_worker_is_started_otherwise_but_computes_the_same_is_taken(scheduler, tmp_path):
    options = ("--nworkers", "1", "--nthreads", "1")
    with worker_started(scheduler, tmp_path, *options, exported=OURS):
        assert len(set(compute(scheduler, identify))) == 1


@pytest.mark.parametrize("name", fingerprint.read_passport())
def test_worker_differs_in_anything_of_the_passport_is_refused(name):
    ours = fingerprint.read_passport()
    cluster._check_passport("tcp://w", ours, ours, "start")
    with pytest.raises(StepError, match=f"another {re.escape(name)} \\(x there"):
        cluster._check_passport("tcp://w", ours | {name: "x"}, ours, "start")


@pytest.mark.slow
def test_worker_has_no_checkout_is_refused(scheduler, tmp_path, monkeypatch):
    options = ("--nworkers", "1", "--nthreads", "1")
    with (
        worker_started(scheduler, tmp_path, *options, cwd=tmp_path),
        pytest.raises(StepError, match=r"Dask's worker .* cannot load training \(.*No module"),
    ):
        search(scheduler, monkeypatch)


@pytest.mark.slow
def test_scheduler_has_no_checkout_is_refused(tmp_path, monkeypatch):
    with (
        scheduler_started(cwd=tmp_path) as scheduler,
        worker_started(scheduler, tmp_path),
        pytest.raises(StepError, match=r"the Dask scheduler at .* cannot load training"),
    ):
        search(scheduler, monkeypatch)


@pytest.mark.slow
def test_worker_has_other_code_is_refused_with_the_file(scheduler, tmp_path, monkeypatch):
    shutil.copytree(ROOT / "training", tmp_path / "code/training")
    shutil.copytree(ROOT / "serving/app", tmp_path / "code/serving/app")
    (tmp_path / "code/serving/__init__.py").touch()
    with (tmp_path / "code/training/scoring.py").open("a") as file:
        file.write("# changed\n")
    with (
        worker_started(scheduler, tmp_path, cwd=tmp_path / "code"),
        pytest.raises(StepError, match=r"other scores: .*another training/scoring\.py \("),
    ):
        search(scheduler, monkeypatch)


def identify(number):
    return os.getpid()


def sleep(number):
    time.sleep(1)
    return number


def end_worker(number):
    os._exit(1)


def compute(scheduler, function):
    with cluster.use_cluster(scheduler.address, []) as wrap:
        jobs = [joblib.delayed(wrap(function))(number) for number in range(6)]
        yield from joblib.Parallel(n_jobs=-1, return_as="generator_unordered", batch_size=1)(jobs)


@pytest.mark.slow
def test_cluster_has_one_worker_computes_there_and_not_here(scheduler, tmp_path):
    with worker_started(scheduler, tmp_path):
        found = set(compute(scheduler, identify))
    assert len(found) == 1
    assert os.getpid() not in found


@pytest.mark.slow
def test_worker_dies_midway_leaves_its_tasks_to_the_other(scheduler, two_workers):
    results = compute(scheduler, sleep)
    first = next(results)
    kill(two_workers[0])
    assert sorted([first, *results]) == list(range(6))


@pytest.mark.slow
def test_every_worker_dies_midway_is_an_error(scheduler, two_workers, monkeypatch):
    monkeypatch.setattr(backend, "PATIENCE_SECONDS", 3)
    results = compute(scheduler, sleep)
    next(results)
    for worker in two_workers:
        kill(worker)
    with pytest.raises(StepError, match="no worker of the Dask cluster has been left for 3 s"):
        list(results)


@pytest.mark.slow
def test_task_ends_each_worker_that_runs_it_is_an_error(scheduler, two_workers):
    with pytest.raises(StepError, match="one task after the other ended the worker"):
        list(compute(scheduler, end_worker))


@pytest.mark.slow
def test_scheduler_dies_midway_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 2)
    with scheduler_started() as scheduler, worker_started(scheduler, tmp_path):
        results = compute(scheduler, sleep)
        next(results)
        kill(scheduler)
        with pytest.raises(StepError, match="the Dask scheduler was lost"):
            list(results)


@pytest.mark.parametrize(
    "address", ["nonsense", "http://127.0.0.1:8786", "tcp://127.0.0.1", "host:x", " ", "tcp://:1"]
)
def test_address_is_malformed_is_refused_with_an_example(address):
    with pytest.raises(StepError, match=r"is no address of a Dask scheduler: make train DASK="):
        cluster.connect(address)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "tcp://127.0.0.1:99999"])
def test_nobody_answers_says_so_and_how_to_start_a_scheduler(address):
    with pytest.raises(StepError, match=r"no Dask scheduler answers at .*dask scheduler"):
        cluster.connect(address)


def test_something_else_answers_is_refused(monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(StepError, match="no Dask scheduler answers"):
            cluster.connect(address)


def test_worker_has_another_python_is_refused(monkeypatch):
    ours = dict.fromkeys(cluster.PROTOCOL, "1") | {"python": "3.13.0.final.0"}
    patch = {"packages": ours | {"python": "3.13.9.final.0"}}
    other = {"packages": ours | {"python": "3.12.0.final.0"}}
    versions = {"client": {"packages": ours}, "scheduler": patch, "workers": {"tcp://w": patch}}
    cluster._check_protocol(versions, "start")
    with pytest.raises(StepError, match=r"tcp://w has other versions: python \(3\.12 there"):
        cluster._check_protocol(versions | {"workers": {"tcp://w": other}}, "start")


def test_many_things_differ_are_named_three_and_counted():
    ours = fingerprint.read_passport()
    assert fingerprint.find_differences(ours, ours) == ""
    assert fingerprint.find_differences({}, {"a": "1", "b": "2", "c": "3", "d": "4"}) == (
        "a (none there, 1 here), b (none there, 2 here), c (none there, 3 here) and 1 more"
    )


def test_dask_is_not_installed_says_how_to_get_it(monkeypatch):
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://host:8786")
    monkeypatch.delitem(sys.modules, "training.parallel.cluster")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(StepError, match=r"distributed is not installed: make train DASK=tcp://h"):
        train.find_machines([])


def test_no_cluster_is_named_imports_nothing_of_dask():
    code = (
        "import sys; from training.steps import train; "
        "train.find_machines([]); print('distributed' in sys.modules)"
    )
    environment = {k: v for k, v in os.environ.items() if k != "DASK_SCHEDULER_ADDRESS"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    assert done.stdout == b"False\n"


@pytest.mark.parametrize(("typed", "found"), [("", ""), ("DASK=tcp://$(x):1", "tcp://$(x):1")])
def test_make_train_hands_the_address_to_the_stages_as_it_was_typed(typed, found, tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    tools = tmp_path / ".venv/bin"
    tools.mkdir(parents=True)
    for name in ("scripts/install.sh", ".python-version"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "training/models/topics").mkdir(parents=True)
    (tmp_path / "training/models/topics/model.py").touch()
    (tmp_path / "requirements").mkdir()
    for name in ("bootstrap", "serve", "train", "dask"):
        (tmp_path / f"requirements/{name}.txt").touch()
    (tmp_path / ".venv/serve.ok").touch()
    (tmp_path / "scripts/install.sh").write_text('#!/bin/sh\necho "installing $*"\n')
    (tools / "python").write_text('#!/bin/sh\necho "address=$DASK_SCHEDULER_ADDRESS"\n')
    for program in (tools / "python", tmp_path / "scripts/install.sh"):
        program.chmod(0o755)
    environment = {k: v for k, v in os.environ.items() if k != "DASK_SCHEDULER_ADDRESS"}
    done = subprocess.run(
        ["make", "train", *filter(None, [typed])],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == f"address={found}"
    assert ("installing dask" in done.stdout) == bool(typed)

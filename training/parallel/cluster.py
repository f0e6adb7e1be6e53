"""The comparison on other machines: a Dask cluster, through joblib.

Its scores have to be ours to the last bit, so a worker that could compute others is refused: when
the search begins, and, as workers come and go, with each task.

Imported only where a cluster is named: the module needs `distributed`.
"""

import functools
import logging
import re
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import joblib
from distributed import Client, get_worker

from training.console import StepError, say
from training.parallel.backend import ClusterBackend
from training.parallel.fingerprint import Passport, find_differences, read_passport

CONNECT_SECONDS = 10
SCHEDULER = ".venv/bin/python -m dask scheduler"
WORKER = ".venv/bin/python -m dask worker {} --nworkers -1 --nthreads 1 --preload-nanny training"
# What Dask's own messages depend on.
PROTOCOL = ("python", "dask", "distributed", "cloudpickle")
# Those that Dask's configuration gives a level of their own.
LOGGERS = ("distributed", "distributed.client", "tornado.application")
ADDRESS = re.compile(r"(?:(?:tcp|tls)://)?(\[[0-9A-Fa-f:.]+\]|[\w.-]+):(\d{1,5})")

type Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


@contextmanager
def use_cluster(address: str, data: list[Any]) -> Iterator[Wrap]:
    """While it is open, joblib.Parallel computes on the workers.

    Args:
        address: Of Dask's scheduler, `tcp://host:8786`.
        data: Arguments that most tasks have: each goes to each worker once.

    Returns:
        A function that wraps what the tasks call, so that only workers like us compute.

    Raises:
        StepError: There is no such scheduler, or no worker, or one could compute other scores;
            later, from joblib.Parallel, a task that no worker could finish.
    """
    with _quiet(), connect(address) as client:
        try:
            passport = check(client, address)
            start = WORKER.format(address)
            backend = ClusterBackend(start, client=client, scatter=data)
        except OSError as error:
            raise StepError(f"the Dask cluster at {address} was lost: {error}") from None
        say(f"comparing on the Dask cluster at {address}: workers: {len(client.nthreads())}")
        with joblib.parallel_config(backend=backend):
            yield lambda function: functools.partial(run_checked, function, passport)


@contextmanager
def _quiet() -> Iterator[None]:
    # What matters becomes a StepError; the libraries log tracebacks of it besides.
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)


def connect(address: str) -> Any:
    """A client of the scheduler.

    Raises:
        StepError: This is no address, or no scheduler of Dask's answers there.
    """
    found = ADDRESS.fullmatch(address)
    if not found:
        raise StepError(
            f"{address!r} is no address of a Dask scheduler: make train DASK=tcp://host:8786"
        )
    try:
        _probe(found[1].strip("[]"), int(found[2]), encrypted=address.startswith("tls:"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions: check() refuses these
            return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, OverflowError, TypeError, ValueError) as error:
        raise StepError(
            f"no Dask scheduler answers at {address} ({error}): "
            f"start one there ({SCHEDULER}), or run 'make train' without DASK="
        ) from None


def _probe(host: str, port: int, *, encrypted: bool) -> None:
    # A refusal is known at once here, with its reason; and Dask's client would wait for ever for
    # a server that says nothing, where a scheduler speaks first.
    with socket.create_connection((host, port), CONNECT_SECONDS) as probe:
        if not encrypted and not probe.recv(1):
            raise OSError("it hangs up")


def check(client: Any, address: str) -> Passport:
    """Our passport, which is each worker's, too.

    Raises:
        StepError: There is no worker; or the scheduler or a worker has other versions, other
            code or other kernels, or runs several tasks in one process.
    """
    start = WORKER.format(address)
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    except TimeoutError:
        raise StepError(f"the Dask cluster at {address} has no workers: {start}") from None
    _check_protocol(client.get_versions(), start)
    try:
        client.run_on_scheduler(read_passport)
    except (ImportError, SyntaxError) as error:
        raise StepError(
            f"the Dask scheduler at {address} cannot load training ({error}): start it in a "
            f"checkout of this commit, after 'make .venv/dask.ok': {SCHEDULER}"
        ) from None
    for name, threads in client.nthreads().items():
        _check_threads(name, threads, start)
    ours = read_passport()
    for name, theirs in client.run(read_passport, on_error="return").items():
        if isinstance(theirs, Exception):
            raise _refuse(name, f"cannot load training ({theirs})", start)
        _check_passport(name, theirs, ours, start)
    return ours


def run_checked(function: Callable[..., Any], ours: Passport, *arguments: Any) -> Any:
    """Call `function`, on a worker that would compute the same as we do.

    Raises:
        StepError: This one might not.
    """
    worker = get_worker()
    start = WORKER.format(worker.scheduler.address)
    _check_threads(worker.address, worker.state.nthreads, start)
    _check_passport(worker.address, read_passport(), ours, start)
    # joblib would send what scikit-learn does in parallel through the cluster again.
    with joblib.parallel_config(backend="sequential"):
        return function(*arguments)


def _check_protocol(versions: Any, start: str) -> None:
    ours = versions["client"]["packages"]
    # The third number of Python's version has no part in it.
    short = re.compile(r"(?<=\d\.\d\d)\..*")
    for name, theirs in {"scheduler": versions["scheduler"], **versions["workers"]}.items():
        found, wanted = (
            {key: short.sub("", one[key]) if key == "python" else one[key] for key in PROTOCOL}
            for one in (theirs["packages"], ours)
        )
        if differences := find_differences(found, wanted):
            kind = "Dask's" if name == "scheduler" else "Dask's worker"
            raise _refuse(name, f"has other versions: {differences}", start, kind)


def _check_threads(name: str, threads: int, start: str) -> None:
    # Which warnings are errors is one setting of a process: tasks would undo one another's.
    if threads != 1:
        raise _refuse(name, f"runs {threads} tasks in one process", start)


def _check_passport(name: str, theirs: Passport, ours: Passport, start: str) -> None:
    if differences := find_differences(theirs, ours):
        raise _refuse(name, f"might compute other scores: it has another {differences}", start)


def _refuse(name: str, why: str, start: str, kind: str = "Dask's worker") -> StepError:
    return StepError(
        f"{kind} {name} {why}; start it in a checkout of this commit, after "
        f"'make .venv/dask.ok': {start}"
    )

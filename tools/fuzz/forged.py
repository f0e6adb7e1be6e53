"""Opens forged files and asks them: each is refused, or answers something finite in time."""

import json
import math
import os
import resource
import signal
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from types import SimpleNamespace

from serving.app import native
from serving.app.engines.classification import Classification
from serving.app.engines.frozen.engine import LARGE_BATCH, FrozenEngine
from serving.app.engines.frozen.file import FrozenFile
from serving.app.engines.frozen.ops import OPS
from serving.app.engines.regression import Regression
from serving.app.errors import ServiceError
from serving.app.request.strict_json import to_json
from serving.bundle.errors import BundleDamaged, ModelError
from tools.fuzz.findings import progress
from tools.fuzz.forge import forge
from training.freezing.inputs import generate
from training.tests.models_by_op import make_model

MAX_MEMORY = 512 * 1024**2  # more than the process has
MAX_SECONDS = 10  # of the processor, for one file: to open it, and to answer some hundred inputs
ASKED = 8
# What the handler answers with a problem of its own, and goes on after.
REFUSALS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    ModelError,
    RecursionError,
    ServiceError,
    TypeError,
    ValueError,
)


class Hang(BaseException):
    """It takes too long; nothing that refuses an error is to catch it."""


class Weak(Exception):
    """A forged file did what none may."""


class Target:
    """A model that has an op of a type, and what it is asked."""

    def __init__(self, kind):
        self.kind = kind
        self.model, pipeline, self.described, values = make_model(kind)
        odd = generate(self.described, pipeline, values, ASKED, seed=0)
        self.values = [*values[:ASKED], *odd]
        self.labels = self.model.classes
        self.task = _make_task(self.labels)


find_target = cache(Target)


def list_engines():
    """What does the arithmetic: Python, and the kernel where it was built."""
    return {"python": None} | ({"native": native.kernel} if native.kernel else {})


def open_file(path, root, described, kernel):
    """The engine of a frozen file, with a kernel, or with None in Python alone."""
    before, native.kernel = native.kernel, kernel
    try:
        return FrozenEngine(FrozenFile(str(path), path.stat().st_size, root), described)
    finally:
        native.kernel = before


def _make_task(labels):
    if not labels:
        return Regression(SimpleNamespace(target=None, interval=None))
    named = [SimpleNamespace(id=label, title=label) for label in labels]
    return Classification(SimpleNamespace(labels=named))


def attack(target, path, root, kernel):
    """What comes of a forged file: "refused" where it is opened, or "asked".

    Args:
        target: What it was forged of.
        path: Where it is.
        root: The hash of its root.
        kernel: Which opens it; None for Python alone.

    Raises:
        Weak: It did what it may not.
    """
    try:
        engine = open_file(path, root, target.described, kernel)
    except BundleDamaged as damaged:
        if isinstance(damaged.__cause__, MemoryError):
            raise Weak("to open it took too much memory") from damaged
        return "refused"
    if engine.classes != target.labels:  # as `load` has it
        return "refused"
    many = target.values[:1] * LARGE_BATCH
    for values in (*([value] for value in target.values), target.values, many):
        _ask(target, engine, values)
    _refused(engine.check)
    return "asked"


def _ask(target, engine, values):
    answers = _refused(lambda: list(map(target.task.decide, engine.score(values))))
    for value, answer in zip(values, answers or (), strict=False):
        if _refused(lambda: to_json(answer.answer())) is None:  # noqa: B023 - called at once
            continue
        number = answer.probability if target.labels else answer.value
        if number is not None and not (isinstance(number, int | float) and math.isfinite(number)):
            raise Weak(f"it answers {number!r:.50}")
        if len(values) == 1:
            _refused(lambda: engine.explain(value, answer.scores.label))  # noqa: B023


def _refused(function):
    """What a function gives; None where it refuses."""
    try:
        return function()
    except REFUSALS:
        return None


def attack_many(kind, engine, seeds):
    """Attack an op of a type with a forged file a seed, in processes that may end by it.

    Args:
        kind: The type.
        engine: A name of `list_engines`.
        seeds: Of the files.

    Returns:
        How many were "refused" when they were opened, "asked", and came "through"; and of these
        the seeds, and what is wrong in words.
    """
    target, kernel = find_target(kind), list_engines()[engine]
    counts, found, seeds = Counter(refused=0, asked=0, through=0), [], list(seeds)
    with tempfile.TemporaryDirectory() as folder:
        path, told = Path(folder, "model.frozen"), Path(folder, "told")
        while seeds:
            told.write_bytes(b"")
            child = os.fork()
            if not child:
                _attack_in_child(target, seeds, kernel, path, told)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            lines = [json.loads(line) for line in told.read_text(encoding="utf-8").splitlines()]
            if len(lines) < len(seeds):
                lines.append((seeds[len(lines)], "through", f"the process ended ({status})"))
            seeds = seeds[len(lines) :]
            counts.update(outcome for _, outcome, _ in lines)
            found += [(seed, words) for seed, outcome, words in lines if outcome == "through"]
    return counts, found


def attack_all(count, seed, findings):
    """Attack ops of all types, each with so many files and with each engine.

    Returns:
        What came of them, and how many `types` there are.
    """
    seeds = range(seed * count, (seed + 1) * count)
    total = Counter(types=len(OPS), refused=0, asked=0, through=0)
    jobs = [(kind, engine) for kind in OPS for engine in list_engines()]
    with ProcessPoolExecutor() as pool, progress(len(jobs), "forged files") as bar:
        started = {pool.submit(attack_many, *job, seeds): job for job in jobs}
        for done in as_completed(started):
            counts, found = done.result()
            total.update(counts)
            for number, words in found:
                findings.add(f"a forged file, {' '.join(started[done])}, seed {number}: {words}")
            bar.update()
    return dict(total)


def _attack_in_child(target, seeds, kernel, path, told):
    """Write a line a seed: the seed, "refused", "asked" or "through", and what is wrong."""
    code = 1
    sys.settrace(None)  # coverage's time is not the engine's; what it counts here is lost anyway
    try:
        _limit()
        with told.open("a", encoding="utf-8") as file:
            for seed in seeds:
                outcome, words = _attack_seed(target, seed, kernel, path)
                print(json.dumps([seed, outcome, words]), file=file, flush=True)
        code = 0
    finally:
        os._exit(code)


def _attack_seed(target, seed, kernel, path):
    # What does not look for signals is ended by the second limit.
    used = int(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]))
    resource.setrlimit(resource.RLIMIT_CPU, (used + 3 * MAX_SECONDS, resource.RLIM_INFINITY))
    signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)
    try:
        data, root = forge(target.model, target.kind, f"{target.kind} {seed}")
        path.write_bytes(data)
        return attack(target, path, root, kernel), ""
    except Hang:
        return "through", f"no answer within {MAX_SECONDS} s of the processor"
    except BaseException as error:  # noqa: BLE001 - whatever it is
        return "through", f"{type(error).__name__}: {error!s:.200}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _limit():
    def hang(*_):
        raise Hang

    signal.signal(signal.SIGPROF, hang)
    pages = Path("/proc/self/statm")
    if pages.exists():  # elsewhere nothing says how much there is
        has = int(pages.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (has + MAX_MEMORY, resource.RLIM_INFINITY))

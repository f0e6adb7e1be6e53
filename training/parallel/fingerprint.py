"""What a score depends on besides its inputs: compared between machines, to the last bit.

Read from what is loaded, not from the environment: a variable that is set after numpy was loaded
changes nothing.
"""

import functools
import hashlib
import math
import platform
import sys
from collections.abc import Iterable
from pathlib import Path

import joblib
import numpy as np
import scipy.linalg  # loads its own BLAS
import sklearn
import threadpoolctl

from training import KERNEL, WITHOUT
from training.console import StepError

ROOT = Path(__file__).parents[2]

type Passport = dict[str, str]


@functools.cache
def read_passport() -> Passport:
    """This process's versions, kernels, and a hash of each file of ours, by name."""
    return {
        "Python": "{}.{}".format(*sys.version_info),
        "joblib": joblib.__version__,
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
        "scipy": scipy.__version__,
        "processor": platform.machine(),
        "libm": _try_libm(),
        "numpy's kernels": _list(_find_kernels()),
        "BLAS": _list(_find_blas()),
        **{
            str(path.relative_to(ROOT)): hashlib.sha256(path.read_bytes()).hexdigest()[:12]
            for path in _list_sources()
        },
    }


def check_arithmetic() -> None:
    """Whether a model that is made in this process is the one that any other machine makes.

    Raises:
        StepError: numpy was loaded before `training` could choose, or its BLAS is another.
    """
    if platform.machine() != "x86_64":
        return
    wrong = [one for one in _find_blas() if one.upper() != f"OPENBLAS {KERNEL}, THREADS: 1"]
    if wrong := [*wrong, *sorted(set(_find_kernels()) & set(WITHOUT.split()))]:
        raise StepError(
            f"numpy computes here with {_list(wrong)}, so the model would be another one: it was "
            "loaded before training could choose, or is not the numpy of requirements/train.txt. "
            "Import training first; in a shell, 'make train'"
        )


def find_differences(theirs: Passport, ours: Passport) -> str:
    """What differs, as a person reads it, the first three; nothing if they are the same."""
    found = [
        f"{name} ({theirs.get(name, 'none')} there, {ours.get(name, 'none')} here)"
        for name in {**ours, **theirs}
        if theirs.get(name) != ours.get(name)
    ]
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""  # noqa: PLR2004 three are read
    return ", ".join(found[:3]) + more


def _find_kernels() -> list[str]:
    kinds = np.lib.introspect.opt_func_info().values()
    return [kernel["current"] for kernels in kinds for kernel in kernels.values()]


def _find_blas() -> list[str]:
    return [
        f"{one['internal_api']} {one.get('architecture')}, threads: {one['num_threads']}"
        for one in threadpoolctl.threadpool_info()
        if one["user_api"] == "blas"
    ]


def _try_libm() -> str:
    # Another version, or a processor without FMA, rounds some of them otherwise: too few to be
    # met by a look at the version alone.
    values = np.random.default_rng(0).uniform(0.01, 20, 20_000).tolist()
    results = [function(x) for x in values for function in (math.exp, math.log, math.log1p)]
    return hashlib.sha256(np.array(results).tobytes()).hexdigest()[:12]


def _list(names: Iterable[str]) -> str:
    return "; ".join(sorted(set(names))) or "none"


def _list_sources() -> list[Path]:
    modules = (ROOT / "training").rglob("*.py")
    ours = [path for path in modules if "tests" not in path.relative_to(ROOT).parts]
    return sorted([*ours, ROOT / "serving/app/features.py"])

"""What a score depends on besides its inputs: compared between machines, to the last bit.

Read from what is loaded, not from the environment: a variable that is set after numpy was loaded
changes nothing.
"""

import functools
import hashlib
import platform
import sys
from collections.abc import Iterable
from pathlib import Path

import joblib
import numpy as np
import scipy.linalg  # loads its own BLAS
import sklearn
import threadpoolctl

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
        "numpy's kernels": _list(
            kernel["current"]
            for kinds in np.lib.introspect.opt_func_info().values()
            for kernel in kinds.values()
        ),
        "BLAS": _list(
            f"{one['internal_api']} {one.get('architecture')}, threads: {one['num_threads']}"
            for one in threadpoolctl.threadpool_info()
            if one["user_api"] == "blas"
        ),
        **{
            str(path.relative_to(ROOT)): hashlib.sha256(path.read_bytes()).hexdigest()[:12]
            for path in _list_sources()
        },
    }


def find_differences(theirs: Passport, ours: Passport) -> str:
    """What differs, as a person reads it, the first three; nothing if they are the same."""
    found = [
        f"{name} ({theirs.get(name, 'none')} there, {ours.get(name, 'none')} here)"
        for name in {**ours, **theirs}
        if theirs.get(name) != ours.get(name)
    ]
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""  # noqa: PLR2004 three are read
    return ", ".join(found[:3]) + more


def _list(names: Iterable[str]) -> str:
    return "; ".join(sorted(set(names))) or "none"


def _list_sources() -> list[Path]:
    modules = (ROOT / "training").rglob("*.py")
    ours = [path for path in modules if "tests" not in path.relative_to(ROOT).parts]
    return sorted([*ours, ROOT / "serving/app/features.py"])

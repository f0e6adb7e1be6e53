"""On what a measurement was made, so far as a last bit can depend on it."""

import platform
from importlib.metadata import version

from numpy._core._multiarray_umath import __cpu_features__
from threadpoolctl import threadpool_info

from serving.app.native import tell_kernel

PACKAGES = ("scikit-learn", "numpy", "scipy")


def describe_machine():
    """Versions, the processor's features that numpy sees, and BLAS with its kernel."""
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "kernel": tell_kernel(),
        "processor": platform.machine(),
        "features": sorted(name for name, has in __cpu_features__.items() if has),
        "blas": sorted(
            {describe_blas(one) for one in threadpool_info() if "blas" in one["user_api"]}
        ),
    }


def describe_blas(found):
    return f"{found['internal_api']} {found['version']} {found.get('architecture', '')}".strip()

"""The kernel: the arithmetic of some ops and of pictures in C, where it was built (serving/kernel).

It gives the same bits as their Python, sooner. Where it is missing, or does not load, they do
without: an op asks for its part when it is made.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

kernel: ModuleType | None
try:
    from serving.app import _kernel as kernel
except ImportError:  # not built, or for another processor, system or C library
    kernel = None


def tell_kernel() -> str:
    """Which does the arithmetic: "native" or "python"."""
    return "native" if kernel else "python"

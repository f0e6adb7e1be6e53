"""Why a bundle cannot be served.

    ModelError
    ├── BundleMissing
    ├── BundleDamaged
    ├── VersionMismatch
    └── ProcessorDiffers

`str()` says what is wrong, where, and the command that mends it. That names files and versions: it
is for the log. A caller of the service reads `told`.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing would cost a tenth of a cold start
if TYPE_CHECKING:
    from typing import Any

    from serving.bundle.error_kinds import (
        BundleDamaged,
        BundleMissing,
        ModelError,
        ProcessorDiffers,
        VersionMismatch,
    )

__all__ = ["BundleDamaged", "BundleMissing", "ModelError", "ProcessorDiffers", "VersionMismatch"]


if not TYPE_CHECKING:  # or mypy would take any name for one of the errors

    def __getattr__(name: str) -> Any:
        """One of them, as serving/app/errors.py does it."""
        if name.startswith("_"):
            raise AttributeError(name)
        from serving.bundle import error_kinds  # noqa: PLC0415 - few starts need it

        return getattr(error_kinds, name)

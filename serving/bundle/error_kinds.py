"""The errors, which errors.py imports when it is first asked for one: most starts meet none."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar


class ModelError(Exception):
    """No model can be served; the operator can mend it."""

    told: ClassVar[str] = "has no model that it can serve"


class BundleMissing(ModelError):
    told = "lacks a file of its model"


class BundleDamaged(ModelError):
    told = "has a file of its model that is damaged, or another model's"


class VersionMismatch(ModelError):
    told = "has a model that was made by other versions of its packages or of its own code"


class ProcessorDiffers(ModelError):
    told = "has a model that answers otherwise on a processor of this kind"

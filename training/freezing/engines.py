"""The engines of a frozen model that was just written."""

from pathlib import Path
from typing import Any

from serving.app import native
from serving.app.engines.frozen.engine import FrozenEngine
from serving.app.engines.frozen.file import FrozenFile


def open_engines(path: Path, root: str, described: dict[str, Any]) -> list[FrozenEngine]:
    """The engine in Python, which is the reference; and with the kernel, where it was built.

    Raises:
        BundleDamaged: The file is not one that this code can serve.
    """
    kernel, engines = native.kernel, []
    try:
        for native.kernel in (None, kernel) if kernel else (None,):
            file = FrozenFile(str(path), path.stat().st_size, root)
            engines.append(FrozenEngine(file, described))
    finally:
        native.kernel = kernel
    return engines

"""What came through: told at once, and kept."""

import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from tqdm import tqdm


class Findings:
    """Takes what came through.

    Args:
        folder: Where events are kept; those of earlier runs are removed.

    Attributes:
        count: How much came through.
    """

    def __init__(self, folder: Path) -> None:
        self.count = 0
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for path in (*folder.glob("failure-*.json"), folder / "results.json"):
            path.unlink(missing_ok=True)

    def add(self, what: str, payload: bytes | None = None) -> None:
        """Tell of something, and keep the event that it came of."""
        self.count += 1
        tqdm.write(f"came through: {what}", file=sys.stderr)
        if payload is not None:
            path = self.folder / f"failure-{self.count}.json"
            path.write_bytes(payload)
            again = f".venv/bin/python -m tools.fuzz --replay {path}"
            tqdm.write(f"  send it again: {again}", file=sys.stderr)


def apart(function: Callable[..., Any], *arguments: object) -> Any:
    """What a function gives, in a process of its own: a handler can end the one that it is in.

    Raises:
        Exception: The function's own; BrokenProcessPool where the process ended.
    """
    with ProcessPoolExecutor(1) as pool:
        return pool.submit(function, *arguments).result()


def progress(total: int, what: str) -> tqdm:
    return tqdm(total=total, desc=what, unit="", smoothing=0.05, mininterval=1, file=sys.stderr)

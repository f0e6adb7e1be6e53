"""What came through: told at once, and kept."""

import sys
from pathlib import Path

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
        for path in folder.glob("failure-*.json"):
            path.unlink()

    def add(self, what: str, payload: bytes | None = None) -> None:
        """Tell of something, and keep the event that it came of."""
        self.count += 1
        tqdm.write(f"came through: {what}", file=sys.stderr)
        if payload is not None:
            path = self.folder / f"failure-{self.count}.json"
            path.write_bytes(payload)
            again = f".venv/bin/python -m serving.tests.fuzz --replay {path}"
            tqdm.write(f"  send it again: {again}", file=sys.stderr)


def progress(total: int, what: str) -> tqdm:
    return tqdm(total=total, desc=what, unit="", smoothing=0.05, mininterval=1, file=sys.stderr)

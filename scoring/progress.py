"""How far it is, how fast, and how long it will take."""

import sys
import time
from typing import Self

from tqdm import tqdm


class Progress:
    """A bar with rows, rows a second and the time left; a line every ten seconds in a log.

    Args:
        total: How far the last place is.
        position: How far it is now.
        count: Rows that were there before.
    """

    def __init__(self, total: int, position: int, count: int) -> None:
        seen = sys.stderr.isatty()
        self._bar = tqdm(
            total=total,
            initial=position,
            desc="score",
            mininterval=0.2 if seen else 10,
            ascii=not seen,
            bar_format="{desc}: {percentage:3.0f}% |{bar:24}| {elapsed} gone, {remaining} left"
            "{postfix}",
        )
        self._before = count
        self._began = time.monotonic()

    def show(self, position: int, count: int, bad: int) -> None:
        """So far it is, with so many rows, so many of them bad."""
        rate = (count - self._before) / max(time.monotonic() - self._began, 1e-9)
        errors = f", {bad:,} with an error" if bad else ""
        self._bar.set_postfix_str(f"{count:,} rows, {rate:,.0f} a second{errors}", refresh=False)
        self._bar.update(position - self._bar.n)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

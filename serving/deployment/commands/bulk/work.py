"""How much work is done at once, and how the person who waits is told."""

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

AT_ONCE = 10  # as many connections as a client of boto3 keeps


def do_each[T](do: Callable[[T], Any], items: Iterable[T]) -> Iterator[int]:
    """Do something to each item, to some at once; gives how many are done.

    Raises:
        Whatever the first that fails has raised; what was not begun then is left.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        begun = [pool.submit(do, one) for one in items]
        try:
            for number, one in enumerate(as_completed(begun), 1):
                one.result()
                yield number
        finally:
            pool.shutdown(cancel_futures=True)


class Line:
    """A line on standard error that shows how far it is: in place, in a log where it is another."""

    def __init__(self) -> None:
        self._seen = sys.stderr.isatty()
        self._before = ""

    def show(self, text: str) -> None:
        if text != self._before:
            print(f"\r\x1b[K{text}" if self._seen else text, end=self._end, file=sys.stderr)
            sys.stderr.flush()
        self._before = text

    def close(self) -> None:
        """Let what is said next have a line of its own."""
        if self._before:
            print(end="\n" if self._seen else "", file=sys.stderr)
        self._before = ""

    @property
    def _end(self) -> str:
        return "" if self._seen else "\n"

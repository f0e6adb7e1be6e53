"""How the steps talk to the person who runs them."""

import errno
import sys
from collections.abc import Callable, Iterable


class StepError(Exception):
    """A step cannot go on. The message says what is wrong, where, and what mends it."""


def say(message: str) -> None:
    """Print a line of progress, at once: the steps' output is often piped."""
    print(message, flush=True)


def progress[T](items: Iterable[T], total: int, what: str) -> Iterable[T]:
    """Go through `items` with a bar that shows the time left; a line every ten seconds in a log."""
    from tqdm import tqdm  # noqa: PLC0415 - the image of bulk is without it

    return tqdm(
        items,
        total=total,
        desc=what,
        mininterval=0.2 if sys.stderr.isatty() else 10,
        ascii=not sys.stderr.isatty(),
        bar_format="{desc}: {n_fmt}/{total_fmt} |{bar:24}| {elapsed} gone, {remaining} left",
    )


def run_step(step: Callable[[], None]) -> None:
    """Run a step's main function; an error that a person can mend is one sentence, status 1."""
    try:
        step()
    except StepError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        sys.exit("error: no space left on the disk: free some, then run the same command again")
    except KeyboardInterrupt:
        sys.exit("interrupted: what was finished is kept; run the same command again to go on")

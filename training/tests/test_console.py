"""Errors that a person can mend are one sentence and status 1."""

import errno

import pytest

from training.console import StepError, progress, run_step


def fail(error):
    def stage():
        raise error

    return stage


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (StepError("no data: get some"), "error: no data: get some"),
        (OSError(errno.ENOSPC, "No space left on device"), "error: no space left on the disk"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_error_can_be_mended_is_one_sentence(error, says):
    with pytest.raises(SystemExit, match=says):
        run_step(fail(error))


def test_other_errors_keep_their_traceback():
    with pytest.raises(OSError, match="Bad file"):
        run_step(fail(OSError(errno.EBADF, "Bad file descriptor")))


def test_progress_gives_every_item_and_says_the_time_left(capsys):
    assert list(progress(iter("abc"), 3, "fitting")) == ["a", "b", "c"]
    assert "fitting: 3/3" in capsys.readouterr().err

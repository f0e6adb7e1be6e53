"""Whether dvc.lock is of these sources: `make check` wants it, for its model is what goes live."""

import logging
import re

from training.console import StepError, run_step
from training.run_dvc import list_causes, wait_for_lock

TARGET = "bundle"


def main() -> None:
    """Refuse a tree whose model was made by other code, with other parameters or data.

    Raises:
        StepError: Some steps would run again, or DVC cannot tell.
    """
    if stale := list_stale():
        raise StepError(
            f"dvc.lock is of other code, parameters or data: {', '.join(stale)} would run again. "
            "'make train', then commit dvc.lock and the manifest; in a pull request the workflow "
            "'train' does it"
        )


def list_stale(target: str = TARGET) -> list[str]:
    """The steps up to a target that would run again, were their outputs here: of all models.

    Where one of them lacks its inputs, DVC goes no further: then that one alone.

    Raises:
        StepError: DVC cannot tell, and says why.
    """
    from dvc.exceptions import DvcException, ReproductionError  # noqa: PLC0415 - takes a second
    from dvc.logger import set_loggers_level  # noqa: PLC0415

    try:
        with set_loggers_level(logging.CRITICAL):
            return wait_for_lock(lambda: try_out(target))
    except DvcException as error:
        causes = list_causes(error)
        if isinstance(error, ReproductionError) and isinstance(causes[-1], FileNotFoundError):
            return re.findall("'([^']+)'", str(error))
        said = ": ".join(dict.fromkeys(map(str, causes)))
        raise StepError(f"DVC cannot tell whether the model is of this code: {said}") from None


def try_out(target: str) -> list[str]:
    """The names of the steps that `dvc repro` would run.

    Raises:
        DvcException: DVC's own.
    """
    from dvc.repo import Repo  # noqa: PLC0415 - takes a second

    with Repo() as repo:
        stages = repo.reproduce([target], dry=True, allow_missing=True)
    return [stage.addressing for stage in stages]


if __name__ == "__main__":
    run_step(main)

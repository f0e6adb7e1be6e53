"""Whether dvc.lock is of these sources: `make check` wants it, for its models go live."""

import logging
import re
from collections.abc import Iterable

from training.console import StepError, run_step
from training.paths import Paths, list_models
from training.run_dvc import list_causes, wait_for_lock

TARGET = "bundle"


def main() -> None:
    """Refuse a tree one of whose models was made by other code, with other parameters or data.

    Raises:
        StepError: Some steps would run again, or DVC cannot tell.
    """
    if stale := find_stale(list_models()):
        models = "\n".join(
            f"  {name}: {', '.join(steps)} would run again: {Paths(name).make('train')}"
            for name, steps in stale.items()
        )
        raise StepError(
            f"dvc.lock is of other code, parameters or data:\n{models}\n"
            "Then commit dvc.lock and the manifests; in a pull request the workflow 'train' does it"
        )


def find_stale(names: Iterable[str]) -> dict[str, list[str]]:
    """The steps that would run again, by model; only models that have some.

    Each model is asked for by itself: DVC goes no further than the first input that is missing.

    Raises:
        StepError: DVC cannot tell, and says why.
    """
    found = {name: list_stale(Paths(name).name_step(TARGET)) for name in names}
    return {name: steps for name, steps in found.items() if steps}


def list_stale(target: str) -> list[str]:
    """The steps up to a target that would run again, were their outputs here.

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

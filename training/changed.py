"""Whether dvc.lock is of these sources: `make check` wants it, for its model is what goes live."""

import re

from training.console import StepError, run_step
from training.remote import dvc

TARGET = "bundle"


def main() -> None:
    """Refuse a tree whose model was made by other code, with other parameters or data.

    Raises:
        StepError: Some steps would run again.
    """
    if stale := list_stale():
        raise StepError(
            f"dvc.lock is of other code, parameters or data: {', '.join(stale)} would run again. "
            "'make train', then commit dvc.lock and the manifest; in a pull request the workflow "
            "'train' does it"
        )


def list_stale() -> list[str]:
    """The steps that would run again, were their outputs here, as far as DVC can tell."""
    done = dvc("repro", "--dry", "--allow-missing", TARGET, capture=True)
    found = re.findall(r"^Running stage '([^']+)'", done.stdout, re.MULTILINE)
    # DVC fails where a stage that must run lacks its inputs.
    return found or (["a step"] if done.returncode else [])


if __name__ == "__main__":
    run_step(main)

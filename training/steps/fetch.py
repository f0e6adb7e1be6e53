"""Step fetch: the model's data as its source has it."""

import shutil

from training.contract import read_source
from training.paths import Paths, run_for_model
from training.settings.params import read_params
from training.settings.written import check_form


def main(paths: Paths) -> None:
    """Put the data into its folder.

    Raises:
        StepError: It cannot be had, or is not what is pinned.
    """
    shutil.rmtree(paths.raw, ignore_errors=True)  # DVC's own, or what an interrupted run left
    paths.raw.mkdir(parents=True)
    source, params = read_source(paths.name), read_params(paths)
    settings = check_form(source.settings, params.prepare, f"{paths.params}, prepare")
    source.fetch(paths.raw, settings)


if __name__ == "__main__":
    run_for_model(main)

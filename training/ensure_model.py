"""Make sure that the model of this commit is in serving/app/data: pull it, or train it."""

import os
import subprocess
import sys
from pathlib import Path

from serving.app.errors import ModelError
from serving.app.manifest import MANIFEST_NAME, Manifest, read_manifest, read_pinned
from training.console import StageError, run_stage, say
from training.paths import BUNDLE

TARGET = "bundle"


def main() -> None:
    """Do nothing if model and code agree; else pull the model from the remote, or train it.

    Raises:
        StageError: DVC failed; it has said why.
    """
    if not is_current():
        say("code, parameters, data or the model's own file changed since the model was made")
        train()
    elif (missing := missing_files()) and not pull(missing):
        say("making the model: about a minute on two cores, less where DVC remembers it")
        train()
    try:
        manifest = check_files()
    except ModelError as error:
        raise StageError(str(error)) from None
    say(f"model {manifest.name} {manifest.version}, macro-F1 {manifest.metrics['macro_f1']:.4f}")


def check_files() -> Manifest:
    """Hold the bundle's files against the manifest.

    Raises:
        ModelError: One of them is not there, or not what the manifest says.
    """
    manifest = read_manifest(BUNDLE)
    for name, pin in manifest.files.items():
        read_pinned(BUNDLE, name, pin)
    return manifest


def is_current() -> bool:
    """Whether no stage would run again if its outputs were here."""
    # DVC fails where a stage that must run lacks its inputs: not current either.
    dry_run = dvc("repro", "--dry", "--allow-missing", TARGET, capture=True)
    return dry_run.returncode == 0 and "Running stage" not in dry_run.stdout


def missing_files() -> list[str]:
    """The bundle's files that are not here: the manifest, and what it pins."""
    try:
        names = [MANIFEST_NAME, *read_manifest(BUNDLE).files]
    except ModelError:
        names = [MANIFEST_NAME]
    return [str(BUNDLE / name) for name in names if not (BUNDLE / name).exists()]


def pull(paths: list[str]) -> bool:
    """Get files of the model from the remote, if there is one that has them."""
    if not dvc("remote", "list", capture=True).stdout.strip():
        return False
    say("pulling the model from the DVC remote")
    if dvc("pull", "--quiet", *paths).returncode:
        say("the remote cannot be reached, or does not have the model of this commit (see above)")
        return False
    try:
        check_files()
    except ModelError as error:
        # DVC takes what it gets, unless the remote says verify; its cache has the file now.
        say(f"what the remote gave is not the model of this commit: {error}")
        for path in map(Path, paths):
            path.unlink(missing_ok=True)
        return False
    return True


def train() -> None:
    """Run the stages that changed, up to the bundle.

    Raises:
        StageError: One of them failed, and has said why.
    """
    if dvc("repro", TARGET).returncode:
        raise StageError("there is no model to serve; what is wrong stands above")


def dvc(*arguments: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
    """Run DVC's command line, its output passed on or captured."""
    # The stages' "python" must be this one, in a shell that has not activated .venv, too.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        env=os.environ | {"PATH": path},
        capture_output=capture,
        text=True,
        check=False,
    )


if __name__ == "__main__":
    run_stage(main)

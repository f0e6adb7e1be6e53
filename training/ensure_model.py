"""Make sure that the model of this commit is in serving/app/data: pull it, or train it."""

import os
import subprocess
import sys
from pathlib import Path

from serving.app.errors import BundleDamaged, ModelError
from serving.app.files import read_pinned
from serving.app.manifest import MANIFEST_NAME, Manifest, read_manifest
from training.console import StageError, run_stage, say
from training.paths import BUNDLE

TARGET = "bundle"


def main() -> None:
    """Do nothing if model and code agree; else pull the model from the remote, or train it.

    Raises:
        StageError: DVC failed and has said why, or what it has is not the model.
    """
    if not is_current():
        say("code, parameters, data or the model's own file changed since the model was made")
        train()
    elif (missing := missing_files()) and not pull(missing):
        say("making the model: about a minute on two cores, less where DVC remembers it")
        train()
    try:
        manifest = check_files()
    except BundleDamaged as error:
        # To train would be to unpickle what the cache has: DVC does not look at it again.
        raise StageError(
            f"{error}; but first 'rm -r .dvc/cache {BUNDLE}/model.*', for DVC trusts its cache, "
            "which a pull that was not verified has spoilt"
        ) from None
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
    """Get files of the model from the remote, if there is one that is verified and has them."""
    remote = verified_remote()
    if remote is None:
        return False
    say(f"pulling the model from the DVC remote {remote}")
    # By its name: then no remote that an output names for itself has a part in it.
    if dvc("pull", "--quiet", "--remote", remote, *paths).returncode:
        say(
            "the remote cannot be reached, or lacks the model of this commit, or has other bytes "
            "in its place (see above)"
        )
        return False
    return True


def verified_remote() -> str | None:
    """The default remote if DVC checks what comes from it; if not, None, and it is said why."""
    settings: dict[str, tuple[str, str]] = {}
    # "file<tab>name=value", from the system's file to .dvc/config.local: the last one counts.
    for line in dvc("config", "--list", "--show-origin", capture=True).stdout.splitlines():
        file, _, setting = line.partition("\t")
        name, _, value = setting.partition("=")
        settings[name] = (value, file)
    if "core.remote" not in settings:
        if any(name.startswith("remote.") for name in settings):
            say(
                "nothing is pulled: no remote is DVC's default: '.venv/bin/dvc remote default NAME'"
            )
        return None
    remote = settings["core.remote"][0].lower()  # as DVC looks it up
    _, home = settings.get(f"remote.{remote}.url", ("", ""))
    verify, file = settings.get(f"remote.{remote}.verify", ("false", home))
    if verify.lower() == "true":
        return remote
    level = "" if file == ".dvc/config" else "--local "
    say(
        f"nothing is pulled: the DVC remote {remote} is not verified, so DVC would take whatever "
        f"lies there for the model: mend it with '.venv/bin/dvc remote modify {level}{remote} "
        "verify true'"
    )
    return None


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

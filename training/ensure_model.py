"""Make sure that the model of this commit is in serving/app/data: pull it, or train it."""

from serving.bundle.errors import BundleDamaged, ModelError
from serving.bundle.files import read_pinned
from serving.bundle.manifest import MANIFEST_NAME, Manifest, read_manifest
from training.changed import TARGET, list_stale
from training.console import StepError, run_step, say
from training.paths import BUNDLE
from training.remote import verified_remote
from training.run_dvc import dvc


def main() -> None:
    """Do nothing if model and code agree; else pull the model from the remote, or train it.

    Raises:
        StepError: DVC failed and has said why, or what it has is not the model.
    """
    if list_stale():
        say("code, parameters, data or the model's own file changed since the model was made")
        train()
    elif (missing := missing_files()) and not pull(missing):
        say("making the model: about a minute on two cores, less where DVC remembers it")
        train()
    try:
        manifest = check_files()
    except BundleDamaged as error:
        # To train would be to unpickle what the cache has: DVC does not look at it again.
        raise StepError(
            f"{error}; but first 'rm -r .dvc/cache {BUNDLE}/model.*', for DVC trusts its cache, "
            "which a pull that was not verified has spoilt"
        ) from None
    except ModelError as error:
        raise StepError(str(error)) from None
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


def train() -> None:
    """Run the steps that changed, up to the bundle.

    Raises:
        StepError: One of them failed, and has said why.
    """
    if dvc("repro", TARGET).returncode:
        raise StepError("there is no model to serve; what is wrong stands above")


if __name__ == "__main__":
    run_step(main)

"""Make sure that a model of this commit is in serving/app/data: pull it, or train it."""

from serving.bundle.errors import BundleDamaged, ModelError
from serving.bundle.files import read_pinned
from serving.bundle.manifest import MANIFEST_NAME, Manifest, read_manifest
from training.changed import TARGET, list_stale
from training.console import StepError, say
from training.evaluation.scores import tell_scores
from training.paths import Paths, run_for_model
from training.remote import verified_remote
from training.run_dvc import dvc


def main(paths: Paths) -> None:
    """Do nothing if model and code agree; else pull the model from the remote, or train it.

    Raises:
        StepError: DVC failed and has said why, or what it has is not the model.
    """
    if list_stale(paths.name_step(TARGET)):
        say("no model of this code, these parameters and data is here: making it")
        train(paths)
    elif (missing := missing_files(paths)) and not pull(missing):
        say("making the model: about a minute on two cores, less where DVC remembers it")
        train(paths)
    try:
        manifest = check_files(paths)
    except BundleDamaged as error:
        # To train would be to unpickle what the cache has: DVC does not look at it again.
        raise StepError(
            f"{error}; but first 'rm -r .dvc/cache {paths.bundle}/model.*', for DVC trusts its "
            "cache, into which an unverified pull has put another file"
        ) from None
    except ModelError as error:
        raise StepError(str(error)) from None
    say(f"model {manifest.name} {manifest.version}: {tell_scores(manifest.metrics)}")


def check_files(paths: Paths) -> Manifest:
    """Hold the bundle's files against the manifest.

    Raises:
        ModelError: One of them is not there, or not what the manifest says.
    """
    manifest = read_manifest(paths.bundle)
    for name, pin in manifest.files.items():
        read_pinned(paths.bundle, name, pin)
    return manifest


def missing_files(paths: Paths) -> list[str]:
    """The bundle's files that are not here: the manifest, and what it pins."""
    try:
        names = [MANIFEST_NAME, *read_manifest(paths.bundle).files]
    except ModelError:
        names = [MANIFEST_NAME]
    return [str(paths.bundle / name) for name in names if not (paths.bundle / name).exists()]


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


def train(paths: Paths) -> None:
    """Run the steps that changed, up to the bundle.

    Raises:
        StepError: One of them failed, and has said why.
    """
    if dvc("repro", paths.name_step(TARGET)).returncode:
        raise StepError("there is no model to serve: the error is shown above")


if __name__ == "__main__":
    run_for_model(main)

"""DVC and its remote: `make pull` fetches the files of this commit's model, `make push` uploads."""

import sys

from training.console import StepError, run_step, say
from training.paths import Paths, find_paths
from training.run_dvc import dvc

LAST_STEPS = ("bundle", "learning_curve")  # on which no other one depends


def main() -> None:
    """Pull or push, as the first argument says, what belongs to the model that the second names.

    Raises:
        StepError: The remote cannot be reached; to push, there must be one.
    """
    action, name = sys.argv[1:]
    {"pull": pull, "push": push}[action](find_paths(name))


def list_targets(paths: Paths) -> list[str]:
    """DVC's arguments for what a model has of data of its own, and for all that its steps make."""
    tracked = sorted(map(str, paths.home.glob("*.dvc")))
    return ["--with-deps", *tracked, *map(paths.name_step, LAST_STEPS)]


def pull(paths: Paths) -> None:
    """Get all that the remote has of a model of this commit; what it lacks, the steps make.

    Raises:
        StepError: It cannot be reached, or has other bytes than were asked for.
    """
    remote = verified_remote()
    if remote is None:
        say("there is no verified DVC remote to pull from: the steps make all")
        return
    say(f"pulling from the DVC remote {remote}; what it does not have, the steps make")
    if dvc("pull", "--allow-missing", "--remote", remote, *list_targets(paths)).returncode:
        raise StepError(
            f"the DVC remote {remote} cannot be reached, or does not have what it should (see "
            "above): check its address in .dvc/config and the credentials (AWS_PROFILE)"
        )


def push(paths: Paths) -> None:
    """Hand what was made here of a model to the remote.

    Raises:
        StepError: There is none, or it does not take it.
    """
    remote = verified_remote()
    if remote is None:
        raise StepError(
            "there is no verified DVC remote to push to: mend what stands above, or where there is "
            "none, 'make remote URL=s3://bucket/path'"
        )
    if dvc("push", "--remote", remote, *list_targets(paths)).returncode:
        raise StepError(
            f"the DVC remote {remote} does not take the model (see above): check its address in "
            ".dvc/config and the credentials (AWS_PROFILE); what was pushed is kept"
        )


def verified_remote() -> str | None:
    """The default remote if DVC checks what comes from it; if not, None, and it is said why.

    Raises:
        StepError: DVC cannot read its settings, and says why.
    """
    settings: dict[str, tuple[str, str]] = {}
    done = dvc("config", "--list", "--show-origin", capture=True)
    if done.returncode:
        raise StepError(f"DVC cannot read its settings: {done.stderr.strip()}")
    # "file<tab>name=value", from the system's file to .dvc/config.local: the last one counts.
    for line in done.stdout.splitlines():
        file, _, setting = line.partition("\t")
        name, _, value = setting.partition("=")
        settings[name] = (value, file)
    if "core.remote" not in settings:
        if any(name.startswith("remote.") for name in settings):
            say("no DVC remote is used: none is the default: '.venv/bin/dvc remote default NAME'")
        return None
    remote = settings["core.remote"][0].lower()  # as DVC looks it up
    _, home = settings.get(f"remote.{remote}.url", ("", ""))
    verify, file = settings.get(f"remote.{remote}.verify", ("false", home))
    if verify.lower() == "true":
        return remote
    level = "" if file == ".dvc/config" else "--local "
    say(
        f"the DVC remote {remote} is not used: it is not verified, so DVC would accept "
        f"any file there as the model: mend it with '.venv/bin/dvc remote modify {level}{remote} "
        "verify true'"
    )
    return None


if __name__ == "__main__":
    run_step(main)

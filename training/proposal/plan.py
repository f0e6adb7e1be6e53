"""Which models a run is to train, and what it may do: the first job of train.yml."""

import os
import sys
from collections.abc import Sequence
from typing import Any

import yaml

from training.changed import find_stale
from training.console import StepError
from training.paths import MODELS, list_models
from training.proposal.commit import git
from training.proposal.files import LOCK, Files
from training.proposal.github import GitHubError, Run, read_run, write_outputs, write_summary


def main(asked: Sequence[str]) -> None:
    """Say which models are to be trained, and whether the run may write."""
    try:
        run = read_run()
        rights, missing = run.find_rights(os.environ.get("AWS_ACCOUNT_ID", ""))
        changed = find_changed(run) if run.pull_request else find_asked(asked)
    except (GitHubError, StepError) as error:
        sys.exit(f"error: {error}")
    lines = [f"- {name}: {why}" for name, why in changed.items()]
    write_summary("\n".join(["To be trained:", "", *lines, ""] if lines else ["Nothing to train."]))
    if changed and missing:
        write_summary(
            f"They are trained, judged and tested, but not kept, committed or reported: {missing}."
        )
    write_outputs(
        models=" ".join(changed), rights=rights, missing=missing, base=f"origin/{run.base}"
    )


def find_asked(names: Sequence[str]) -> dict[str, str]:
    """The models that a person or a timetable named, else all; each with why."""
    return dict.fromkeys(names or list_models(), "it was asked for")


def find_changed(run: Run) -> dict[str, str]:
    """The models that a pull request changes, each with why: another one costs nothing.

    Raises:
        GitHubError: git does not know the branch that it is to get into, for one.
        StepError: DVC cannot tell.
    """
    try:
        base = git("merge-base", f"origin/{run.base}", "HEAD").strip()
    except GitHubError as error:
        raise GitHubError(f"{error} (origin/{run.base} needs fetch-depth: 0)") from None
    names = list_models()
    stale = find_stale(names)
    changed = {}
    for name in names:
        if steps := stale.get(name):
            changed[name] = f"the pull request changes what {', '.join(steps)} depends on"
        elif git("diff", "--name-only", base, "HEAD", "--", f"{MODELS / name}"):
            changed[name] = f"the pull request changes {MODELS / name}"
        elif brings(base, name):
            changed[name] = "the pull request brings another one"
    return changed


def brings(base: str, name: str) -> bool:
    """Whether HEAD has another model than a commit: a lock of its own, or a revert."""
    files = Files(name)
    return read_lock(base, name) != read_lock("HEAD", name) or bool(
        git("diff", "--name-only", base, "HEAD", "--", files.manifest, files.scores)
    )


def read_lock(commit: str, name: str) -> dict[str, Any]:
    """What a commit's lock says of a model's steps; nothing where it is none.

    Raises:
        GitHubError: git cannot read it.
    """
    if not git("ls-tree", commit, "--", LOCK):
        return {}
    try:
        steps = yaml.safe_load(git("show", f"{commit}:{LOCK}"))["stages"]
        return {step: steps[step] for step in steps if step.partition("@")[2] == name}
    except (AttributeError, KeyError, TypeError, yaml.YAMLError):
        return {}


if __name__ == "__main__":
    main(sys.argv[1:])

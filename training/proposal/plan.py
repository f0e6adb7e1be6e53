"""What a run has to do, and what it may: the first job of .github/workflows/train.yml."""

import os
import sys

from training.changed import list_stale
from training.proposal.commit import git
from training.proposal.files import Files
from training.proposal.github import GitHubError, Run, read_run, write_outputs, write_summary


def main() -> None:
    """Say whether there is a model to train, and whether the run may write."""
    try:
        run = read_run()
        rights, missing = run.find_rights(os.environ.get("AWS_ACCOUNT_ID", ""))
        changed, why = find_change(run, Files(sys.argv[1]))
    except GitHubError as error:
        sys.exit(f"error: {error}")
    write_summary(("A model is to be trained: " if changed else "Nothing to train: ") + why + ".")
    if changed and missing:
        write_summary(
            f"It is trained, judged and tested, but not kept, committed or reported: {missing}."
        )
    write_outputs(
        model="changed" if changed else "same",
        rights=rights,
        missing=missing,
        base=f"origin/{run.base}",
    )


def find_change(run: Run, files: Files) -> tuple[bool, str]:
    """Whether there is a model to train and to judge, and why.

    Raises:
        GitHubError: git does not know the branch that it is to get into, for one.
    """
    if not run.pull_request:
        return True, "it was asked for"
    if stale := list_stale():
        return True, f"the pull request changes what {', '.join(stale)} depends on"
    try:
        brought = git("diff", "--name-only", f"origin/{run.base}...HEAD", "--", *files.committed)
    except GitHubError as error:
        raise GitHubError(f"{error} (origin/{run.base} needs fetch-depth: 0)") from None
    if brought:
        return True, "the pull request brings a model"
    return False, "the pull request touches no code, parameters or data of the model's"


if __name__ == "__main__":
    main()

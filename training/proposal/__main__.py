"""Commit new models to the pull request, and report on them: the last job of train.yml.

Nothing is committed that was not trained, judged, tested and pushed to the DVC remote before.
"""

import os
import sys

from training.proposal.commit import commit
from training.proposal.github import GitHubError, Rights, Run, read_run, write_summary
from training.proposal.outcome import Outcome, read_outcome
from training.proposal.pull_request import (
    comment,
    find_pull_request,
    open_pull_request,
    set_statuses,
    write_comment,
)


def main() -> None:
    """Commit, where all went well; comment, whatever came of it. Ends with 1 where it did not."""
    try:
        run = read_run()
        outcome = read_outcome(os.environ.get("NEEDS", ""))
        if outcome.rights is Rights.ALL:
            propose(run, outcome)
        else:
            write_summary(f"Nothing is committed or reported: {outcome.missing}.")
    except GitHubError as error:
        sys.exit(f"error: {error}")
    if not outcome.passed:
        sys.exit(f"error: {outcome.explain()}")
    if not outcome.may_merge:
        sys.exit(f"error: what was trained is kept nowhere: {outcome.missing}")


def propose(run: Run, outcome: Outcome) -> None:
    """Commit and report.

    Raises:
        GitHubError: GitHub or git does not do it.
    """
    branch, sha = run.branch, None
    if outcome.models and outcome.passed:
        branch, sha = commit(run, outcome.models, outcome.tested_digest)
    said = outcome.explain()
    if sha:
        set_statuses(run, sha)
        said = f"`{branch}` has what was trained as {sha}, and the service was tested with it"
    write_summary(f"{said}.")
    if outcome.is_cancelled:
        return  # another run is under way, whose report it will be
    number = find_pull_request(run, branch)
    if number is None and sha and run.branch == run.main:
        number = open_pull_request(run, branch)
    if number is None:
        write_summary("There is no pull request to report to.")
        return
    body = write_comment(run, outcome.models, said)
    comment(run, number, body, only_update=not outcome.models)


if __name__ == "__main__":
    main()

"""Commit models' lock, manifests and scores to the branch that they are for: never to main."""

import base64
import json
import os
import subprocess
from collections.abc import Sequence

from training.evaluation.scores import tell_scores
from training.proposal.files import (
    VERSION,
    Files,
    Model,
    hash_files,
    list_committed,
    read_model,
    take,
)
from training.proposal.github import GitHubError, Run

NAMED = 3  # models, in the name of a branch
BOT = {
    "user.name": "github-actions[bot]",
    "user.email": "41898282+github-actions[bot]@users.noreply.github.com",
}


def commit(run: Run, proposed: Sequence[Files], tested: str) -> tuple[str, str | None]:
    """Commit what was proposed and tested, all models in one commit, and push it.

    Where an earlier run has done that already, and perhaps not all that comes after it, its commit
    counts as this one's.

    Args:
        run: That pushes it.
        proposed: The models'.
        tested: What `hash_files` said of the files that were tested.

    Returns:
        The branch, and the commit; None where there is nothing new.

    Raises:
        GitHubError: The proposal is none, or not what was tested, or git does not push.
    """
    names = list_committed(proposed)
    take(names)
    if hash_files(names) != tested:
        raise GitHubError("the proposed models are not those that were tested")
    models = {one.manifest: read_model(one) for one in proposed}
    git("add", "--", *names)
    changed = git("diff", "--cached", "--name-only").splitlines()
    new = [model for manifest, model in models.items() if manifest in changed]
    if run.branch == run.main and not new:
        return run.branch, None  # other bytes, perhaps, but the same models
    if not changed:
        ours = git("log", "-1", "--format=%ce").strip() == BOT["user.email"]
        return run.branch, find_head() if ours else None
    message = write_message(run, new or list(models.values()))
    branch, before = name_branch(run, new), find_head()
    settings = [part for pair in BOT.items() for part in ("-c", "=".join(pair))]
    git(*settings, "commit", "--quiet", "--message", message)
    there = git("ls-remote", "origin", f"refs/heads/{branch}", run=run).partition("\t")[0]
    if not there and branch == run.branch:
        raise GitHubError(f"{branch} is gone: it has been merged, or deleted")
    if there and there != before:
        return branch, find_same(run, branch, there)
    push(run, branch)
    return branch, find_head()


def find_head() -> str:
    """The commit that is checked out."""
    return git("rev-parse", "HEAD").strip()


def find_same(run: Run, branch: str, there: str) -> str | None:
    """The commit that a branch has moved on to, if it says the same as ours.

    Returns:
        The commit; None where it is another one, of a branch of a run's own: it is proposed.

    Raises:
        GitHubError: A person's branch has moved on.
    """
    git("fetch", "--quiet", "--depth=1", "origin", there, run=run)
    if git("rev-parse", f"{there}^{{tree}}") == git("rev-parse", "HEAD^{tree}"):
        return there
    if branch == run.branch:
        raise GitHubError(f"{branch} has moved on: the run of its newest commit trains that")
    return None


def name_branch(run: Run, models: Sequence[Model]) -> str:
    """Where models go: to the run's own branch; from main, to one of its own."""
    if run.branch != run.main:
        return run.branch
    named = "-".join(f"{one.name}-{one.version}" for one in models[:NAMED])
    return f"model/{named}{f'-{len(models) - NAMED}-more' if models[NAMED:] else ''}"


def write_message(run: Run, models: Sequence[Model]) -> str:
    """The message of a commit, while HEAD is still the one before it."""
    title = ", ".join(f"{one.name} {one.version}" for one in models)
    lines = [
        f"{one.name}: {read_version(one) or 'none'} -> {one.version}: {tell_scores(one.scores)}"
        for one in models
    ]
    return "\n".join([f"Model {title}", "", *lines, "", f"Trained by {run.url}"])


def read_version(model: Model) -> str | None:
    """The version of a model that HEAD has; None where it has none."""
    try:
        found = json.loads(git("show", f"HEAD:{Files(model.name).manifest}"))["version"]
        return found if VERSION.fullmatch(found) else None
    except (GitHubError, KeyError, TypeError, ValueError):
        return None


def push(run: Run, branch: str) -> None:
    """Push the commit.

    Raises:
        GitHubError: The branch does not take it, or is main.
    """
    if branch == run.main:
        raise GitHubError(f"no run pushes to {branch}")
    git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}", run=run)


def git(*arguments: str, run: Run | None = None) -> str:
    """Run git, with a run's token where it talks to GitHub; what it says.

    Raises:
        GitHubError: It failed.
    """
    environment = dict(os.environ)
    if run:
        # Not on the command line, which other processes see; nor in .git/config, where it stays.
        secret = base64.b64encode(f"x-access-token:{run.token}".encode()).decode()
        environment |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{run.server}/.extraheader",
            "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {secret}",
        }
    done = subprocess.run(
        ["git", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise GitHubError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout

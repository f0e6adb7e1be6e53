"""Commit a model's lock and manifest to the branch that it is for: nothing else, never to main."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from training.proposal.github import GitHubError, Run

MANIFEST = "serving/app/data/manifest.json"
FILES = ("dvc.lock", MANIFEST, "reports/metrics.json")
MAX_BYTES = 1_000_000
BOT = {
    "user.name": "github-actions[bot]",
    "user.email": "41898282+github-actions[bot]@users.noreply.github.com",
}


def commit(run: Run, proposal: Path) -> tuple[str, str | None]:
    """Commit what a proposal has, and push it.

    Args:
        run: That pushes it.
        proposal: A folder that has `FILES`, as a job that ran other people's packages made it.

    Returns:
        The branch, and the commit; None where there is nothing new.

    Raises:
        GitHubError: The proposal is none, or git does not push.
    """
    take(proposal)
    git("add", "--", *FILES)
    if not git("diff", "--cached", "--name-only"):
        return run.branch, None
    manifest = json.loads(Path(MANIFEST).read_bytes())
    branch = name_branch(run, manifest)
    if branch != run.branch and git("ls-remote", "--heads", "origin", branch, run=run):
        return branch, None  # proposed already, and perhaps refused
    settings = [part for pair in BOT.items() for part in ("-c", "=".join(pair))]
    git(*settings, "commit", "--quiet", "--message", write_message(run, manifest))
    push(run, branch)
    return branch, git("rev-parse", "HEAD").strip()


def take(proposal: Path) -> None:
    """Copy the files to where they belong.

    Raises:
        GitHubError: One of them is not there, is none, or is too large to be what it should be.
    """
    for name in FILES:
        source = proposal / name
        if source.is_symlink() or not source.is_file():
            raise GitHubError(f"{source} is no file: the job before this one is to make it")
        if source.stat().st_size > MAX_BYTES:
            raise GitHubError(f"{source} is too large for what it should be")
        shutil.copyfile(source, name)


def name_branch(run: Run, manifest: dict[str, Any]) -> str:
    """Where the model goes: to the run's own branch; from main, to one of its own."""
    if run.branch != run.main:
        return run.branch
    return f"model/{manifest['name']}-{manifest['version']}"


def write_message(run: Run, manifest: dict[str, Any]) -> str:
    return (
        f"Model {manifest['name']} {manifest['version']}: "
        f"macro-F1 {manifest['metrics']['macro_f1']:.4f}\n\nTrained by {run.url}"
    )


def push(run: Run, branch: str) -> None:
    """Push the commit.

    Raises:
        GitHubError: The branch has moved on, or the run may not.
    """
    if branch == run.main:
        raise GitHubError(f"no run pushes to {branch}")
    try:
        git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}", run=run)
    except GitHubError as error:
        raise GitHubError(
            f"{branch} does not take the commit: if it has moved on, its own run trains it\n{error}"
        ) from None


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

"""git, and what it says where it refuses."""

import subprocess
from pathlib import Path


class GitError(Exception):
    """git's own words, which say what is wrong and often what mends it."""


def git(root: Path, *arguments: str) -> str:
    """Run git in a folder; what it prints, without the line's end.

    Raises:
        GitError: There is no git, or it fails: outside of a repository, in one of another user.
    """
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise GitError(f"git cannot be run ({error.strerror}): install it") from None
    if done.returncode:
        raise GitError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.removesuffix("\n")
